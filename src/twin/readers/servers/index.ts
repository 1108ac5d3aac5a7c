// Programs that serve a model: whose flags are understood.
import { dynamoSglang } from "../dynamo/dynamo-sglang.ts";
import { dynamoTrtllm } from "../dynamo/dynamo-trtllm.ts";
import { dynamoVllm } from "../dynamo/dynamo-vllm.ts";
import { huggingFaceServer } from "../kserve/hugging-face-server.ts";
import { sglangProgram } from "../sglang/sglang-program.ts";
import { trtllmServe } from "../tensorrt-llm/trtllm-serve.ts";
import { vllmProgram } from "../vllm/vllm-program.ts";

export const serverPrograms = [
  vllmProgram,
  huggingFaceServer,
  sglangProgram,
  trtllmServe,
  dynamoVllm,
  dynamoSglang,
  dynamoTrtllm,
] as const;
