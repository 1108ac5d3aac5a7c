import { type ServerProgram, wordsBehind } from "../servers/server-program.ts";
import { sglangArguments } from "./sglang-args.ts";

/** SGLang's OpenAI-compatible server. */
export const sglangProgram: ServerProgram = {
  lookedFor: "`-m sglang.launch_server`, `sglang serve`",
  after: (words) => wordsBehind(words, { modules: ["sglang.launch_server"], commands: ["sglang serve"] }),
  read: sglangArguments,
};
