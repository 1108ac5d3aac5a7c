import { withBehaviorDefaults } from "../../../controlplane/hpa/spec.ts";
import {
  type FallbackBehavior,
  type FallbackSpec,
  KEDA_DEFAULTS,
  type ScaledObjectAnnotations,
  type ScaledObjectSpec,
  type ScalingModifiersSpec,
  type TriggerSpec,
} from "../../../controlplane/keda/spec.ts";
import { type Known, known } from "../../../model/known.ts";
import { good, type Problem, type Result } from "../../../model/problem.ts";
import { Field } from "../../field.ts";
import { groupOf, type Manifest, refOf } from "../../manifest.ts";
import { autoscalerReader, type ScaledObjectReading } from "../../reader.ts";
import { ApiCheck } from "../kubernetes/api-check.ts";
import { readBehavior, type Shown, showBehavior } from "../kubernetes/hpa-behavior.ts";

/**
 * Reads a keda.sh/v1alpha1 ScaledObject: refuses what the CRD's schema would, and fills what KEDA would. What its triggers
 * and its formula mean is found out later, since the simulation may say more of them.
 * Source: apis/keda/v1alpha1 of kedacore/keda v2.20 (scaledobject_types.go, scaletriggers_types.go).
 */
export const scaledObject = autoscalerReader({
  kind: "ScaledObject",
  group: "keda.sh",
  summary: "KEDA's autoscaler: an HPA over external metrics, and the way from and to zero",
  read: (manifest) => new ScaledObjectReader(manifest).result(),
});

const BEHAVIORS: readonly FallbackBehavior[] = [
  "static",
  "currentReplicas",
  "currentReplicasIfHigher",
  "currentReplicasIfLower",
  "scalingModifiers",
];
const ANNOTATION = "autoscaling.keda.sh/";

class ScaledObjectReader {
  readonly #manifest: Manifest;
  readonly #problems: Problem[] = [];
  readonly #values: { path: string; known: Known<Shown> }[] = [];
  readonly #api = new ApiCheck(this.#problems, "InvalidScaledObject");
  readonly #root: Field;
  readonly #spec: Field;

  constructor(manifest: Manifest) {
    this.#manifest = manifest;
    this.#root = Field.root(manifest, this.#problems);
    this.#spec = this.#root.at("spec");
  }

  result(): Result<ScaledObjectReading> {
    const ref = refOf(this.#manifest);
    const target = this.#target();
    const keda = this.#read(target.value);
    const failed = this.#problems.some(({ severity }) => severity === "error");
    if (failed) return { ok: false, problems: this.#problems };
    return good({ ref, target, keda, values: this.#values }, this.#problems);
  }

  /** A Deployment of apps/v1, unless it says otherwise. Source: ParseGVKR. */
  #target(): Known<{ readonly group: string; readonly version: string; readonly kind: string; readonly name: string }> {
    const ref = this.#spec.at("scaleTargetRef");
    const name = ref.at("name").text()?.value ?? "";
    if (name === "") this.#api.required(ref.at("name"));
    const version = ref.at("apiVersion").text()?.value ?? "apps/v1";
    return known(
      { group: groupOf(version), version, kind: ref.at("kind").text()?.value ?? "Deployment", name },
      ref.from,
    );
  }

  #read(target: { readonly version: string; readonly kind: string; readonly name: string }): ScaledObjectSpec {
    const { namespace, name } = refOf(this.#manifest);
    const config = this.#spec.at("advanced", "horizontalPodAutoscalerConfig");
    const hpaName = config.at("name").text();
    const behavior = readBehavior(config.at("behavior"), this.#api);
    showBehavior(config.at("behavior"), behavior && withBehaviorDefaults(behavior), (path, value) =>
      this.#show(path, value),
    );
    const fallback = this.#fallback();
    const scalingModifiers = this.#modifiers();
    const idle = this.#bounded("idleReplicaCount", 0);
    const least = this.#bounded("minReplicaCount", 0);
    if (least === undefined) this.#show("minReplicaCount", known(0, byKeda("without minReplicaCount, 0")));
    return {
      namespace,
      name,
      targetKind: `${target.version}.${target.kind}`,
      workload: target.name,
      hpaName: this.#show(
        "hpaName",
        hpaName === undefined || hpaName.value === "" ? known(`keda-hpa-${name}`, byKeda("keda-hpa-<name>")) : hpaName,
      ),
      pollingIntervalSeconds: this.#or("pollingInterval", 1, KEDA_DEFAULTS.pollingIntervalSeconds),
      cooldownPeriodSeconds: this.#or("cooldownPeriod", 0, KEDA_DEFAULTS.cooldownPeriodSeconds),
      initialCooldownPeriodSeconds: this.#or("initialCooldownPeriod", 0, KEDA_DEFAULTS.initialCooldownPeriodSeconds),
      maxReplicaCount: this.#or("maxReplicaCount", 1, KEDA_DEFAULTS.maxReplicaCount),
      ...(idle === undefined ? {} : { idleReplicaCount: idle }),
      ...(least === undefined ? {} : { minReplicaCount: least }),
      ...(fallback === undefined ? {} : { fallback }),
      ...(behavior === undefined ? {} : { behavior }),
      ...(scalingModifiers === undefined ? {} : { scalingModifiers }),
      triggers: this.#triggers(),
      annotations: this.#annotations(),
      activeBefore: this.#activeBefore(),
    };
  }

  #fallback(): FallbackSpec | undefined {
    const fallback = this.#spec.at("fallback");
    if (!fallback.present) return undefined;
    const number = (name: "failureThreshold" | "replicas"): number => {
      const said = this.#api.integer(fallback.at(name));
      if (said === undefined && !fallback.at(name).present) this.#api.required(fallback.at(name));
      if (said !== undefined && said.value < 0) this.#api.invalid(fallback.at(name), atLeast(0));
      return said === undefined ? 0 : this.#show(`fallback.${name}`, said);
    };
    const behavior = fallback.at("behavior").text() ?? known("static", byKeda("without a behavior, static"));
    if (!BEHAVIORS.some((one) => one === behavior.value)) this.#api.unsupported(fallback.at("behavior"), BEHAVIORS);
    return {
      failureThreshold: number("failureThreshold"),
      replicas: number("replicas"),
      behavior: this.#show("fallback.behavior", behavior) as FallbackBehavior,
    };
  }

  #modifiers(): ScalingModifiersSpec | undefined {
    const modifiers = this.#spec.at("advanced", "scalingModifiers");
    // KEDA asks whether any of its fields says something.
    if (!modifiers.entries().some(([, field]) => field.present && field.raw !== "")) return undefined;
    const text = (name: string): string | undefined => {
      const said = modifiers.at(name).text();
      return said === undefined ? undefined : this.#show(`scalingModifiers.${name}`, said);
    };
    const metricType = text("metricType") ?? "AverageValue";
    if (metricType !== "AverageValue" && metricType !== "Value") {
      this.#api.unsupported(modifiers.at("metricType"), ["AverageValue", "Value"]);
    }
    const activationTarget = text("activationTarget");
    return {
      formula: text("formula") ?? "",
      target: text("target") ?? "",
      ...(activationTarget === undefined ? {} : { activationTarget }),
      metricType: metricType === "Value" ? "Value" : "AverageValue",
    };
  }

  #triggers(): readonly TriggerSpec[] {
    const triggers = this.#spec.at("triggers");
    if (!triggers.present) this.#api.required(triggers);
    return triggers.items().map((item, index) => this.#trigger(item, `triggers[${index}]`));
  }

  #trigger(item: Field, path: string): TriggerSpec {
    const type = item.at("type").text();
    if (type === undefined || type.value === "") this.#api.required(item.at("type"));
    else this.#show(`${path}.type`, type);
    const name = item.at("name").text();
    if (name !== undefined) this.#show(`${path}.name`, name);
    const metricType = item.at("metricType").text();
    if (metricType !== undefined) this.#show(`${path}.metricType`, metricType);
    const cached = item.at("useCachedMetrics").truth();
    if (cached !== undefined) this.#show(`${path}.useCachedMetrics`, cached);
    if (!item.at("metadata").present) this.#api.required(item.at("metadata"));
    const metadata = item.at("metadata").texts();
    for (const [key, value] of Object.entries(metadata)) {
      this.#show(`${path}.metadata.${key}`, known(value, item.at("metadata", key).from));
    }
    if (item.at("metadata", "metricType").present) {
      const message = "is passed over: the metricType of a trigger stands beside its metadata";
      this.#api.warn(item.at("metadata", "metricType"), "NotRelevant", message);
    }
    return {
      type: type?.value ?? "",
      ...(name === undefined || name.value === "" ? {} : { name: name.value }),
      ...(metricType === undefined || metricType.value === "" ? {} : { metricType: metricType.value }),
      useCachedMetrics: cached?.value ?? false,
      metadata,
    };
  }

