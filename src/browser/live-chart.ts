import uPlot from "uplot";
import { duration } from "../server/amount.ts";
import { TIME_STEPS } from "../server/chart.ts";
import type { ChartKind } from "../server/chart-list.ts";
import type { ScenarioTimelineView } from "../server/view.ts";
import { element } from "./element.ts";

const HEIGHT = 190;

/** A scenario that a chart shows. */
export interface Shown {
  readonly timeline: ScenarioTimelineView;
  /** 0 to 5, of the style sheet. */
  readonly colour: number;
  /** Whether its name has to be said. */
  readonly named: boolean;
}

interface Line {
  readonly name: string;
  readonly scenario: Shown;
  readonly second: boolean;
  /** Of the series in the plot. */
  readonly index: number;
  readonly told: HTMLElement;
}

/** One chart as a figure that can be focused: lines of several scenarios, the band of their replications, marks of decisions. */
export class LiveChart {
  readonly figure: HTMLElement;
  /** The reader points at this moment; undefined: at none. */
  pointed: (seconds: number | undefined) => void = () => undefined;
  /** The reader chose this range. */
  zoomed: (from: number, to: number) => void = () => undefined;
  readonly #kind: ChartKind;
  readonly #caption = element("figcaption", {});
  readonly #canvas = element("div", {});
  #lines: readonly Line[] = [];
  #shown: readonly Shown[] = [];
  #plot: uPlot | undefined;
  /** What happens now was asked for by the program, not by the reader. */
  #ours = false;
  /** The pointer is over this chart, which marks it by itself. */
  #under = false;

  constructor(kind: ChartKind) {
    this.#kind = kind;
    this.figure = element(
      "figure",
      {
        class: "live",
        id: `live-${kind.id}`,
        tabindex: "0",
        role: "group",
        "aria-label": `${kind.title} over simulated time. Arrow keys move, plus and minus zoom.`,
      },
      this.#caption,
      this.#canvas,
    );
  }

