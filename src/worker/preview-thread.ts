import { once } from "node:events";
import { setPriority } from "node:os";
import type { MessagePort } from "node:worker_threads";
import type { WriteBatch } from "../exporter/remote-write/write-batch.ts";
import type { EngineFitResult, EngineFitTask } from "./calibration/fit-engine.ts";
import { runPreview } from "./preview.ts";
import type { PreviewMessage, PreviewResult, PreviewTask } from "./protocol.ts";

interface PreviewArguments {
  readonly task: PreviewTask;
  /** Takes `PreviewMessage`s, and answers those with series. */
  readonly port: MessagePort;
  /** Whether anybody takes series. */
  readonly giving: boolean;
  /** Whether others go before it where the cores don't suffice for all. */
  readonly lowly: boolean;
}

/** On Linux this lowers the calling thread alone. */
const yieldToOthers = (): void => {
  if (process.platform === "linux") setPriority(10);
};

/** What the pool calls in each of its threads. */
export const preview = ({ task, port, giving, lowly }: PreviewArguments): Promise<PreviewResult> => {
  if (lowly) yieldToOthers();
  const tell = (message: PreviewMessage): void => port.postMessage(message);
  const give = async (batch: WriteBatch): Promise<void> => {
    tell({ kind: "series", batch });
    await once(port, "message");
  };
  return runPreview(task, {
    tell: (progress) => tell({ kind: "progress", progress }),
    give: giving ? give : undefined,
  }).finally(() => port.close());
};

/** Likewise, to fit an engine; what that needs is loaded by who needs it. */
export const fit = async (task: EngineFitTask): Promise<EngineFitResult> => {
  yieldToOthers();
  const { fitEngine } = await import("./calibration/fit-engine.ts");
  return fitEngine(task);
};
