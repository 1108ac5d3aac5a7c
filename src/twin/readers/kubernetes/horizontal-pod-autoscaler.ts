import {
  DEFAULT_KUBERNETES_MINOR,
  DEFAULT_METRICS,
  featureGatesOf,
  type HpaBehavior,
  type HpaMetric,
  type HpaSpec,
  type HpaTarget,
  type MatchLabels,
  withBehaviorDefaults,
} from "../../../controlplane/hpa/spec.ts";
import { type Known, known } from "../../../model/known.ts";
import { good, type Problem, type Result } from "../../../model/problem.ts";
import { Field } from "../../field.ts";
import { type Manifest, refOf } from "../../manifest.ts";
import { autoscalerReader, type HpaReading } from "../../reader.ts";
import { ApiCheck, byApi } from "./api-check.ts";
import { readBehavior, type Shown, showBehavior } from "./hpa-behavior.ts";

/**
 * Reads an autoscaling/v2 HorizontalPodAutoscaler: refuses what the API server would refuse, in its words, and fills what
 * it would fill. Sources: Kubernetes v1.36, pkg/apis/autoscaling/validation and pkg/apis/autoscaling/v2/defaults.go.
 */
export const horizontalPodAutoscaler = autoscalerReader({
  kind: "HorizontalPodAutoscaler",
  group: "autoscaling",
  summary: "the autoscaler of Kubernetes, autoscaling/v2",
  read: (manifest) => new HpaReader(manifest).result(),
});

const METRIC_FIELDS = {
  ContainerResource: "containerResource",
  External: "external",
  Object: "object",
  Pods: "pods",
  Resource: "resource",
} as const;
type MetricType = keyof typeof METRIC_FIELDS;

class HpaReader {
  readonly #manifest: Manifest;
  readonly #problems: Problem[] = [];
  readonly #values: { path: string; known: Known<Shown> }[] = [];
  readonly #api: ApiCheck;
  readonly #spec: Field;

  constructor(manifest: Manifest) {
    this.#manifest = manifest;
    this.#api = new ApiCheck(this.#problems);
    this.#spec = Field.root(manifest, this.#problems).at("spec");
  }

  result(): Result<HpaReading> {
    const target = this.#target();
    const spec = this.#read();
    const [error] = this.#problems.filter(({ severity }) => severity === "error");
    if (error !== undefined) return { ok: false, problems: this.#problems };
    return good({ ref: refOf(this.#manifest), target, spec, values: this.#values }, this.#problems);
  }

  #target(): HpaReading["target"] {
    const ref = this.#spec.at("scaleTargetRef");
    const [kind, name] = (["kind", "name"] as const).map((key) => {
      const text = ref.at(key).text()?.value ?? "";
      if (text === "") this.#api.required(ref.at(key));
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
    const minReplicas = this.#api.integer(min) ?? known(1, byApi("minReplicas is 1"));
    const maxReplicas = this.#api.integer(max) ?? known(0, max.from);
    const least = toZero ? 0 : 1;
    if (minReplicas.value < least) this.#api.invalid(min, `must be greater than or equal to ${least}`);
    else if (minReplicas.value === 0 && !metrics.some(({ type }) => type === "Object" || type === "External")) {
      const why = "must specify at least one Object or External metric to support scaling to zero replicas";
      this.#api.error(this.#spec.at("metrics"), `Forbidden: ${why}`);
    }
    if (maxReplicas.value < 1) this.#api.invalid(max, "must be greater than 0");
    else if (maxReplicas.value < minReplicas.value) {
      this.#api.invalid(max, "must be greater than or equal to `minReplicas`");
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
      this.#api.required(item.at("type"), "must specify a metric source type");
      return undefined;
    }
    if (!(type.value in METRIC_FIELDS)) {
      this.#api.unsupported(item.at("type"), Object.keys(METRIC_FIELDS));
      return undefined;
    }
    const source = METRIC_FIELDS[type.value as MetricType];
    if (!item.at(source).present) {
      this.#api.required(item.at(source), "must populate information for the given metric source");
    }
    for (const other of Object.values(METRIC_FIELDS)) {
      if (other !== source && item.at(other).present) {
        this.#api.error(item.at(other), "Forbidden: must populate the given metric source only");
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
      this.#api.required(field, why);
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
      this.#api.warn(expressions, "NotModelled", message);
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
    if (said === "") this.#api.required(target.at("type"), "must specify a metric target type");
    else if (!["Utilization", "Value", "AverageValue"].includes(said)) {
      this.#api.invalid(target.at("type"), "must be either Utilization, Value, or AverageValue");
    }
    const value = this.#api.quantity(target.at("value"), "must be positive", 1);
    const average = this.#api.quantity(target.at("averageValue"), "must be positive", 1);
    const percent = this.#api.integer(target.at("averageUtilization"));
    if (percent !== undefined && percent.value < 1) {
      this.#api.invalid(target.at("averageUtilization"), "must be greater than 0");
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
          this.#api.required(target.at("averageValue"), "must specify a positive target averageValue");
        }
        return;
      case "Object":
        if (!has("value") && !has("average")) {
          this.#api.required(target.at("averageValue"), "must set either a target value or averageValue");
        }
        return;
      case "External":
        if (!has("value") && !has("average")) {
          this.#api.required(
            target.at("averageValue"),
            "must set either a target value for metric or a per-pod target",
          );
        } else if (has("value") && has("average")) {
          this.#api.error(
            target.at("value"),
            "Forbidden: may not set both a target value for metric and a per-pod target",
          );
        }
        return;
      case "Resource":
      case "ContainerResource":
        if (!has("percent") && !has("average")) {
          const why = "must set either a target raw value or a target utilization";
          this.#api.required(target.at("averageUtilization"), why);
        } else if (has("percent") && has("average")) {
          this.#api.error(
            target.at("averageValue"),
            "Forbidden: may not set both a target raw value and a target utilization",
          );
        }
        return;
      default:
        return type satisfies never;
    }
  }

  #behavior(): HpaBehavior | undefined {
    const field = this.#spec.at("behavior");
    const said = readBehavior(field, this.#api);
    const filled = said === undefined ? undefined : withBehaviorDefaults(said);
    showBehavior(field, filled, (path, value) => this.#value(path, value));
    return filled;
  }

  #value(path: string, value: Known<Shown>): void {
    this.#values.push({ path, known: value });
  }
}
