import { type PolicySaid, routingPolicies } from "../../../dataplane/policies/index.ts";
import { type Known, known } from "../../../model/known.ts";
import { good, type Problem, type Result } from "../../../model/problem.ts";
import { nearest } from "../../../schema/nearest.ts";
import { Field } from "../../field.ts";
import { type Manifest, refOf } from "../../manifest.ts";
import { type StackRouterReading, stackRouterReader } from "../../reader.ts";
import type { Value } from "../flags/flag.ts";
import { FlagParser } from "../flags/flag-parser.ts";
import { containerWords } from "../pod/container-words.ts";
import type { Word } from "../pod/word.ts";
import { STACK_ROUTER_FLAGS } from "./router-flags.ts";

/**
 * Reads the Deployment of production-stack's router: the policy that its flags are.
 * Source: vLLM production-stack@a6c01db0 (August 2026), src/vllm_router/parsers/parser.py, routers/routing_logic.py.
 */
export const stackRouter = stackRouterReader({
  kind: "Deployment",
  group: "apps",
  summary: "a Deployment that runs the router of vLLM's production-stack",
  read: (manifest) => readRouter(manifest),
});

/** It can't start without. */
const TELLING = "--routing-logic";
const WINDOW_SECONDS = 60;

const SOURCE = "vLLM production-stack's router";

/** Of manifests that were looked at: each Deployment of a namespace is, whenever a simulation in it is mirrored. */
const looked = new WeakMap<Manifest, boolean>();

/** Whether the pod's containers look like one: cheaper than to read it, and silent. */
export const runsStackRouter = (manifest: Manifest): boolean => {
  const known = looked.get(manifest);
  if (known !== undefined) return known;
  const runs = wordsIn(manifest, []) !== undefined;
  looked.set(manifest, runs);
  return runs;
};

const wordsIn = (manifest: Manifest, problems: Problem[]): readonly Word[] | undefined =>
  Field.root(manifest, problems)
    .at("spec", "template", "spec", "containers")
    .items()
    .map(containerWords)
    .find((words) => words.some(({ text }) => text === TELLING || text.startsWith(`${TELLING}=`)));

const readRouter = (manifest: Manifest): Result<StackRouterReading> => {
  const problems: Problem[] = [];
  const replicas =
    Field.root(manifest, problems).at("spec", "replicas").whole() ??
    known(1, { kind: "default", why: "Kubernetes: replicas is 1" });
  const object = `Deployment/${manifest.metadata.namespace}/${manifest.metadata.name}`;
  const said = new Said(wordsIn(manifest, problems) ?? [], object);
  const policy = policyOf(said);
  const interval = said.number("engine-stats-interval");
  if (interval?.value === 0) said.fail(interval, "--engine-stats-interval must be greater than 0", "set 30");
  said.tellUnmodelled();
  problems.push(...said.problems);
  if (policy === undefined || problems.some(({ severity }) => severity === "error")) return { ok: false, problems };
  const reading: StackRouterReading = {
    ref: refOf(manifest),
    replicas,
    active: replicas,
    policy,
    refreshSeconds: interval ?? known(30, { kind: "default", why: `${SOURCE}: --engine-stats-interval is 30` }),
    discovery: said.text("service-discovery")?.value,
    namespace: said.text("k8s-namespace")?.value ?? "default",
    selector: selectorOf(said),
  };
  return good(reading, problems);
};

/** @returns undefined where it would not start, which is told */
const policyOf = (said: Said): Known<PolicySaid> | undefined => {
  const logic = said.text("routing-logic");
  if (logic === undefined) return undefined;
  const make = LOGICS[logic.value];
  if (make === undefined) {
    const near = nearest(logic.value, Object.keys(LOGICS));
    const fix = near === undefined ? `set one of ${Object.keys(LOGICS).join(", ")}` : `did you mean ${near}?`;
    return said.fail(logic, `${TELLING}: there is no routing logic ${logic.value}`, fix);
  }
  for (const flag of make.needs) {
    if (said.text(flag) !== undefined) continue;
    return said.fail(logic, `${TELLING} ${logic.value} needs --${flag}`, `add --${flag}`);
  }
  const parsed = routingPolicies.schema.safeParse(make.policy(said));
  if (parsed.success) return known(parsed.data, logic.from);
  const { message = "has parameters that can't be" } = parsed.error.issues[0] ?? {};
  return said.fail(logic, `${TELLING} ${logic.value}: ${message}`, "correct its flags");
};

