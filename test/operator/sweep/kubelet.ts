import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { BUNDLE } from "../../e2e/program.ts";
import type { ControlPlane } from "../../env/control-plane.ts";

export interface Pod {
  readonly metadata: {
    readonly name: string;
    readonly namespace: string;
    readonly uid: string;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly labels?: Readonly<Record<string, string>>;
    readonly deletionTimestamp?: string;
  };
  readonly spec: {
    readonly serviceAccountName?: string;
    readonly automountServiceAccountToken?: boolean;
    readonly containers: readonly {
      readonly name: string;
      readonly image: string;
      readonly args: readonly string[];
      readonly env?: readonly { readonly name: string; readonly value?: string; readonly valueFrom?: unknown }[];
      readonly terminationMessagePath: string;
      readonly volumeMounts: readonly { readonly name: string; readonly mountPath: string }[];
    }[];
    readonly volumes: readonly {
      readonly name: string;
      readonly projected?: {
        readonly sources: readonly { readonly configMap: { name: string; items: { key: string; path: string }[] } }[];
      };
    }[];
  };
  readonly status: { readonly phase: string };
}

/** One pod's process. */
export interface Running {
  readonly pod: Pod;
  readonly process: ChildProcess;
  /** Its termination message so far. */
  message(): string;
}

/**
 * Stands for the kubelets of a namespace: a process for each Pod that the Job controller makes, with the arguments and environment that the
 * Pod says and its volumes as files, and the Pod's status as a kubelet sets it. What it doesn't have is an image and a sandbox.
 */
export class Kubelet {
  /** All that were begun, in order. */
  readonly begun: Running[] = [];
  /** Pods whose image can't be pulled. */
  readonly missingImages: string[];
  readonly #plane: ControlPlane;
  readonly #namespace: string;
  readonly #folder = mkdtempSync(join(tmpdir(), "servetwin-kubelet-"));
  readonly #seen = new Set<string>();
  readonly #ends: Promise<void>[] = [];
  #stopped = false;
  #loop: Promise<void> | undefined;
  failure: unknown;

  constructor(plane: ControlPlane, namespace: string, missingImages: string[] = []) {
    this.#plane = plane;
    this.#namespace = namespace;
    this.missingImages = missingImages;
  }

  start(): void {
    this.#loop = this.#run().catch((error: unknown) => {
      this.failure = error;
    });
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#loop;
    for (const { process } of this.begun) process.kill("SIGKILL");
    await Promise.all(this.#ends);
    rmSync(this.#folder, { recursive: true });
  }

  get #pods(): string {
    return `/api/v1/namespaces/${this.#namespace}/pods`;
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      const { body } = await this.#plane.request(
        "GET",
        `${this.#pods}?labelSelector=app.kubernetes.io/name=servetwin-sweep`,
      );
      const pods = (body as { items: Pod[] }).items;
      for (const { pod, process } of this.begun)
        if (!pods.some(({ metadata }) => metadata.uid === pod.metadata.uid)) process.kill();
      for (const pod of pods) {
        if (this.#seen.has(pod.metadata.uid) || pod.status.phase !== "Pending") continue;
        await this.#begin(pod);
      }
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }

  async #begin(pod: Pod): Promise<void> {
    const [container] = pod.spec.containers;
    if (container === undefined) throw new Error("a pod without containers");
    if (this.missingImages.includes(container.image)) {
      const waiting = { reason: "ErrImagePull", message: `${container.image}: not found` };
      return this.#tell(pod, "Pending", { waiting });
    }
    const folder = join(this.#folder, pod.metadata.name);
    const place = (path: string): string => join(folder, path);
    for (const { name, mountPath } of container.volumeMounts) {
      const volume = pod.spec.volumes.find((one) => one.name === name);
      for (const { configMap } of volume?.projected?.sources ?? []) {
        const path = `/api/v1/namespaces/${this.#namespace}/configmaps/${configMap.name}`;
        const { status, body } = await this.#plane.request("GET", path);
        // Mounted when it is there: a kubelet tries again.
        if (status === 404) return;
        const { data = {}, binaryData = {} } = body as Record<
          "data" | "binaryData",
          Record<string, string> | undefined
        >;
        for (const { key, path: file } of configMap.items) {
          if (data[key] === undefined && binaryData[key] === undefined) return;
          mkdirSync(place(mountPath), { recursive: true });
          writeFileSync(join(place(mountPath), file), data[key] ?? Buffer.from(binaryData[key] ?? "", "base64"));
        }
      }
    }
    this.#seen.add(pod.metadata.uid);
    const result = place(container.terminationMessagePath);
    mkdirSync(dirname(result), { recursive: true });
    writeFileSync(result, "");
    const paths = [container.terminationMessagePath, ...container.volumeMounts.map(({ mountPath }) => mountPath)];
    const args = container.args.map((arg) => {
      const path = paths.find((one) => arg === one || arg.endsWith(`=${one}`));
      return path === undefined ? arg : arg.replace(path, place(path));
    });
    const process = spawn(globalThis.process.execPath, [BUNDLE, ...args], {
      cwd: folder,
      stdio: ["ignore", "ignore", "inherit"],
      env: Object.fromEntries((container.env ?? []).map(({ name, value }) => [name, value ?? this.#field(pod)])),
    });
    const message = (): string => readFileSync(result, "utf8").slice(-4096);
    this.begun.push({ pod, process, message });
    await this.#tell(pod, "Running", { running: { startedAt: new Date().toISOString() } });
    this.#ends.push(
      new Promise((resolve) => {
        process.once("exit", (code, signal) => {
          const exitCode = code ?? (signal === "SIGKILL" ? 137 : 143);
          const reason = exitCode === 0 ? "Completed" : "Error";
          const terminated = { exitCode, reason, message: message(), finishedAt: new Date().toISOString() };
          this.#tell(pod, exitCode === 0 ? "Succeeded" : "Failed", { terminated }).then(resolve, resolve);
        });
      }),
    );
  }

  /** The one field that the Job controller lets a Pod read of itself. */
  #field({ metadata }: Pod): string {
    return metadata.annotations?.["batch.kubernetes.io/job-completion-index"] ?? "";
  }

  async #tell(pod: Pod, phase: string, state: object): Promise<void> {
    const [{ name, image } = { name: "", image: "" }] = pod.spec.containers;
    const container = { name, image, imageID: "", ready: false, restartCount: 0, state };
    await this.#plane.request("PATCH", `${this.#pods}/${pod.metadata.name}/status`, {
      status: { phase, containerStatuses: [container] },
    });
  }
}