  // ---- annotations and status

  #annotations(): ScaledObjectAnnotations {
    const replicas = this.#pausedReplicas();
    return {
      paused: replicas.said || this.#isSet("paused"),
      ...(replicas.count === undefined ? {} : { pausedReplicas: replicas.count }),
      pausedScaleIn: this.#isSet("paused-scale-in"),
      pausedScaleOut: this.#isSet("paused-scale-out"),
      forceActivation: this.#isSet("force-activation"),
    };
  }

  /** Whatever is no boolean counts as true. Source: getBoolAnnotation. */
  #isSet(name: string): boolean {
    const said = this.#root.at("metadata", "annotations", ANNOTATION + name).text();
    if (said === undefined) return false;
    return this.#show(name, known(!/^(0|f|F|false|FALSE|False)$/.test(said.value), said.from));
  }

  #pausedReplicas(): { readonly said: boolean; readonly count?: number } {
    const field = this.#root.at("metadata", "annotations", `${ANNOTATION}paused-replicas`);
    const said = field.text();
    if (said === undefined) return { said: false };
    if (/^\+?\d{1,9}$/.test(said.value)) {
      return { said: true, count: this.#show("paused-replicas", known(Number(said.value), said.from)) };
    }
    this.#api.error(field, `failed to parse paused replica count: ${JSON.stringify(said.value)} is no whole number`);
    return { said: true };
  }

  /** When it was last active is told in the time of another clock; that it was is what counts. */
  #activeBefore(): boolean {
    const field = this.#root.at("status", "lastActiveTime");
    return field.present ? this.#show("activeBefore", known(true, field.from)) : false;
  }

  // ---- values

  #or(name: string, least: number, value: number): number {
    return this.#bounded(name, least) ?? this.#show(name, known(value, byKeda(`without ${name}, ${value}`)));
  }

  #bounded(name: string, least: number): number | undefined {
    const field = this.#spec.at(name);
    const said = this.#api.integer(field);
    if (said === undefined) return undefined;
    if (said.value < least) this.#api.invalid(field, atLeast(least));
    return this.#show(name, said);
  }

  #show<T extends Shown>(path: string, value: Known<T>): T {
    this.#values.push({ path, known: value });
    return value.value;
  }
}

const atLeast = (least: number): string => `should be greater than or equal to ${least}`;

const byKeda = (what: string) => ({ kind: "default" as const, why: `KEDA: ${what}` });
