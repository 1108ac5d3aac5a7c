import { flagTable } from "../flags/flag.ts";
import { type ServerProgram, wordsBehind } from "../servers/server-program.ts";
import { vllmArguments } from "../vllm/vllm-args.ts";
import { VLLM } from "../vllm/vllm-flags.ts";
import { DYNAMO_FLAGS } from "./dynamo-flags.ts";

const TABLE = flagTable({ ...VLLM, server: "dynamo.vllm", flags: [...DYNAMO_FLAGS, ...VLLM.flags] });

/** Dynamo's worker around vLLM. */
export const dynamoVllm: ServerProgram = {
  lookedFor: "`-m dynamo.vllm`",
  after: (words) => wordsBehind(words, { modules: ["dynamo.vllm"] }),
  read: (launch, object, options) => vllmArguments(launch, object, { ...options, table: TABLE }),
};
