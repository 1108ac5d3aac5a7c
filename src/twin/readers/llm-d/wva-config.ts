import { durationTextOf } from "../../../model/duration.ts";
import { type Known, known } from "../../../model/known.ts";
import { isMapping } from "../../../model/mapping.ts";
import type { Problem } from "../../../model/problem.ts";
import { embeddedYaml } from "../../../schema/embedded-yaml.ts";
import { seconds } from "../../../sim/time.ts";
import { Field } from "../../field.ts";
import { type Manifest, type ObservedCluster, refOf } from "../../manifest.ts";
import { goDurationSeconds } from "../endpoint-picker/go-duration.ts";
import type { ConfigMapKey } from "../pod/config-maps.ts";

/** What ConfigMaps of the Workload Variant Autoscaler say, under the names of the twin's parameters. */
export type WvaConfig = Readonly<Record<string, Known<string | number | boolean>>>;

/** Ends of the names that its manifests and its chart give them, which puts the release's before. */
const SATURATION = "saturation-scaling-config";
const TO_ZERO = "wva-model-scale-to-zero-config";
const MAIN = "variantautoscaling-config";
const QUEUEING = "wva-queueing-model-config";

/** Where its manifests install it. */
const SYSTEM = "workload-variant-autoscaler-system";
const DEFAULT = "default";
const RELEASE = "workload-variant-autoscaler";

/**
 * Keys that have to be fetched, as ConfigMaps are not watched: of the simulation's own namespace, whose say goes first, and of the
 * autoscaler's.
 */
export const wvaKeysWanted = (namespace: string): readonly ConfigMapKey[] => {
  const own = [`wva-${SATURATION}`, `${RELEASE}-wva-${SATURATION}`, TO_ZERO].map((name) => ({ name, key: DEFAULT }));
  const main = [`wva-${MAIN}`, `${RELEASE}-${MAIN}`].map((name) => ({ name, key: "WVA_SCALE_TO_ZERO" }));
  const system = [
    ...own,
    { name: `${RELEASE}-${SATURATION}`, key: DEFAULT },
    { name: QUEUEING, key: DEFAULT },
    ...main,
  ];
  const at = (place: string, keys: typeof own): readonly ConfigMapKey[] =>
    keys.map((key) => ({ namespace: place, ...key, optional: true }));
  return [...at(namespace, own), ...(namespace === SYSTEM ? [] : at(SYSTEM, system))];
};

const THRESHOLDS = ["kvCacheThreshold", "queueLengthThreshold", "kvSpareTrigger", "queueSpareTrigger"] as const;
const SHARES: readonly string[] = ["kvCacheThreshold", "kvSpareTrigger", "scaleUpThreshold", "scaleDownBoundary"];
const TOKENS = ["scaleUpThreshold", "scaleDownBoundary"] as const;
const SAID: readonly string[] = [...THRESHOLDS, ...TOKENS, "analyzerName", "enableLimiter", "model_id", "namespace"];

/**
 * What the autoscaler is configured to do: its thresholds by the entry `default` of the namespace's own ConfigMap, else of the
 * autoscaler's, from where the analyzer is in any case; scaling to zero by model, by `default`, by WVA_SCALE_TO_ZERO.
 * Source: llm-d WVA, b08b1c7 of February 2026, internal/config, internal/controller/configmap_helpers.go and
 * internal/engines/saturation/engine.go, which heeds no other entry of the thresholds.
 *
 * @param models that the simulation serves
 */
export const readWvaConfig = (
  cluster: ObservedCluster,
  { namespace, models }: { readonly namespace: string; readonly models: readonly string[] },
  problems: Problem[],
): WvaConfig => {
  const maps = cluster.list("ConfigMap");
  const reader = new ConfigReader(problems);
  const found = (end: string): Found => {
    const named = maps.filter(({ metadata }) => metadata.name.endsWith(end));
    const own = named.find((map) => refOf(map).namespace === namespace);
    const others = named.filter((map) => refOf(map).namespace !== namespace);
    const system = others.find((map) => refOf(map).namespace === SYSTEM) ?? others[0] ?? own;
    return { own: own ?? system, system };
  };
  for (const map of maps.filter(({ metadata }) => metadata.name.endsWith(QUEUEING))) {
    reader.tell(
      "warning",
      "NotModelled",
      Field.root(map, []).at("data"),
      "the analyzer by a model of queues is not modelled",
    );
  }
  return { ...reader.thresholds(found(SATURATION)), ...reader.zero(found(TO_ZERO).own, found(MAIN).system, models) };
};

interface Found {
  readonly own: Manifest | undefined;
  readonly system: Manifest | undefined;
}

class ConfigReader {
  readonly #problems: Problem[];

  constructor(problems: Problem[]) {
    this.#problems = problems;
  }

  tell(severity: Problem["severity"], reason: string, { place }: Field, message: string, fix?: string): undefined {
    this.#problems.push({ severity, reason, ...place, message, ...(fix === undefined ? {} : { fix }) });
  }

  thresholds({ own, system }: Found): WvaConfig {
    if (own === undefined) return {};
    const said = this.#entry(own, DEFAULT);
    const data = Field.root(own, []).at("data");
    if (said === undefined) {
      if (!data.at(DEFAULT).present)
        this.tell("error", "BadConfig", data, "has no entry default: the autoscaler decides nothing", "give one");
      return {};
    }
    for (const [key, entry] of data.entries()) {
      const message = "the autoscaler reads entries of models and heeds default only";
      if (key !== DEFAULT) this.tell("warning", "NotHeeded", entry, message, "leave it out, or write it into default");
    }
    const unread = said.entries().flatMap(([key, field]) => (SAID.includes(key) ? [] : [field]));
    for (const field of unread) this.tell("warning", "NotModelled", field, "is not read");
    const globally = system === own ? said : system === undefined ? undefined : this.#entry(system, DEFAULT);
    return {
      ...this.#analyzer(globally),
      ...this.#numbers(said, THRESHOLDS, globally?.at("analyzerName").raw === "saturation" ? TOKENS : []),
    };
  }

