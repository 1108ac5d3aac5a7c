import { once } from "node:events";
import { setPriority } from "node:os";
import type { MessagePort } from "node:worker_threads";
import type { WriteBatch } from "../exporter/remote-write/write-batch.ts";
import type { EngineFitResult, EngineFitTask } from "./calibration/fit-engine.ts";
import { runPreview } from "./preview.ts";
import type { PreviewMessage, PreviewResult, PreviewTask } from "./protocol.ts";

// On Linux this lowers the calling thread alone: the operator goes on answering while every core simulates.
if (process.platform === "linux") setPriority(10);

interface PreviewArguments {
  readonly task: PreviewTask;
  /** Takes `PreviewMessage`s, and answers those with series. */
  readonly port: MessagePort;
  /** Whether anybody takes series. */
  readonly giving: boolean;
}

/** What the pool calls in each of its threads. */
export const preview = ({ task, port, giving }: PreviewArguments): Promise<PreviewResult> => {
  const tell = (message: PreviewMessage): void => port.postMessage(message);
  const give = async (batch: WriteBatch): Promise<void> => {
    tell({ kind: "series", batch });
    await once(port, "message");
  };
  return runPreview(task, (progress) => tell({ kind: "progress", progress }), giving ? give : undefined).finally(() =>
    port.close(),
  );
};

/** Likewise, to fit an engine; what that needs is loaded by who needs it. */
export const fit = async (task: EngineFitTask): Promise<EngineFitResult> => {
  const { fitEngine } = await import("./calibration/fit-engine.ts");
  return fitEngine(task);
};
