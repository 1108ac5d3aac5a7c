import type { Gateway } from "../../src/dataplane/gateway.ts";
import type { Endpoint } from "../../src/model/endpoint.ts";
import type { RequestHead, SharedPrefix } from "../../src/model/request.ts";
import type { Rng } from "../../src/sim/rng.ts";
import { instant, type Micros } from "../../src/sim/time.ts";

/** An endpoint of which nothing is known, but for what is said. */
export const endpointOf = (name: string, known: Partial<Endpoint> = {}): Endpoint => ({
  name,
  labels: {},
  scrapedAt: instant(0),
  waiting: 0,
  running: 0,
  kvUsage: 0,
  cache: undefined,
  lora: undefined,
  inFlight: 0,
  inFlightTokens: 0,
  ...known,
});

const ADAPTERS = ["french", "law", "code"];
const ROLES = ["prefill", "decode", "prefill-decode", "encode", "both"];

const some = (rng: Rng, of: readonly string[]): string[] => of.filter(() => rng.below(2) === 0);
const one = (rng: Rng, of: readonly string[]): string => of[rng.below(of.length)] as string;

export const anyEndpoint = (rng: Rng, name: string): Endpoint => {
  const scraped = rng.below(4) > 0;
  const labels: Record<string, string> = {};
  if (rng.below(2) === 0) labels["llm-d.ai/role"] = one(rng, ROLES);
  if (rng.below(2) === 0) labels["topology.kubernetes.io/zone"] = one(rng, ["a", "b"]);
  if (rng.below(2) === 0) labels["kubernetes.io/hostname"] = one(rng, ["h1", "h2", "h3"]);
  if (rng.below(2) === 0) labels["llm-d.ai/context-length-range"] = one(rng, ["0-1000", "500-100000", "5-5", "x"]);
  return endpointOf(name, {
    labels,
    scrapedAt: scraped ? instant(rng.below(1_000_000)) : undefined,
    waiting: rng.below(4),
    running: rng.below(256),
    kvUsage: rng.next(),
    cache: scraped ? { blockSize: 16, numGpuBlocks: 100 } : undefined,
    lora: rng.below(2) === 0 ? { max: 2, running: some(rng, ADAPTERS), waiting: some(rng, ADAPTERS) } : undefined,
    inFlight: rng.below(3) * rng.below(100),
    inFlightTokens: rng.below(9000),
  });
};

export const anyEndpoints = (rng: Rng): Endpoint[] =>
  Array.from({ length: 1 + rng.below(9) }, (_, index) => anyEndpoint(rng, `pod-${index}`));

const anyPrefix = (rng: Rng): SharedPrefix =>
  rng.below(2) === 0
    ? { kind: "group", key: `group-${rng.below(3)}`, tokens: 64 * rng.below(20) }
    : { kind: "blocks", ids: Array.from({ length: 1 + rng.below(3) }, () => rng.below(3)), blockTokens: 512 };

export const anyHead = (rng: Rng, id: number): RequestHead => ({
  id,
  arrival: instant(id),
  promptTokens: 1 + rng.below(9000),
  ...(rng.below(3) > 0 ? { prefix: anyPrefix(rng) } : {}),
  ...(rng.below(2) === 0 ? { session: `session-${rng.below(5)}` } : {}),
  ...(rng.below(2) === 0 ? { conversation: `talk-${rng.below(5)}` } : {}),
  ...(rng.below(2) === 0 ? { client: `client-${rng.below(3)}` } : {}),
  ...(rng.below(2) === 0 ? { adapter: one(rng, ADAPTERS) } : {}),
  ...(rng.below(2) === 0 ? { tenant: `tenant-${rng.below(3)}` } : {}),
  ...(rng.below(2) === 0 ? { sloTtft: rng.below(500_000) as Micros, sloTpot: rng.below(50_000) as Micros } : {}),
});

/** The gateway's own record of an endpoint. */
export const endpointIn = ({ endpoints }: Gateway, name: string): Endpoint => {
  const endpoint = endpoints.find((one) => one.name === name);
  if (endpoint === undefined) throw new Error(`${name} hasn't joined`);
  return endpoint;
};
