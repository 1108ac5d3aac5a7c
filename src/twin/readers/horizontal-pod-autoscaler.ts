import { quantityMilli } from "../../controlplane/hpa/quantity.ts";
import {
  DEFAULT_KUBERNETES_MINOR,
  DEFAULT_METRICS,
  featureGatesOf,
  type HpaBehavior,
  type HpaMetric,
  type HpaSpec,
  type HpaTarget,
  type MatchLabels,
  type SaidBehavior,
  type ScalingPolicy,
  type ScalingRules,
  withBehaviorDefaults,
} from "../../controlplane/hpa/spec.ts";
import { type Known, known } from "../../model/known.ts";
import { good, type Problem, type Result } from "../../model/problem.ts";
import { Field } from "../field.ts";
import { type Manifest, refOf } from "../manifest.ts";
import { type AutoscalerReading, autoscalerReader } from "../reader.ts";

/**
 * Reads an autoscaling/v2 HorizontalPodAutoscaler: refuses what the API server would refuse, in its words, and fills what
 * it would fill. Sources: Kubernetes v1.36, pkg/apis/autoscaling/validation and pkg/apis/autoscaling/v2/defaults.go.
 */
export const horizontalPodAutoscaler = autoscalerReader({
  kind: "HorizontalPodAutoscaler",
  group: "autoscaling",
  summary: "the autoscaler of Kubernetes, autoscaling/v2",
  read: (manifest) => new HpaReading(manifest).result(),
});

const METRIC_FIELDS = {
  ContainerResource: "containerResource",
  External: "external",
  Object: "object",
  Pods: "pods",
  Resource: "resource",
} as const;
type MetricType = keyof typeof METRIC_FIELDS;

const MAX_WINDOW_SECONDS = 3600;
const MAX_PERIOD_SECONDS = 1800;

type Shown = string | number | boolean | null;

class HpaReading {
  readonly #manifest: Manifest;
  readonly #problems: Problem[] = [];
  readonly #values: { path: string; known: Known<Shown> }[] = [];
  readonly #spec: Field;

  constructor(manifest: Manifest) {
    this.#manifest = manifest;
    this.#spec = Field.root(manifest, this.#problems).at("spec");
  }

  result(): Result<AutoscalerReading> {
    const target = this.#target();
    const spec = this.#read();
    const [error] = this.#problems.filter(({ severity }) => severity === "error");
    if (error !== undefined) return { ok: false, problems: this.#problems };
    return good({ ref: refOf(this.#manifest), target, spec, values: this.#values }, this.#problems);
  }

  #target(): AutoscalerReading["target"] {
    const ref = this.#spec.at("scaleTargetRef");
    const [kind, name] = (["kind", "name"] as const).map((key) => {
      const text = ref.at(key).text()?.value ?? "";
      if (text === "") this.#required(ref.at(key));
      return text;
    }) as [string, string];
    const version = ref.at("apiVersion").text()?.value ?? "";
    const group = version.includes("/") ? version.slice(0, version.indexOf("/")) : "";
    return known({ group, kind, name }, ref.from);
  }

  #read(): HpaSpec {
    const kubernetesMinor = DEFAULT_KUBERNETES_MINOR;
    const featureGates = featureGatesOf(kubernetesMinor);
    const metrics = this.#metrics();
    const { minReplicas, maxReplicas } = this.#bounds(featureGates.scaleToZero, metrics);
    const behavior = this.#behavior();
    this.#value(
      "kubernetesMinor",
      known(kubernetesMinor, { kind: "default", why: `the controller of Kubernetes v1.${kubernetesMinor}` }),
    );
    return {
      minReplicas,
      maxReplicas,
      metrics,
      ...(behavior === undefined ? {} : { behavior }),
      featureGates,
      kubernetesMinor,
    };
  }

  #bounds(toZero: boolean, metrics: readonly HpaMetric[]): { minReplicas: number; maxReplicas: number } {
    const [min, max] = [this.#spec.at("minReplicas"), this.#spec.at("maxReplicas")];
    const minReplicas = this.#integer(min) ?? known(1, byApi("minReplicas is 1"));
    const maxReplicas = this.#integer(max) ?? known(0, max.from);
    const least = toZero ? 0 : 1;
    if (minReplicas.value < least) this.#invalid(min, `must be greater than or equal to ${least}`);
    else if (minReplicas.value === 0 && !metrics.some(({ type }) => type === "Object" || type === "External")) {
      const why = "must specify at least one Object or External metric to support scaling to zero replicas";
      this.#error(this.#spec.at("metrics"), `Forbidden: ${why}`);
    }
    if (maxReplicas.value < 1) this.#invalid(max, "must be greater than 0");
    else if (maxReplicas.value < minReplicas.value) {
      this.#invalid(max, "must be greater than or equal to `minReplicas`");
    }
    this.#value("minReplicas", minReplicas);
    this.#value("maxReplicas", maxReplicas);
    return { minReplicas: minReplicas.value, maxReplicas: maxReplicas.value };
  }

  // ---- metrics

  #metrics(): readonly HpaMetric[] {
    const items = this.#spec.at("metrics").items();
    if (items.length > 0) return items.flatMap((item, i) => this.#metric(item, `metrics[${i}]`) ?? []);
    this.#value("metrics[0]", known("Resource cpu: 80 %", byApi("without metrics, CPU utilisation of 80 %")));
    return DEFAULT_METRICS;
  }

  #metric(item: Field, path: string): HpaMetric | undefined {
    const type = item.at("type").text();
    if (type === undefined || type.value === "") {
      this.#required(item.at("type"), "must specify a metric source type");
      return undefined;
    }
    if (!(type.value in METRIC_FIELDS)) {
      this.#unsupported(item.at("type"), Object.keys(METRIC_FIELDS));
      return undefined;
    }
    const source = METRIC_FIELDS[type.value as MetricType];
    if (!item.at(source).present) {
      this.#required(item.at(source), "must populate information for the given metric source");
    }
    for (const other of Object.values(METRIC_FIELDS)) {
      if (other !== source && item.at(other).present) {
        this.#error(item.at(other), "Forbidden: must populate the given metric source only");
      }
    }
    this.#value(`${path}.type`, type);
    return this.#source(type.value as MetricType, item.at(source), path);
  }

