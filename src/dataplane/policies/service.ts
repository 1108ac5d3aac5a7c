import * as z from "zod";
import { durationOf, durationText } from "../../model/duration.ts";
import type { Endpoint } from "../../model/endpoint.ts";
import type { RequestHead } from "../../model/request.ts";
import type { Rng } from "../../sim/rng.ts";
import type { SimTime } from "../../sim/time.ts";
import { type RoutingPolicy, routingPolicy } from "../policy.ts";

/**
 * A Kubernetes Service without a gateway: kube-proxy picks a random ready endpoint per connection, and a client that
 * keeps its connections alive sends the next request over the idle one that it used last (Kubernetes 1.33, iptables
 * mode). So clients stick, and a new replica gets nothing of old connections. A client is who traffic says it is, or a
 * session; requests of nobody open a connection each. Servers close connections idle for 5 s
 * (`VLLM_HTTP_TIMEOUT_KEEP_ALIVE`).
 */
export const service = routingPolicy({
  name: "service",
  summary: "a replica at random per connection, as a Kubernetes Service; clients keep connections alive",
  params: () =>
    z.object({
      keepAlive: durationText.default("5s").meta({ description: "How long an idle connection stays open; 0s: never." }),
    }),
  create: ({ keepAlive }, { rng }) => new Service(durationOf(keepAlive), rng),
});

interface Connection {
  readonly client: string;
  readonly endpoint: string;
  idleSince: SimTime;
}

class Service implements RoutingPolicy {
  readonly readsSignals = false;
  readonly #keepAlive: number;
  readonly #rng: Rng;
  /** By client, last used last. */
  readonly #idle = new Map<string, Connection[]>();
  readonly #busy = new Map<number, Connection>();

  constructor(keepAlive: number, rng: Rng) {
    this.#keepAlive = keepAlive;
    this.#rng = rng;
  }

  pick(request: RequestHead, endpoints: readonly Endpoint[], now: SimTime): number {
    const client = request.client ?? request.session;
    const kept = client === undefined ? undefined : this.#reuse(client, endpoints, now);
    const index = kept ?? (endpoints.length > 1 ? this.#rng.below(endpoints.length) : 0);
    if (client !== undefined && this.#keepAlive > 0) {
      const { name: endpoint } = endpoints[index] as Endpoint;
      this.#busy.set(request.id, { client, endpoint, idleSince: now });
    }
    return index;
  }

  ended(id: number, now: SimTime): void {
    const connection = this.#busy.get(id);
    if (connection === undefined) return;
    this.#busy.delete(id);
    connection.idleSince = now;
    const idle = this.#idle.get(connection.client) ?? [];
    idle.push(connection);
    this.#idle.set(connection.client, idle);
  }

  #reuse(client: string, endpoints: readonly Endpoint[], now: SimTime): number | undefined {
    const idle = this.#idle.get(client);
    for (let last = idle?.pop(); last !== undefined; last = idle?.pop()) {
      const { endpoint, idleSince } = last;
      if (now - idleSince >= this.#keepAlive) break;
      const index = endpoints.findIndex(({ name }) => name === endpoint);
      if (index >= 0) return index;
    }
    this.#idle.delete(client);
    return undefined;
  }
}
