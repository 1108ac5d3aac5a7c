import { after, type Micros, NEVER, type SimTime } from "../../sim/time.ts";

/** A pod that waits for its image on a node. */
export interface ImagePull {
  readonly pod: string;
  readonly image: string;
  /** How long fetching and unpacking takes by itself. */
  readonly length: Micros;
}

/**
 * The images of one node: fetched one at a time, in order of asking, and kept. Who asks for one that is there, or has come
 * while it waited, gets it at once.
 * Source: kubelet serialImagePuller (serializeImagePulls is true by default) and imagePullPolicy IfNotPresent, Kubernetes
 * v1.36. The kubelet's garbage collection of images is left out.
 */
export class ImagePulls {
  readonly #images: Set<string>;
  readonly #queue: ImagePull[] = [];
  #due: SimTime = NEVER;

  /** @param images there from the start */
  constructor(images: Iterable<string> = []) {
    this.#images = new Set(images);
  }

  /** When the image that is fetched is there. */
  get due(): SimTime {
    return this.#due;
  }

  /** It is on the node, whoever brought it. */
  keep(image: string): void {
    this.#images.add(image);
  }

  /** @returns whether the image is there; else `advance` tells when it is */
  ask(pull: ImagePull, now: SimTime): boolean {
    if (this.#images.has(pull.image)) return true;
    this.#queue.push(pull);
    if (this.#queue.length === 1) this.#due = after(now, pull.length);
    return false;
  }

  /** @returns the pods that have their image at `now`, which is `due` */
  advance(now: SimTime): readonly string[] {
    const [done] = this.#queue;
    if (done === undefined || this.#due > now) return [];
    this.#images.add(done.image);
    const there = this.#queue.filter(({ image }) => this.#images.has(image)).map(({ pod }) => pod);
    const waiting = this.#queue.filter(({ image }) => !this.#images.has(image));
    this.#queue.splice(0, this.#queue.length, ...waiting);
    const [next] = waiting;
    this.#due = next === undefined ? NEVER : after(now, next.length);
    return there;
  }

  /** A pod that is gone waits no longer; what is being fetched for it is fetched on. */
  drop(pod: string): void {
    const at = this.#queue.findIndex((pull) => pull.pod === pod);
    if (at > 0) this.#queue.splice(at, 1);
  }
}
