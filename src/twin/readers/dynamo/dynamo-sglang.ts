import { flagTable } from "../flags/flag.ts";
import { type ServerProgram, wordsBehind } from "../servers/server-program.ts";
import { sglangArguments } from "../sglang/sglang-args.ts";
import { SGLANG } from "../sglang/sglang-flags.ts";
import { DYNAMO_FLAGS } from "./dynamo-flags.ts";

const TABLE = flagTable({ ...SGLANG, server: "dynamo.sglang", flags: [...DYNAMO_FLAGS, ...SGLANG.flags] });

/** Dynamo's worker around SGLang. */
export const dynamoSglang: ServerProgram = {
  lookedFor: "`-m dynamo.sglang`",
  after: (words) => wordsBehind(words, { modules: ["dynamo.sglang"] }),
  read: (launch, object, options) => sglangArguments(launch, object, options, TABLE),
};
