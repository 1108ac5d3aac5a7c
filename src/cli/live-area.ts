import { MultiBar, Presets, type SingleBar } from "cli-progress";

/** What a terminal shows while something goes on: a bar, and lines of text below it. In the end, or when it is broken off, all of it is gone. */
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

/** By which a terminal or a script breaks off; the cursor is hidden until then. */
const ENDS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

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
  const stop = (): void => {
    for (const signal of ENDS) process.removeListener(signal, breakOff);
    bars.stop();
  };
  const breakOff = (signal: NodeJS.Signals): void => {
    stop();
    // As if nobody had listened.
    process.kill(process.pid, signal);
  };
  for (const signal of ENDS) process.on(signal, breakOff);
  return {
    bar,
    show: (next) => {
      const first = textOf === undefined;
      textOf = next;
      if (first) bars.update();
    },
    stop,
  };
};
