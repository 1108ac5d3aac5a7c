import { setPriority } from "node:os";
import type { MessagePort } from "node:worker_threads";
import { runPreview } from "./preview.ts";
import type { PreviewResult, PreviewTask } from "./protocol.ts";

// On Linux this lowers the calling thread alone: the operator goes on answering while every core simulates.
if (process.platform === "linux") setPriority(10);

/** What the pool calls in each of its threads. `port` takes the progress. */
export const preview = ({ task, port }: { task: PreviewTask; port: MessagePort }): Promise<PreviewResult> =>
  runPreview(task, (progress) => port.postMessage(progress)).finally(() => port.close());
