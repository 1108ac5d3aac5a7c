import { createEngine } from "../../src/engine/create-engine.ts";
import type { EngineConfig, EngineTiming } from "../../src/engine/engine.ts";
import { latencyModels } from "../../src/latency/models/index.ts";
import { findGpu, findModel } from "../../src/model/catalogue/index.ts";
import type { Request } from "../../src/model/request.ts";
import { rngOf } from "../../src/sim/rng.ts";
import { NEVER, type SimTime, START } from "../../src/sim/time.ts";

/** Qwen3-14B on an H100. */
export const timing: EngineTiming = latencyModels.create(latencyModels.schema.parse({ name: "trained-physics" }), {
  shape: (findModel("Qwen/Qwen3-14B") as NonNullable<ReturnType<typeof findModel>>).shape,
  hardware: (findGpu("H100") as Extract<ReturnType<typeof findGpu>, { hardware: unknown }>).hardware,
  parallelism: { tp: 1, pp: 1, dp: 1, expertParallel: false },
  mode: "vllm",
});
export const config: EngineConfig = {
  mode: "vllm",
  maxNumSeqs: 256,
  maxNumBatchedTokens: 8192,
  maxModelLen: 8192,
  blockSize: 16,
  numGpuBlocks: 16_000,
  prefixCaching: true,
  chunkedPrefill: true,
  longPrefillTokenThreshold: 0,
  asyncScheduling: true,
};

/** The engine alone under chat at `perSecond`: prompts and outputs of 256 tokens on average. */
export class EngineLoad {
  readonly #perSecond: number;
  readonly #rng = rngOf(1).stream("bench");
  readonly #engine = createEngine(config, timing, { firstToken: () => {}, finished: () => {} }, START);
  #at = 0;
  #id = 0;
  wakes = 0;

  constructor(perSecond: number) {
    this.#perSecond = perSecond;
  }

  get steps(): number {
    return this.#engine.look(this.#at as SimTime).counters.steps;
  }

  run(requests: number): void {
    const engine = this.#engine;
    for (let i = 0; i < requests; i += 1) {
      const request = this.#next();
      for (; engine.due < request.arrival && engine.due !== NEVER; this.wakes += 1) engine.advance(engine.due);
      engine.submit(request, request.arrival);
    }
  }

  #next(): Request {
    this.#at += Math.round((-Math.log(1 - this.#rng.next()) / this.#perSecond) * 1e6);
    const [promptTokens, outputTokens] = [1 + this.#rng.below(512), 1 + this.#rng.below(512)];
    this.#id += 1;
    return { id: this.#id, arrival: this.#at as SimTime, promptTokens, outputTokens };
  }
}