  /** Anew, with these scenarios and this range in seconds. */
  draw(shown: readonly Shown[], range: readonly [number, number]): void {
    this.#shown = shown;
    this.#plot?.destroy();
    this.#plot = undefined;
    const { lines, gaps = false } = this.#kind;
    const series: uPlot.Series[] = [{}];
    const bands: uPlot.Band[] = [];
    const drawn: Line[] = [];
    const tables = shown.map((scenario): uPlot.AlignedData => {
      const { timeline, colour, named } = scenario;
      const columns: (number | null)[][] = [];
      const add = (values: readonly (number | null)[] | undefined, one: uPlot.Series): number => {
        columns.push([...(values ?? [])]);
        return series.push({ spanGaps: false, points: { show: gaps && isolated(values) }, ...one }) - 1;
      };
      lines.forEach(({ name, column }, second) => {
        const index = add(timeline.columns[column], {
          stroke: () => variable(`--s${colour}`),
          width: 1.6,
          ...(second === 0 ? {} : { dash: [5, 4] }),
          ...(this.#kind.step === true ? { paths: STEPPED } : {}),
        });
        const told = element("b", {});
        drawn.push({ name: named ? `${timeline.scenario} ${name}` : name, scenario, second: second > 0, index, told });
        if (timeline.lows === undefined) return;
        const high = add(timeline.highs?.[column], EDGE);
        const low = add(timeline.lows[column], EDGE);
        bands.push({ series: [high, low], fill: () => `${variable(`--s${colour}`)}2b` });
      });
      return [[...timeline.atSeconds], ...columns];
    });
    this.#lines = drawn;
    this.#caption.replaceChildren(
      element("span", {}, this.#kind.title),
      ...drawn.map(({ name, scenario: { colour }, second, told }) =>
        element("span", { class: `key c${colour}${second ? " second" : ""}` }, `${name} `, told),
      ),
    );
    const data = tables.length === 0 ? ([[0], []] as unknown as uPlot.AlignedData) : uPlot.join(tables);
    this.#plot = new uPlot(this.#options(series, bands), data, this.#canvas);
    this.show(range);
  }

  /** Shows this range, in seconds. */
  show([min, max]: readonly [number, number]): void {
    this.#quietly(() => this.#plot?.setScale("x", { min, max }));
  }

  redraw(): void {
    this.#plot?.redraw(false, true);
  }

  /** Marks a moment and says its values. @returns them in words */
  point(seconds: number | undefined): string {
    const plot = this.#plot;
    if (plot === undefined) return "";
    const index = seconds === undefined ? undefined : plot.valToIdx(seconds);
    const words = this.#lines.map((line) => {
      const value = index === undefined ? undefined : plot.data[line.index]?.[index];
      const text = index === undefined ? "" : value === null || value === undefined ? "none" : this.#kind.format(value);
      line.told.textContent = text;
      return `${line.name} ${text}`;
    });
    if (this.#under) return words.join(", ");
    this.#quietly(() => {
      const left = index === undefined ? -10 : plot.valToPos(plot.data[0]?.[index] ?? 0, "x");
      plot.setCursor({ left, top: index === undefined ? -10 : 0 }, false);
    });
    return words.join(", ");
  }

  #quietly(act: () => void): void {
    this.#ours = true;
    try {
      // In one batch, so that what follows from it happens inside and not a moment later.
      this.#plot?.batch(act);
    } finally {
      this.#ours = false;
    }
  }

  #options(series: uPlot.Series[], bands: uPlot.Band[]): uPlot.Options {
    const { format } = this.#kind;
    const axis = { stroke: () => variable("--soft"), grid: { stroke: () => variable("--edge"), width: 1 } };
    return {
      width: Math.max(240, this.#canvas.clientWidth),
      height: HEIGHT,
      series,
      bands,
      legend: { show: false },
      cursor: { y: false, drag: { x: true, y: false, setScale: false }, points: { show: false } },
      scales: {
        x: { time: false },
        y: { range: (_plot, _low, high) => [0, high !== null && high > 0 ? high * 1.08 : 1] },
      },
      axes: [
        {
          ...axis,
          incrs: TIME_STEPS,
          space: 64,
          values: (_plot, splits) => splits.map((at) => (at === 0 ? "0" : duration(at))),
        },
        { ...axis, size: 62, values: (_plot, splits) => splits.map((value) => format(value)) },
      ],
      hooks: {
        setCursor: [
          (plot) => {
            if (this.#ours) return;
            const { idx, left } = plot.cursor;
            const outside = typeof idx !== "number" || left === undefined || left < 0;
            this.#under = true;
            this.pointed(outside ? undefined : plot.data[0]?.[idx]);
            this.#under = false;
          },
        ],
        setSelect: [
          (plot) => {
            const { left, width } = plot.select;
            if (width < 4) return;
            plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
            this.zoomed(plot.posToVal(left, "x"), plot.posToVal(left + width, "x"));
          },
        ],
        ready: [(plot) => plot.over.addEventListener("dblclick", () => this.zoomed(-Infinity, Infinity))],
        draw: [(plot) => this.#mark(plot)],
      },
    };
  }

  /** A line with a head where somebody changed the replicas. */
  #mark(plot: uPlot): void {
    if (this.#kind.decisions !== true) return;
    const { ctx, bbox } = plot;
    const size = 4 * uPlot.pxRatio;
    ctx.save();
    for (const { timeline, colour } of this.#shown) {
      ctx.fillStyle = variable(`--s${colour}`);
      for (const { atSeconds, from, to } of timeline.decisions) {
        const x = plot.valToPos(atSeconds, "x", true);
        if (x < bbox.left || x > bbox.left + bbox.width) continue;
        const [tip, base] = to > from ? [bbox.top, bbox.top + 2 * size] : [bbox.top + 2 * size, bbox.top];
        ctx.beginPath();
        ctx.moveTo(x, tip);
        ctx.lineTo(x - size, base);
        ctx.lineTo(x + size, base);
        ctx.fill();
        ctx.globalAlpha = 0.35;
        ctx.fillRect(x - uPlot.pxRatio / 2, bbox.top, uPlot.pxRatio, bbox.height);
        ctx.globalAlpha = 1;
      }
    }
    ctx.restore();
  }
}

const STEPPED = uPlot.paths.stepped?.({ align: 1 }) as uPlot.Series.PathBuilder;
const EDGE: uPlot.Series = { width: 0, points: { show: false } };

/** Whether a value stands between two gaps: no line would show it. */
const isolated = (values: readonly (number | null)[] = []): boolean =>
  values.some((value, i) => value !== null && (values[i - 1] ?? null) === null && (values[i + 1] ?? null) === null);

const variable = (name: string): string => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
