import { MultiBar, Presets, type SingleBar } from "cli-progress";

/** What a terminal shows while something goes on: a bar, and lines of text below it. All of it is gone in the end. */
export interface LiveArea {
  readonly bar: SingleBar;
  /** @param textOf the lines from now on, asked for whenever they are drawn: at once for the first time, then a few times a second */
  show(textOf: () => readonly string[]): void;
  stop(): void;
}

export interface LiveBar {
  readonly total: number;
  /** As cli-progress has it. */
  readonly format: string;
  /** How the value of the bar is written. Left out: as it is. */
  readonly valueText?: (value: number) => string;
  /** What it writes beside its own figures, at first. */
  readonly payload?: object;
}

/** Left free below and above what is shown. */
const SPARE_ROWS = 3;

export const liveArea = (
  stream: NodeJS.WriteStream,
  { total, format, valueText = String, payload }: LiveBar,
): LiveArea => {
  const bars = new MultiBar({ stream, clearOnComplete: true, hideCursor: true }, Presets.shades_classic);
  const bar = bars.create(total, 0, payload, {
    format,
    formatValue: (value, _options, type) => (type === "value" ? valueText(value) : String(value)),
  });
  const lines: SingleBar[] = [];
  let textOf: (() => readonly string[]) | undefined;
  bars.on("update-pre", () => {
    const texts = textOf?.() ?? [];
    texts.slice(0, (stream.rows || 24) - SPARE_ROWS).forEach((text, i) => {
      lines[i] ??= bars.create(1, 0, { text }, { format: "{text}" });
      lines[i].update({ text });
    });
  });
  return {
    bar,
    show: (next) => {
      const first = textOf === undefined;
      textOf = next;
      if (first) bars.update();
    },
    stop: () => bars.stop(),
  };
};
