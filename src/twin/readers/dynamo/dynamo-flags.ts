import { rows } from "../flags/flag.ts";

/**
 * What Dynamo's workers take beside their engine's flags.
 * Source: Dynamo 1.0 to 1.3, components/src/dynamo/{vllm,sglang,trtllm}/args.py and dynamo/common/configuration.
 */
export const DYNAMO_FLAGS = [
  ...rows("harmless", "switch", "is-decode-worker is-prefill-worker route-to-encoder enable-local-indexer"),
  ...rows("harmless", "text", "connector disaggregation-mode endpoint namespace request-plane event-plane store-kv"),
  ...rows("harmless", "text", "discovery-backend custom-jinja-template dyn-tool-call-parser dyn-reasoning-parser"),
  ...rows("harmless", "text", "dyn-endpoint-types output-modalities modality publish-events-and-metrics"),
  ...rows("harmless", "whole", "migration-limit"),
  ...rows("harmless", "switch", "durable-kv-events use-kv-events embedding-worker multimodal-processor"),
];