  #source(type: MetricType, source: Field, path: string): HpaMetric | undefined {
    switch (type) {
      case "Resource":
      case "ContainerResource": {
        const resource = this.#name(source.at("name"), "must specify a resource name", `${path}.resource`);
        const named = type === "ContainerResource";
        const container = named
          ? this.#name(source.at("container"), "must specify a container", `${path}.container`)
          : "";
        const target = this.#metricTarget(type, source.at("target"), path);
        if (target === undefined) return undefined;
        return named ? { type, resource, container, target } : { type, resource, target };
      }
      case "Pods":
      case "External": {
        const identity = this.#metricIdentity(source, path);
        const target = this.#metricTarget(type, source.at("target"), path);
        return target === undefined ? undefined : { type, ...identity, target };
      }
      case "Object": {
        const described = source.at("describedObject");
        const kind = this.#name(described.at("kind"), "", `${path}.describedObject.kind`);
        const name = this.#name(described.at("name"), "", `${path}.describedObject.name`);
        const identity = this.#metricIdentity(source, path);
        const target = this.#metricTarget(type, source.at("target"), path);
        return target === undefined ? undefined : { type, ...identity, describedObject: { kind, name }, target };
      }
      default:
        return type satisfies never;
    }
  }

  #metricIdentity(source: Field, path: string): { readonly metric: string; readonly selector: MatchLabels } {
    return {
      metric: this.#name(source.at("metric", "name"), "must specify a metric name", `${path}.metric`),
      selector: this.#selector(source.at("metric", "selector"), path),
    };
  }

  #name(field: Field, why: string, path: string): string {
    const text = field.text();
    if (text === undefined || text.value === "") {
      this.#required(field, why);
      return "";
    }
    this.#value(path, text);
    return text.value;
  }

  #selector(selector: Field, path: string): MatchLabels {
    const expressions = selector.at("matchExpressions");
    if (expressions.items().length > 0) {
      const message =
        "matchExpressions of a metric's selector are not modelled; series are chosen by matchLabels alone";
      this.#warn(expressions, "NotModelled", message);
    }
    const labels = selector.at("matchLabels").entries();
    return Object.fromEntries(
      labels.flatMap(([name, field]) => {
        const text = field.text();
        if (text === undefined) return [];
        this.#value(`${path}.selector.${name}`, text);
        return [[name, text.value]];
      }),
    );
  }

  /** What the controller looks at first of what is set; the API server sees to it that something is. */
  #metricTarget(type: MetricType, target: Field, path: string): HpaTarget | undefined {
    const said = target.at("type").text()?.value ?? "";
    if (said === "") this.#required(target.at("type"), "must specify a metric target type");
    else if (!["Utilization", "Value", "AverageValue"].includes(said)) {
      this.#invalid(target.at("type"), "must be either Utilization, Value, or AverageValue");
    }
    const value = this.#quantity(target.at("value"), "must be positive", 1);
    const average = this.#quantity(target.at("averageValue"), "must be positive", 1);
    const percent = this.#integer(target.at("averageUtilization"));
    if (percent !== undefined && percent.value < 1) {
      this.#invalid(target.at("averageUtilization"), "must be greater than 0");
    }
    this.#needed(type, target, { value, average, percent });
    const show = (name: string, from: Known<number>, shown: number) =>
      this.#value(`${path}.target.${name}`, known(shown, from.from));
    if (type === "Object" && said === "Value" && value !== undefined) {
      show("value", value, value.value / 1000);
      return { type: "Value", milli: value.value };
    }
    if (average !== undefined) {
      show("averageValue", average, average.value / 1000);
      return { type: "AverageValue", milli: average.value };
    }
    if (percent !== undefined) {
      show("averageUtilization", percent, percent.value);
      return { type: "Utilization", percent: percent.value };
    }
    if (value === undefined) return undefined;
    show("value", value, value.value / 1000);
    return { type: "Value", milli: value.value };
  }

  #needed(type: MetricType, target: Field, said: Record<"value" | "average" | "percent", unknown>): void {
    const has = (name: keyof typeof said): boolean => said[name] !== undefined;
    switch (type) {
      case "Pods":
        if (!target.at("averageValue").present) {
          this.#required(target.at("averageValue"), "must specify a positive target averageValue");
        }
        return;
      case "Object":
        if (!has("value") && !has("average")) {
          this.#required(target.at("averageValue"), "must set either a target value or averageValue");
        }
        return;
      case "External":
        if (!has("value") && !has("average")) {
          this.#required(target.at("averageValue"), "must set either a target value for metric or a per-pod target");
        } else if (has("value") && has("average")) {
          this.#error(target.at("value"), "Forbidden: may not set both a target value for metric and a per-pod target");
        }
        return;
      case "Resource":
      case "ContainerResource":
        if (!has("percent") && !has("average")) {
          const why = "must set either a target raw value or a target utilization";
          this.#required(target.at("averageUtilization"), why);
        } else if (has("percent") && has("average")) {
          this.#error(
            target.at("averageValue"),
            "Forbidden: may not set both a target raw value and a target utilization",
          );
        }
        return;
      default:
        return type satisfies never;
    }
  }

  // ---- behavior

  #behavior(): HpaBehavior | undefined {
    const behavior = this.#spec.at("behavior");
    if (!behavior.present) {
      this.#value("behavior", known(null, byApi("no behavior: at most double, or to 4, at once; down as wanted")));
      return undefined;
    }
    const said: { -readonly [K in keyof SaidBehavior]: SaidBehavior[K] } = {};
    for (const direction of ["scaleUp", "scaleDown"] as const) {
      const rules = behavior.at(direction);
      if (rules.present) said[direction] = this.#rules(rules);
    }
    const filled = withBehaviorDefaults(said);
    for (const direction of ["scaleUp", "scaleDown"] as const) {
      this.#showRules(`behavior.${direction}`, behavior.at(direction), filled[direction]);
    }
    return filled;
  }

  #rules(rules: Field): Partial<ScalingRules> {
    const window = this.#integer(rules.at("stabilizationWindowSeconds"));
    if (window !== undefined && window.value < 0) {
      this.#invalid(rules.at("stabilizationWindowSeconds"), "must be greater than or equal to zero");
    } else if (window !== undefined && window.value > MAX_WINDOW_SECONDS) {
      this.#invalid(rules.at("stabilizationWindowSeconds"), `must be less than or equal to ${MAX_WINDOW_SECONDS}`);
    }
    const select = rules.at("selectPolicy").text()?.value;
    if (select !== undefined && !["Max", "Min", "Disabled"].includes(select)) {
      this.#unsupported(rules.at("selectPolicy"), ["Disabled", "Max", "Min"]);
    }
    const policies = rules.at("policies");
    const items = policies.items();
    if (policies.present && items.length === 0) this.#required(policies, "must specify at least one Policy");
    const tolerance = this.#quantity(rules.at("tolerance"), "must be greater than or equal to 0", 0);
    return {
      ...(window === undefined ? {} : { stabilizationWindowSeconds: window.value }),
      ...(select === undefined ? {} : { selectPolicy: select as ScalingRules["selectPolicy"] }),
      ...(policies.present ? { policies: items.map((item) => this.#policy(item)) } : {}),
      ...(tolerance === undefined ? {} : { tolerance: tolerance.value / 1000 }),
    };
  }

  #policy(item: Field): ScalingPolicy {
    const type = item.at("type").text()?.value ?? "";
    if (!["Pods", "Percent"].includes(type)) this.#unsupported(item.at("type"), ["Percent", "Pods"]);
    const value = this.#integer(item.at("value"))?.value ?? 0;
    if (value <= 0) this.#invalid(item.at("value"), "must be greater than zero", value);
    const periodSeconds = this.#integer(item.at("periodSeconds"))?.value ?? 0;
    if (periodSeconds <= 0) this.#invalid(item.at("periodSeconds"), "must be greater than zero", periodSeconds);
    else if (periodSeconds > MAX_PERIOD_SECONDS) {
      this.#invalid(item.at("periodSeconds"), `must be less than or equal to ${MAX_PERIOD_SECONDS}`);
    }
    return { type: type as ScalingPolicy["type"], value, periodSeconds };
  }

  #showRules(path: string, said: Field, rules: ScalingRules): void {
    const show = (name: string, field: Field, value: Shown) => {
      const from = field.present ? field.from : byApi(`${path}.${name.replace(/\[\d+\].*/, "")}`);
      this.#value(`${path}.${name}`, known(value, from));
    };
    const window = rules.stabilizationWindowSeconds;
    if (window !== undefined) show("stabilizationWindowSeconds", said.at("stabilizationWindowSeconds"), window);
    show("selectPolicy", said.at("selectPolicy"), rules.selectPolicy);
    rules.policies.forEach((policy, i) => {
      for (const key of ["type", "value", "periodSeconds"] as const) {
        show(`policies[${i}].${key}`, said.at("policies", i, key), policy[key]);
      }
    });
    if (rules.tolerance !== undefined) show("tolerance", said.at("tolerance"), rules.tolerance);
  }

  // ---- values and problems

  #value(path: string, value: Known<Shown>): void {
    this.#values.push({ path, known: value });
  }

  #integer(field: Field): Known<number> | undefined {
    if (!field.present) return undefined;
    if (Number.isSafeInteger(field.raw)) return known(field.raw as number, field.from);
    this.#error(field, `must be a whole number, not ${JSON.stringify(field.raw)}`, "Malformed");
    return undefined;
  }

  /** In thousandths, rounded up as the API machinery's MilliValue. */
  #quantity(field: Field, bound: string, least: number): Known<number> | undefined {
    if (!field.present) return undefined;
    const parsed = quantityMilli(typeof field.raw === "number" ? field.raw : String(field.raw));
    if (!parsed.ok) {
      this.#problems.push(...parsed.problems.map((one) => ({ ...one, object: field.object, field: field.path })));
      return undefined;
    }
    const milli = Number(parsed.value);
    if (milli < least) this.#invalid(field, bound);
    return known(milli, field.from);
  }

  #invalid(field: Field, why: string, value: unknown = field.raw): void {
    this.#error(field, `Invalid value: ${JSON.stringify(value)}: ${why}`);
  }

  #required(field: Field, why = ""): void {
    this.#error(field, why === "" ? "Required value" : `Required value: ${why}`);
  }

  #unsupported(field: Field, choices: readonly string[]): void {
    const list = choices.map((choice) => JSON.stringify(choice)).join(", ");
    this.#error(field, `Unsupported value: ${JSON.stringify(field.raw ?? "")}: supported values: ${list}`);
  }

  #error(field: Field, message: string, reason = "InvalidAutoscaler"): void {
    this.#problems.push({ severity: "error", reason, object: field.object, field: field.path, message });
  }

  #warn(field: Field, reason: string, message: string): void {
    this.#problems.push({ severity: "warning", reason, object: field.object, field: field.path, message });
  }
}

const byApi = (what: string) => ({ kind: "default" as const, why: `Kubernetes: ${what}` });
