import { duration } from "../server/amount.ts";
import { CHARTS } from "../server/chart-list.ts";
import type { ScenarioTimelineView, TimelinesView } from "../server/view.ts";
import { element } from "./element.ts";
import { LiveChart, type Shown } from "./live-chart.ts";

/** Scenarios that are shown from the start; beyond them lines can't be told apart. */
const SHOWN_AT_FIRST = 3;

/** How far a key moves the pointer, in buckets, and how much a step of zoom leaves. */
const STEP = 1;
const STRIDE = 10;
const ZOOM = 0.5;

/**
 * The charts of one simulation, all over one axis of simulated time: pointing at one points at all, and so does
 * zooming. Puts itself in the place of the server's drawings as soon as it has its figures.
 */
export class ChartPanel {
  readonly #place: HTMLElement;
  readonly #source: string;
  readonly #status = element("p", { class: "message", role: "status" }, "Loading charts …");
  readonly #told = element("output", { "aria-live": "polite" });
  readonly #choices = element("fieldset", { "aria-label": "Scenarios" });
  readonly #charts = CHARTS.map((kind) => new LiveChart(kind));
  readonly #hidden = new Set<string>();
  #scenarios: readonly ScenarioTimelineView[] = [];
  #said = "";
  /** Seconds; undefined: all. */
  #range: readonly [number, number] | undefined;
  #at: number | undefined;
  #up = false;

