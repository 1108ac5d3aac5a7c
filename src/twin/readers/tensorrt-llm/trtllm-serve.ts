import { type ServerProgram, wordsBehind } from "../servers/server-program.ts";
import { trtllmArguments } from "./trtllm-args.ts";

/** TensorRT-LLM's OpenAI-compatible server. */
export const trtllmServe: ServerProgram = {
  lookedFor: "`trtllm-serve`",
  after: (words) => wordsBehind(words, { commands: ["trtllm-serve serve", "trtllm-serve"] }),
  read: (launch, object) => trtllmArguments(launch, object),
};
