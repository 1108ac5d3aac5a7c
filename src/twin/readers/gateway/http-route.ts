import { type Known, known } from "../../../model/known.ts";
import { good, type Problem, type Result } from "../../../model/problem.ts";
import { Field } from "../../field.ts";
import { type Manifest, refOf } from "../../manifest.ts";
import { type RouteBackend, type RouteReading, type RouteRule, routeReader } from "../../reader.ts";
import { goDurationSeconds } from "../endpoint-picker/go-duration.ts";

/**
 * Reads a gateway.networking.k8s.io/v1 HTTPRoute (Gateway API v1.3): where each rule leads, with what weight, whom it sends
 * copies, and how long a request may take. What it matches by, and its other filters, stay unread: whatever traffic is simulated is taken to match.
 */
export const httpRoute = routeReader({
  kind: "HTTPRoute",
  group: "gateway.networking.k8s.io",
  summary: "an HTTPRoute that leads to the pool or the Service, with its time-outs",
  read: (manifest) => readRoute(manifest),
});

const readRoute = (manifest: Manifest): Result<RouteReading> => {
  const problems: Problem[] = [];
  const rules = Field.root(manifest, problems).at("spec", "rules").items();
  const reading = { ref: refOf(manifest), rules: rules.map((rule) => readRule(rule, problems)) };
  return problems.some(({ severity }) => severity === "error") ? { ok: false, problems } : good(reading, problems);
};

const readRule = (rule: Field, problems: Problem[]): RouteRule => {
  const backends = rule
    .at("backendRefs")
    .items()
    .flatMap((backend) => {
      const weight = backend.at("weight").whole() ?? known(1, { kind: "default", why: "Gateway API: weight is 1" });
      return backendOf(backend).map((one) => ({ ...one, weight }));
    });
  const mirrors = rule
    .at("filters")
    .items()
    .flatMap((filter) => backendOf(filter.at("requestMirror", "backendRef")));
  const request = timeoutOf(rule.at("timeouts", "request"), problems);
  const backendRequest = timeoutOf(rule.at("timeouts", "backendRequest"), problems);
  const retry = rule.at("retry");
  return {
    from: rule.from,
    backends,
    mirrors,
    timeoutSeconds: shorter(request, backendRequest),
    retry: retry.present ? retry.from : undefined,
  };
};

const backendOf = (backend: Field): readonly RouteBackend[] => {
  const name = backend.at("name").text();
  if (name === undefined) return [];
  const kind = backend.at("kind").text()?.value ?? "Service";
  return [{ kind, name, namespace: backend.at("namespace").text()?.value }];
};

/** The part of Go's durations that the Gateway API takes (GEP-2257); `0s` means none, in whatever unit. */
const timeoutOf = (field: Field, problems: Problem[]): Known<number> | undefined => {
  const said = field.text();
  if (said === undefined) return undefined;
  const seconds = goDurationSeconds(said.value);
  if (seconds !== undefined && /^([0-9]{1,5}(h|m|s|ms)){1,4}$/.test(said.value)) return known(seconds, said.from);
  const message = `must be a duration such as 10s, 1h30m or 500ms, got "${said.value}"`;
  problems.push({ severity: "error", reason: "BadDuration", ...field.place, message });
  return undefined;
};

/** Without retries, whichever ends first ends the request. */
const shorter = (a: Known<number> | undefined, b: Known<number> | undefined): Known<number> | undefined => {
  if (a === undefined || b === undefined) return a ?? b;
  if (a.value === 0 || b.value === 0) return a.value === 0 ? b : a;
  return a.value <= b.value ? a : b;
};