  #analyzer(globally: Field | undefined): WvaConfig {
    const limiter = globally?.at("enableLimiter");
    if (limiter?.raw === true) {
      const message = "scaling is bounded by the cluster's GPUs, which are not counted: it is simulated without bounds";
      this.tell("warning", "NotModelled", limiter, message, "say spec.overrides.autoscaler.controller with its gpus");
    }
    const said = globally?.at("analyzerName").text();
    return said === undefined
      ? {}
      : { analyzer: known(said.value === "saturation" ? "tokens" : "percentage", said.from) };
  }

  /** What is left out of `needed` counts as 0 there, whatever the chart has by default. */
  #numbers(said: Field, needed: readonly string[], others: readonly string[]): WvaConfig {
    const read = [...needed, ...others].flatMap((name): [string, Known<number>][] => {
      const field = said.at(name);
      const value = field.present ? field.number() : known(0, field.from);
      if (!field.present && others.includes(name)) return [];
      const isRight = value !== undefined && value.value >= 0 && (!SHARES.includes(name) || value.value <= 1);
      if (value !== undefined && !isRight) {
        const wanted = SHARES.includes(name) ? "between 0 and 1" : "at least 0";
        this.tell("error", "BadConfig", field, `must be ${wanted}, got ${value.value}: the autoscaler decides nothing`);
      } else if (!field.present) {
        const [severity, rest] =
          name === "kvCacheThreshold"
            ? (["error", ", so that every replica is saturated"] as const)
            : (["warning", ""] as const);
        this.tell(severity, "BadConfig", field, `is left out, which the autoscaler takes for 0${rest}`, "give a value");
      }
      return value === undefined ? [] : [[name, value]];
    });
    const numbers = Object.fromEntries(read);
    const [threshold, trigger] = [numbers.kvCacheThreshold?.value ?? 0, numbers.kvSpareTrigger?.value ?? 0];
    if (threshold < trigger) {
      const message = `${trigger} is more than kvCacheThreshold (${threshold}): the autoscaler decides nothing`;
      this.tell("error", "BadConfig", said.at("kvSpareTrigger"), message, "lower it, or raise the other");
    }
    return numbers;
  }

  zero(map: Manifest | undefined, main: Manifest | undefined, models: readonly string[]): WvaConfig {
    const entries = map === undefined ? [] : this.#entriesByModel(map);
    const of = (model: string, key: string): Field | undefined =>
      [model, DEFAULT]
        .flatMap((name) => entries.find(([of]) => of === name)?.[1].at(key) ?? [])
        .find((one) => one.present);
    const variable =
      main === undefined ? undefined : Field.root(main, this.#problems).at("data", "WVA_SCALE_TO_ZERO").text();
    const [first, ...others] = models.map((model): WvaConfig => {
      const enabled =
        of(model, "enable_scale_to_zero")?.truth() ??
        (variable && known(/^true$/i.test(variable.value), variable.from));
      const retention = of(model, "retention_period");
      const length = goDurationSeconds(retention?.text()?.value ?? "") ?? 0;
      if (retention !== undefined && length <= 0) {
        const message = `must be a length of time above 0, got ${JSON.stringify(retention.raw)}; another or 10m counts`;
        this.tell("warning", "BadConfig", retention, message, "write 10m");
      }
      return {
        ...(enabled === undefined ? {} : { scaleToZero: enabled }),
        ...(retention === undefined || length <= 0
          ? {}
          : { retention: known(durationTextOf(seconds(length)), retention.from) }),
      };
    });
    if (
      map !== undefined &&
      others.some((other) => JSON.stringify(valuesOf(other)) !== JSON.stringify(valuesOf(first)))
    ) {
      const message = `says another for ${models.join(" and for ")}: that of ${models[0]} is simulated for all`;
      this.tell("warning", "NotModelled", Field.root(map, []).at("data"), message);
    }
    return first ?? {};
  }

  /** By model, the first of several; `default` by that name. */
  #entriesByModel(map: Manifest): readonly (readonly [string, Field])[] {
    return Field.root(map, [])
      .at("data")
      .entries()
      .map(([key]) => key)
      .toSorted((a, b) => (a < b ? -1 : 1))
      .flatMap((key) => {
        const entry = this.#entry(map, key);
        const model = key === DEFAULT ? DEFAULT : entry?.at("model_id").text()?.value;
        return entry === undefined || model === undefined ? [] : [[model, entry] as const];
      });
  }

  /** A key's YAML; its fields go on from the key's. */
  #entry(map: Manifest, key: string): Field | undefined {
    const place = Field.root(map, this.#problems).at("data", key);
    const text = place.text();
    if (text === undefined) return undefined;
    const read = embeddedYaml(text.value);
    if ("wrong" in read) return this.tell("error", "BadConfig", place, `${read.wrong}: the autoscaler skips it`);
    if (!isMapping(read.raw ?? {})) return this.tell("error", "BadConfig", place, "must be names and values");
    return Field.inside(place, read.raw ?? {}, this.#problems);
  }
}

const valuesOf = (config: WvaConfig | undefined): readonly unknown[] =>
  Object.entries(config ?? {}).map(([name, { value }]) => [name, value]);
