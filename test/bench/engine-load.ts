import { createEngine } from "../../src/engine/create-engine.ts";
import type { EngineConfig, EngineTiming } from "../../src/engine/engine.ts";
import { latencyModels } from "../../src/latency/models/index.ts";
import type { Request } from "../../src/model/request.ts";
import { rngOf } from "../../src/sim/rng.ts";
import { NEVER, type SimTime, START } from "../../src/sim/time.ts";
import type { WorkloadScenario } from "../../src/twin/scenario.ts";
import { DrawnRequest } from "../../src/workload/drawn-request.ts";
import { benchScenario } from "./scenario.ts";

/** The engine of the whole world's bench. */
const [workload] = benchScenario(1, 1).workloads as [WorkloadScenario];
export const config: EngineConfig = workload.engine;
export const timing: EngineTiming = latencyModels.create(workload.latency, { ...workload, mode: config.mode });

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
    return new DrawnRequest(this.#id, this.#at as SimTime, promptTokens, outputTokens);
  }
}
