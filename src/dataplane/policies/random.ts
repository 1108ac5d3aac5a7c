import * as z from "zod";
import { routingPolicy } from "../policy.ts";

/**
 * Uniform over the routable replicas: what a Kubernetes Service does, as kube-proxy's iptables mode picks a ready
 * endpoint at random for each connection. Clients that keep connections alive stick to a replica: `service`.
 */
export const random = routingPolicy({
  name: "random",
  summary: "a routable replica at random, as a Kubernetes Service does for each connection",
  params: () => z.object({}),
  create: (_params, { rng }) => ({
    readsSignals: false,
    pick: (_request, endpoints) => rng.below(endpoints.length),
  }),
});
