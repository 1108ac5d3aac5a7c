import type { Known } from "../../model/known.ts";
import { objectText } from "../../model/object-text.ts";
import { type Ledger, placeOf } from "../ledger.ts";
import { type ObservedCluster } from "../manifest.ts";
import type { RouteBackend, RouteReading, RouteRule } from "../reader.ts";
import { routeReaders } from "../readers/index.ts";
import { type Router, readWith } from "./mirrored-router.ts";

/** How long a request may take by the HTTPRoute that leads to the router; undefined where none says so. 0: for ever. */
export const routeTimeout = (
  router: Exclude<Router, { kind: "none" }>,
  cluster: ObservedCluster,
  ledger: Ledger,
): Known<number> | undefined => {
  const target = router.kind === "InferencePool" ? router.pool.ref : router.service.ref;
  const routes = cluster.list("HTTPRoute", target.namespace).flatMap((manifest) => {
    if (!JSON.stringify(manifest.spec ?? {}).includes(`"${target.name}"`)) return [];
    return readWith(routeReaders[0], manifest, ledger) ?? [];
  });
  const leading = routes.flatMap((route) =>
    route.rules.filter((rule) => leadsTo(rule, target)).map((rule) => ({ route, rule })),
  );
  for (const { route, rule } of leading) tellSplit(route, rule, target, ledger);
  for (const route of routes) for (const rule of route.rules) tellCopies(route, rule, target, ledger);
  const [first, ...others] = leading.flatMap(({ route, rule }) =>
    rule.timeoutSeconds === undefined ? [] : [{ route, timeout: rule.timeoutSeconds }],
  );
  const different = others.find(({ timeout }) => timeout.value !== first?.timeout.value);
  if (different !== undefined) {
    ledger.warn({
      reason: "Ambiguous",
      object: objectText(different.route.ref),
      ...(different.timeout.from.kind === "field" ? { field: different.timeout.from.field } : {}),
      message: `another rule to ${target.kind} ${target.name} has a time-out of ${first?.timeout.value} s, which is taken for all requests`,
      fix: "set spec.overrides.gateway.requestTimeout",
    });
  }
  return first?.timeout;
};

type Target = RouteReading["ref"];

const leadsTo = ({ backends }: RouteRule, target: Target): boolean => backends.some((one) => isTarget(one, target));

const isTarget = (one: RouteBackend, { kind, name, namespace }: Target): boolean =>
  one.kind === kind && one.name.value === name && (one.namespace ?? namespace) === namespace;

const tellCopies = ({ ref }: RouteReading, { mirrors }: RouteRule, target: Target, ledger: Ledger): void => {
  for (const one of mirrors.filter((mirror) => isTarget(mirror, target))) {
    const message = `sends ${target.kind} ${target.name} a copy of what the rule matches (requestMirror), which is not simulated`;
    const fix = "add to spec.workload the requests that are copied";
    ledger.warn({ reason: "NotModelled", ...placeOf(one.name.from, objectText(ref)), message, fix });
  }
};

/** A rule with several backends is a canary; what is simulated is what reaches this one. */
const tellSplit = ({ ref }: RouteReading, rule: RouteRule, target: Target, ledger: Ledger): void => {
  const place = (from: RouteRule["from"]) => ({
    object: objectText(ref),
    ...(from.kind === "field" ? { field: from.field } : {}),
  });
  const total = rule.backends.reduce((sum, { weight }) => sum + weight.value, 0);
  const own = rule.backends.filter((one) => one.kind === target.kind && one.name.value === target.name);
  const share = own.reduce((sum, { weight }) => sum + weight.value, 0);
  if (share < total) {
    ledger.warn({
      reason: "TrafficSplit",
      ...place(rule.from),
      message: `sends ${share} of ${total} requests to ${target.kind} ${target.name}; the simulated traffic is taken as that share`,
      fix: "give spec.workload the requests that reach it",
    });
  }
  if (rule.retry !== undefined) {
    const message = "retries are not modelled: a request that fails is lost";
    ledger.warn({ reason: "NotModelled", ...place(rule.retry), message });
  }
};
