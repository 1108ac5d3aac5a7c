import type { Word } from "../pod/word.ts";
import { type ServerProgram, wordsBehind } from "../servers/server-program.ts";
import { withConfigFile } from "./config-file.ts";
import { vllmArguments } from "./vllm-args.ts";

/** Modules that `python -m` starts the server by; the second takes `serve` before its flags. */
const MODULES = ["vllm.entrypoints.openai.api_server", "vllm.entrypoints.cli.main"];

/** vLLM's OpenAI-compatible server. The images of the vLLM project start it themselves. */
export const vllmProgram: ServerProgram = {
  lookedFor: "`vllm serve`, `-m vllm.entrypoints.openai.api_server`",
  image: /(^|\/)vllm-openai([-_.][^/:@]*)?([:@]|$)/,
  after: (words) => {
    const behind = wordsBehind(words, { modules: MODULES, commands: ["vllm serve"] });
    if (behind !== undefined) return behind[0]?.text === "serve" ? behind.slice(1) : behind;
    const at = words.findIndex(isScript);
    return at < 0 ? undefined : words.slice(at + 1);
  },
  read: (launch, object, options) => {
    const { files = () => ({ unknown: "no files are known here" }) } = options;
    const { problems, ...whole } = withConfigFile(launch, files, object);
    return vllmArguments(whole, object, options, problems);
  },
};

const isScript = ({ text }: Word): boolean => /(^|\/)vllm\/entrypoints\/openai\/api_server\.py$/.test(text);