interface Logic {
  /** Flags without which it doesn't work. */
  readonly needs: readonly string[];
  readonly policy: (said: Said) => object;
}

const APART = ["prefill-model-labels", "decode-model-labels"] as const;

const apart = (orchestrated: boolean): Logic => ({
  needs: APART,
  policy: (said) => ({
    policy: "production-stack-disaggregated",
    prefillModelLabels: said.text(APART[0])?.value,
    decodeModelLabels: said.text(APART[1])?.value,
    orchestrated,
  }),
});

const LOGICS: Readonly<Record<string, Logic>> = {
  roundrobin: { needs: [], policy: () => ({ policy: "production-stack-roundrobin" }) },
  session: { needs: ["session-key"], policy: () => ({ policy: "production-stack-session" }) },
  prefixaware: { needs: [], policy: () => ({ policy: "production-stack-prefixaware" }) },
  kvaware: {
    needs: [],
    policy: (said) => ({
      policy: "production-stack-kvaware",
      kvAwareThreshold: said.number("kv-aware-threshold")?.value,
    }),
  },
  disaggregated_prefill: apart(false),
  disaggregated_prefill_orchestrated: apart(true),
};

/** `a=b,c=d`; an empty one selects all pods. */
const selectorOf = (said: Said): Readonly<Record<string, string>> => {
  const text = said.text("k8s-label-selector");
  const parts = (text?.value ?? "").split(",").filter((part) => part !== "");
  const pairs = parts.flatMap((part) => {
    const [, key, value] = /^([^=!\s]+)==?([^=\s]*)$/.exec(part.trim()) ?? [];
    return key === undefined || value === undefined ? [] : [[key, value] as const];
  });
  if (text !== undefined && pairs.length < parts.length) {
    said.warn(text, `--k8s-label-selector ${text.value}: only label=value is followed; the rest is taken to hold`);
  }
  return Object.fromEntries(pairs);
};

/** What its flags say. */
class Said {
  readonly #parser: FlagParser;
  readonly #object: string;

  constructor(words: readonly Word[], object: string) {
    this.#parser = new FlagParser(STACK_ROUTER_FLAGS, { words, byEntrypoint: true, others: 0 }, object);
    this.#object = object;
  }

  get problems(): Problem[] {
    return this.#parser.problems;
  }

  text(name: string): Known<string> | undefined {
    return this.#of<string>(name, "string");
  }

  number(name: string): Known<number> | undefined {
    return this.#of<number>(name, "number");
  }

  tellUnmodelled(): void {
    this.#parser.tellUnmodelled();
    for (const [name, modelled] of [
      ["request-stats-window", WINDOW_SECONDS],
      ["prefix-min-match-length", 0],
    ] as const) {
      const found = this.number(name);
      if (found === undefined || found.value === modelled) continue;
      this.warn(found, `--${name} ${found.value} is not modelled; it is simulated as ${modelled}`);
    }
    const type = this.text("k8s-service-discovery-type");
    if (type?.value === "service-name") {
      this.warn(
        type,
        "--k8s-service-discovery-type service-name: it is simulated as pod-ip, pods in place of Services",
      );
    }
  }

  warn(found: Known<unknown>, message: string): void {
    this.problems.push({ severity: "warning", reason: "NotModelled", ...this.#place(found), message });
  }

  fail(found: Known<unknown>, message: string, fix: string): undefined {
    this.problems.push({ severity: "error", reason: "BadFlag", ...this.#place(found), message, fix });
  }

  #place({ from }: Known<unknown>): Pick<Problem, "object" | "field"> {
    return { object: this.#object, ...(from.kind === "field" ? { field: from.field } : {}) };
  }

  #of<T extends Value>(name: string, type: string): Known<T> | undefined {
    const found = this.#parser.values.get(name);
    return found !== undefined && typeof found.value === type && found.value !== "" ? (found as Known<T>) : undefined;
  }
}
