import { fileURLToPath } from "node:url";
import { simulationsIn, storeOfFiles } from "../../src/cli/inputs.ts";
import { prepare } from "../../src/cli/prepare.ts";
import type { Fact } from "../../src/model/fact.ts";
import type { Request } from "../../src/model/request.ts";
import { DEFAULT_LIMITS } from "../../src/schema/limits.ts";
import { rngOf } from "../../src/sim/rng.ts";
import { instant, type SimTime } from "../../src/sim/time.ts";
import type { Scenario } from "../../src/twin/scenario.ts";
import { World } from "../../src/twin/world.ts";
import { NOBODY } from "./nobody.ts";

/**
 * llm-d's published routing comparison: `npm run anchor:routing [-- STAGES]` runs its ladder of rates on the two scenarios of
 * deploy/examples/llm-d-routing, and prints the published figures beside ours. As its load generator does (inference-perf), a
 * stage sends its requests, waits for the last of them and then for the interval; prompts are the 750 of a list that was
 * shuffled once, in order; throughput is counted from the first request to the last token.
 *
 * Published: llm-d/llm-d, guides/optimized-baseline/README.md@021723b (Apache-2.0); three parties' repeats of it differ by 7 to 20 %.
 */
const [GROUPS, PROMPTS, SYSTEM_TOKENS, QUESTION_TOKENS, OUTPUT_TOKENS, INTERVAL] = [150, 5, 6000, 1200, 1000, 30];

interface Stage {
  readonly rate: number;
  readonly seconds: number;
  /** Output tokens per second and mean time to first token: round robin, endpoint picker. */
  readonly published?: readonly [number, number, number, number];
}

const WARM_UP: Stage = { rate: 15, seconds: 50 };
const LADDER: readonly Stage[] = [
  { rate: 3, seconds: 20, published: [1797, 0.415, 1777, 0.133] },
  { rate: 10, seconds: 20, published: [4215, 0.63, 5066, 0.125] },
  { rate: 15, seconds: 20, published: [5381, 0.881, 7053, 0.122] },
  { rate: 20, seconds: 38, published: [6205, 18.103, 11_688, 0.174] },
  { rate: 22, seconds: 34, published: [5517, 20.171, 12_436, 0.116] },
  { rate: 25, seconds: 30, published: [5965, 21.842, 12_501, 0.116] },
  { rate: 30, seconds: 25, published: [5702, 24.597, 13_862, 0.117] },
  { rate: 35, seconds: 21, published: [5890, 24.162, 14_026, 0.117] },
  { rate: 40, seconds: 38, published: [6336, 68.673, 16_041, 0.153] },
  { rate: 43, seconds: 36, published: [6588, 72.429, 16_339, 0.254] },
  { rate: 46, seconds: 33, published: [6459, 70.084, 16_665, 0.154] },
  { rate: 49, seconds: 30, published: [6265, 70.659, 16_126, 0.151] },
  { rate: 52, seconds: 29, published: [6303, 74.326, 16_474, 0.152] },
  { rate: 55, seconds: 27, published: [6290, 72.564, 16_854, 0.153] },
  { rate: 57, seconds: 26, published: [6089, 72.329, 16_641, 0.153] },
  { rate: 60, seconds: 25, published: [6551, 75.586, 17_064, 0.154] },
];

interface Measured {
  readonly outputTokensPerSecond: number;
  readonly ttftMeanSeconds: number;
}

const shuffled = (): number[] => {
  const rng = rngOf(1).stream("anchor/prompts");
  const order = Array.from({ length: GROUPS * PROMPTS }, (_, i) => i);
  for (let i = order.length - 1; i > 0; i -= 1) {
    const j = rng.below(i + 1);
    [order[i], order[j]] = [order[j] as number, order[i] as number];
  }
  return order;
};

/** Runs the stages one after another in one world, each once the one before has drained. */
const climb = (scenario: Scenario, stages: readonly Stage[]): Measured[] => {
  let [open, first, last, ttftSum, answered] = [0, 0, 0, 0, 0];
  const hear = (fact: Fact): void => {
    if (fact.kind === "first-token") {
      ttftSum += (fact.at - fact.request.arrival) / 1e6;
      answered += 1;
    }
    if (fact.kind === "finished") [open, last] = [open - 1, fact.facts.end];
    if (fact.kind === "refused") throw new Error("nothing is refused here");
  };
  const world = new World({ ...scenario, horizonMicros: undefined, traffic: NOBODY }, hear);
  const rng = rngOf(scenario.seed).stream("anchor/arrivals");
  const order = shuffled();
  let sent = 0;
  let at = 1_000_000;
  return stages.map(({ rate, seconds }) => {
    [first, ttftSum, answered] = [at, 0, 0];
    const count = Math.floor(rate * seconds);
    for (let i = 0; i < count; i += 1, sent += 1) {
      at += Math.round((-Math.log(1 - rng.next()) / rate) * 1e6);
      if (i === 0) first = at;
      world.inject(instant(at), { kind: "round-arrived", request: requestOf(sent, order, instant(at)) });
      open += 1;
    }
    while (open > 0) world.step();
    at = last + INTERVAL * 1e6;
    return {
      outputTokensPerSecond: (count * OUTPUT_TOKENS) / ((last - first) / 1e6),
      ttftMeanSeconds: ttftSum / answered,
    };
  });
};

const requestOf = (id: number, order: readonly number[], arrival: SimTime): Request => {
  const prompt = order[id % order.length] as number;
  return {
    id,
    arrival,
    promptTokens: SYSTEM_TOKENS + QUESTION_TOKENS,
    outputTokens: OUTPUT_TOKENS,
    maxTokens: OUTPUT_TOKENS,
    prefix: { kind: "group", key: `system-${Math.floor(prompt / PROMPTS)}`, tokens: SYSTEM_TOKENS },
    conversation: `prompt-${prompt}`,
  };
};

const folder = fileURLToPath(new URL("../../deploy/examples/llm-d-routing", import.meta.url));
const store = storeOfFiles([folder]);
const [stored] = simulationsIn(store, undefined);
if (stored === undefined) throw new Error("the example is there");
const { scenario, candidates } = await prepare(store, stored, DEFAULT_LIMITS, []);
const picker = candidates[0]?.scenario as Scenario;

const stages = LADDER.slice(0, Number(process.argv[2] ?? LADDER.length));
const began = performance.now();
const [roundRobin, endpointPicker] = [scenario, picker].map((one) => climb(one, [WARM_UP, ...stages]).slice(1)) as [
  Measured[],
  Measured[],
];
console.log("            round robin                              endpoint picker");
console.log("req/s   tok/s published   TTFT s published      tok/s published   TTFT s published");
stages.forEach(({ rate, published = [0, 0, 0, 0] }, i) => {
  const cells = [
    [rate, 5, 0],
    [roundRobin[i]?.outputTokensPerSecond, 8, 0],
    [published[0], 10, 0],
    [roundRobin[i]?.ttftMeanSeconds, 9, 2],
    [published[1], 10, 2],
    [endpointPicker[i]?.outputTokensPerSecond, 11, 0],
    [published[2], 10, 0],
    [endpointPicker[i]?.ttftMeanSeconds, 9, 3],
    [published[3], 10, 3],
  ] as const;
  console.log(cells.map(([value = 0, width, digits]) => value.toFixed(digits).padStart(width)).join(""));
});
console.log(`simulated, not measured; ${((performance.now() - began) / 1000).toFixed(1)} s of wall time`);
