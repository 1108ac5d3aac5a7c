import { flagTable } from "../flags/flag.ts";
import { type ServerProgram, wordsBehind } from "../servers/server-program.ts";
import { trtllmArguments } from "../tensorrt-llm/trtllm-args.ts";
import { TRTLLM_ALIASES, TRTLLM_BREAKS, TRTLLM_FLAGS } from "../tensorrt-llm/trtllm-flags.ts";
import { DYNAMO_FLAGS } from "./dynamo-flags.ts";

const TABLE = flagTable({
  server: "dynamo.trtllm",
  flags: [...DYNAMO_FLAGS, ...TRTLLM_FLAGS],
  aliases: {
    ...TRTLLM_ALIASES,
    "model-path": "model",
    "expert-parallel-size": "moe-expert-parallel-size",
    "extra-engine-args": "config",
    "override-engine-args": "config",
  },
  breaks: TRTLLM_BREAKS,
});

/** Dynamo's worker around TensorRT-LLM. */
export const dynamoTrtllm: ServerProgram = {
  lookedFor: "`-m dynamo.trtllm`",
  after: (words) => wordsBehind(words, { modules: ["dynamo.trtllm"] }),
  read: (launch, object) => trtllmArguments(launch, object, TABLE),
};