  /** @param place holds the drawings; `data-source` says where the figures are */
  constructor(place: HTMLElement) {
    this.#place = place;
    this.#source = String(place.dataset.source);
    place.prepend(this.#status);
    for (const chart of this.#charts) {
      chart.pointed = (seconds) => this.#point(seconds);
      chart.zoomed = (from, to) => this.#zoom(from, to);
      chart.figure.addEventListener("keydown", (event) => this.#key(event));
      chart.figure.addEventListener("focus", () => this.#point(this.#at ?? this.#all[0]));
    }
    let width = place.clientWidth;
    new ResizeObserver(() => {
      // Its height changes with what is told of the moment under the pointer.
      if (place.clientWidth === width) return;
      width = place.clientWidth;
      this.#draw();
    }).observe(place);
  }

  /** Asks for the figures; draws if they changed. What was drawn stays if they can't be had. */
  async load(): Promise<void> {
    try {
      const answer = await fetch(this.#source);
      if (!answer.ok) throw new Error(`the server answered ${answer.status}`);
      const text = await answer.text();
      this.#status.hidden = true;
      if (text === this.#said) return;
      this.#said = text;
      this.#show((JSON.parse(text) as TimelinesView).scenarios);
    } catch (error) {
      this.#status.hidden = false;
      this.#status.textContent = `The charts' figures can't be loaded (${(error as Error).message}); what is drawn may be old.`;
    }
  }

  /** After a change of colours. */
  recolour(): void {
    for (const chart of this.#charts) chart.redraw();
  }

  #show(scenarios: readonly ScenarioTimelineView[]): void {
    const fresh = scenarios.filter(({ scenario }) => !this.#scenarios.some((one) => one.scenario === scenario));
    const shown = this.#scenarios.length - this.#hidden.size;
    for (const { scenario } of fresh.slice(Math.max(0, SHOWN_AT_FIRST - shown))) this.#hidden.add(scenario);
    this.#scenarios = scenarios;
    if (fresh.length > 0) this.#choices.replaceChildren(...scenarios.map((one, i) => this.#choice(one.scenario, i)));
    this.#choices.hidden = scenarios.length < 2;
    if (!this.#up) this.#standUp();
    this.#draw();
  }

  /** Takes the place of the drawings. */
  #standUp(): void {
    this.#up = true;
    const button = (text: string, label: string, act: () => void): HTMLElement => {
      const made = element("button", { type: "button", "aria-label": label, title: label }, text);
      made.addEventListener("click", act);
      return made;
    };
    const bar = element(
      "div",
      { class: "panel" },
      this.#choices,
      button("+", "Zoom in", () => this.#scale(ZOOM)),
      button("−", "Zoom out", () => this.#scale(1 / ZOOM)),
      button("Whole run", "Show the whole run", () => this.#zoom(...this.#all)),
      element("span", { class: "soft range" }),
      element(
        "span",
        { class: "soft keys" },
        "Drag to zoom, double-click for all. Keys: ← → to move, + − to zoom, Esc for all.",
      ),
      this.#told,
    );
    const charts = element("div", { class: "charts" }, ...this.#charts.map(({ figure }) => figure));
    this.#place.replaceChildren(this.#status, bar, charts);
  }

  #choice(scenario: string, index: number): HTMLElement {
    const box = element("input", { type: "checkbox", id: `scenario-${index}` }) as HTMLInputElement;
    box.checked = !this.#hidden.has(scenario);
    box.addEventListener("change", () => {
      if (box.checked) this.#hidden.delete(scenario);
      else this.#hidden.add(scenario);
      this.#draw();
    });
    return element("label", { class: `key c${index % 6}` }, box, ` ${scenario}`);
  }

  #draw(): void {
    if (!this.#up) return;
    const shown = this.#scenarios.flatMap((timeline, i): Shown[] =>
      this.#hidden.has(timeline.scenario) ? [] : [{ timeline, colour: i % 6, named: this.#scenarios.length > 1 }],
    );
    for (const chart of this.#charts) chart.draw(shown, this.#shownRange);
    this.#tellRange();
    this.#point(this.#at);
  }

  get #all(): readonly [number, number] {
    const ends = this.#scenarios.map(({ atSeconds, bucketSeconds }) => (atSeconds.at(-1) ?? 0) + bucketSeconds);
    return [0, Math.max(1, ...ends)];
  }

  get #shownRange(): readonly [number, number] {
    return this.#range ?? this.#all;
  }

  get #bucketSeconds(): number {
    return this.#scenarios[0]?.bucketSeconds ?? 1;
  }

  #zoom(from: number, to: number): void {
    const [begin, end] = this.#all;
    const range = [Math.max(begin, from), Math.min(end, to)] as const;
    if (range[1] - range[0] < 2 * this.#bucketSeconds && range[1] - range[0] < end - begin) return;
    this.#range = range[0] <= begin && range[1] >= end ? undefined : range;
    for (const chart of this.#charts) chart.show(this.#shownRange);
    this.#tellRange();
  }

  #scale(share: number): void {
    const [from, to] = this.#shownRange;
    const middle = this.#at !== undefined && this.#at >= from && this.#at <= to ? this.#at : (from + to) / 2;
    this.#zoom(middle - (middle - from) * share, middle + (to - middle) * share);
  }

  #tellRange(): void {
    const [from, to] = this.#shownRange;
    const range = this.#place.querySelector(".range");
    if (range !== null) range.textContent = `${duration(from)} to ${duration(to)}`;
  }

  #point(seconds: number | undefined): void {
    this.#at = seconds;
    const values = this.#charts.map((chart) => chart.point(seconds));
    const focused = this.#charts.findIndex(({ figure }) => figure === document.activeElement);
    const decisions = seconds === undefined ? [] : this.#decisionsAt(seconds);
    const words = [seconds === undefined ? "" : `at ${duration(seconds)}`, values[focused] ?? "", ...decisions];
    this.#told.textContent = words.filter((text) => text !== "").join(" · ");
  }

  #decisionsAt(seconds: number): string[] {
    return this.#scenarios
      .filter(({ scenario }) => !this.#hidden.has(scenario))
      .flatMap(({ scenario, bucketSeconds, decisions }) =>
        decisions
          .filter(({ atSeconds }) => atSeconds >= seconds && atSeconds < seconds + bucketSeconds)
          .map(({ workload, from, to, reason }) => `${scenario}: ${workload} ${from} → ${to}, ${reason}`),
      );
  }

  #key(event: KeyboardEvent): void {
    const [from, to] = this.#shownRange;
    const move = (buckets: number): void => {
      const bucket = this.#bucketSeconds;
      const last = Math.ceil(this.#all[1] / bucket - 1) * bucket;
      const at = Math.min(last, Math.max(0, (this.#at ?? from) + buckets * bucket));
      const off = at < from ? at - from : at >= to ? at + bucket - to : 0;
      if (off !== 0) this.#zoom(from + off, to + off);
      this.#point(at);
    };
    const actions: Readonly<Record<string, () => void>> = {
      ArrowLeft: () => move(event.shiftKey ? -STRIDE : -STEP),
      ArrowRight: () => move(event.shiftKey ? STRIDE : STEP),
      Home: () => move(-Infinity),
      End: () => move(Infinity),
      "+": () => this.#scale(ZOOM),
      "=": () => this.#scale(ZOOM),
      "-": () => this.#scale(1 / ZOOM),
      Escape: () => this.#zoom(...this.#all),
    };
    const act = event.ctrlKey || event.metaKey || event.altKey ? undefined : actions[event.key];
    if (act === undefined) return;
    event.preventDefault();
    act();
  }
}
