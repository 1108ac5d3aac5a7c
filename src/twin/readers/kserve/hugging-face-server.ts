import { flagTable, rows } from "../flags/flag.ts";
import { type ServerProgram, wordsBehind } from "../servers/server-program.ts";
import { vllmArguments } from "../vllm/vllm-args.ts";
import { VLLM } from "../vllm/vllm-flags.ts";

/** Where KServe's storage initializer puts the model, and its server looks for it. */
export const MODEL_MOUNT = "/mnt/models";

const OF_VLLM = new Set(VLLM.flags.map(({ name }) => name));

/**
 * Flags of vLLM's engine, and its own.
 * Source: KServe v0.17, python/huggingfaceserver/huggingfaceserver/__main__.py and python/kserve/kserve/model_server.py.
 */
const TABLE = flagTable({
  ...VLLM,
  server: "huggingfaceserver",
  flags: [
    ...VLLM.flags,
    ...[
      ...rows("ignored-breaks", "text", "backend"),
      ...rows("harmless", "text", "model-revision tokenizer-revision predictor-host predictor-protocol log-level"),
      ...rows("harmless", "whole", "http-port grpc-port workers max-threads predictor-request-timeout-seconds"),
      ...rows("harmless", "switch", "enable-grpc enable-docs-url enable-latency-logging disable-lower-case"),
      ...rows("harmless", "switch", "disable-special-tokens return-token-type-ids return-probabilities"),
    ].filter(({ name }) => !OF_VLLM.has(name)),
  ],
  aliases: {
    ...VLLM.aliases,
    "model-id": "model",
    "model-dir": "model",
    "model-name": "served-model-name",
    "max-length": "max-model-len",
  },
  breaks: { ...VLLM.breaks, backend: "only its vLLM back end is modelled" },
});

/** KServe's server of Hugging Face models, which serves them with vLLM where it can. */
export const huggingFaceServer: ServerProgram = {
  lookedFor: "`-m huggingfaceserver`",
  image: /(^|\/)huggingfaceserver([-_.][^/:@]*)?([:@]|$)/,
  after: (words) => wordsBehind(words, { modules: ["huggingfaceserver"] }),
  read: (launch, object, options) => vllmArguments(launch, object, { ...options, table: TABLE }),
};
