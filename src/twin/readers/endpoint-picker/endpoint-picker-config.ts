import { type Known, known } from "../../../model/known.ts";
import { bad, good, type Problem, type Result } from "../../../model/problem.ts";
import { embeddedYaml } from "../../../schema/embedded-yaml.ts";
import { nearest } from "../../../schema/nearest.ts";
import { Field, type Origin } from "../../field.ts";
import { missingProducers } from "./data-producers.ts";
import { type FlowControlReading, readFlowControl } from "./flow-control-config.ts";
import { injected, isA, type PluginReading } from "./plugin-reading.ts";
import { PLUGIN_TYPES, type PluginKind } from "./plugin-types.ts";
import { type ProfileReading, readProfiles } from "./scheduling-profiles.ts";

/** What an endpoint picker makes of its configuration. */
export interface EndpointPickerConfigReading {
  /** Those of the configuration, in order, and those that were added. */
  readonly plugins: readonly PluginReading[];
  readonly profiles: readonly ProfileReading[];
  readonly handler: PluginReading;
  readonly detector: PluginReading;
  /** undefined: the feature gate is off. */
  readonly flowControl: FlowControlReading | undefined;
  /** Whether the feature gate is on, and who says so. */
  readonly flowControlGate: Known<boolean>;
}

export interface PickerConfigParts {
  /** Whether plugins of stability Alpha may be loaded. */
  readonly experimental: boolean;
  /** Whose word it is. */
  readonly origin?: Origin;
}

/** v1, since llm-d-router v0.11, differs from v1alpha1 in the layout of dataLayer alone (apix/config/v1). */
const GROUPS = { now: "llm-d.ai/v1alpha1", later: "llm-d.ai/v1", before: "inference.networking.x-k8s.io/v1alpha1" };
const GATES: Readonly<Record<string, boolean>> = { flowControl: false, haPopulateNonLeaderDatastore: true };

/** What the endpoint picker runs with where it is given no configuration: llm-d-router, August 2026, config/loader/defaults.go. */
export const DEFAULT_PICKER_CONFIG = {
  apiVersion: GROUPS.now,
  kind: "EndpointPickerConfig",
  plugins: [{ type: "queue-scorer" }, { type: "kv-cache-utilization-scorer" }, { type: "prefix-cache-scorer" }],
  schedulingProfiles: [
    {
      name: "default",
      plugins: [
        { pluginRef: "queue-scorer", weight: 2 },
        { pluginRef: "kv-cache-utilization-scorer", weight: 2 },
        { pluginRef: "prefix-cache-scorer", weight: 3 },
      ],
    },
  ],
};

const BY_ITSELF: Origin = {
  kind: "default",
  why: "llm-d endpoint picker: its own configuration, where it is given none",
};

/** The text of a configuration as YAML, as Kubernetes' own decoder takes it. An empty one is `undefined`. */
export const parsePickerConfig = (text: string, place: Pick<Field, "object" | "path">): Result<unknown> => {
  const read = embeddedYaml(text);
  if ("raw" in read) return good(read.raw);
  const { object, path: field } = place;
  return bad({ severity: "error", reason: "BadPickerConfig", object, field, message: read.wrong });
};

/**
 * Reads an EndpointPickerConfig as the endpoint picker would: puts in what it puts in, and refuses what keeps it from
 * starting, each at its field. `raw` undefined: it was given none and takes its own.
 * Source: llm-d-router, August 2026, pkg/epp/config/loader (configloader.go, defaults.go, validation.go, flowcontrol.go).
 */
export const readPickerConfig = (
  raw: unknown,
  place: Pick<Field, "object" | "path">,
  parts: PickerConfigParts,
): Result<EndpointPickerConfigReading> => new ConfigReader(raw, place, parts).result();

const FIELDS = [
  "apiVersion",
  "kind",
  "metadata",
  "featureGates",
  "plugins",
  "schedulingProfiles",
  "dataLayer",
  "flowControl",
  "requestHandler",
  "saturationDetector",
  "parser",
];

class ConfigReader {
  readonly #problems: Problem[] = [];
  readonly #root: Field;
  readonly #parts: PickerConfigParts;
  readonly #plugins = new Map<string, PluginReading>();
  /** Names of plugins that are no known ones, which has been told: who refers to them is not to blame. */
  readonly #broken = new Set<string>();

  constructor(raw: unknown, place: Pick<Field, "object" | "path">, parts: PickerConfigParts) {
    this.#parts = parts;
    const origin = raw === undefined ? BY_ITSELF : parts.origin;
    this.#root = Field.inside(place, raw ?? DEFAULT_PICKER_CONFIG, this.#problems, origin);
  }

  result(): Result<EndpointPickerConfigReading> {
    const root = this.#root;
    if (root.entries().length === 0 && this.#failed) return { ok: false, problems: this.#problems };
    this.#known(root, FIELDS);
    this.#version();
    this.#readPlugins();
    const flowControlGate = this.#gates();
    const { profiles, handler } = this.#profiles();
    const detector = this.#detector();
    const flowControl = this.#flowControl(flowControlGate);
    this.#parsers();
    this.#dataLayer();
    this.#produce();
    if (this.#failed || handler === undefined || detector === undefined) return { ok: false, problems: this.#problems };
    const plugins = [...this.#plugins.values()];
    return good({ plugins, profiles, handler, detector, flowControl, flowControlGate }, this.#problems);
  }

  get #failed(): boolean {
    return this.#problems.some(({ severity }) => severity === "error");
  }

  // ---- head

  #version(): void {
    const [version, kind] = [this.#root.at("apiVersion"), this.#root.at("kind")];
    const said = version.text()?.value ?? GROUPS.now;
    if (said === GROUPS.before) {
      this.#warn(version, "Deprecated", `${said} is read as ${GROUPS.now}, which took its place`);
    } else if (said !== GROUPS.now && said !== GROUPS.later) {
      const known = `${GROUPS.later}, ${GROUPS.now} or ${GROUPS.before}`;
      this.#error(version, "UnknownVersion", `must be ${known}, got "${said}"`);
    }
    const name = kind.text()?.value ?? "EndpointPickerConfig";
    if (name !== "EndpointPickerConfig") {
      this.#error(kind, "UnknownKind", `must be EndpointPickerConfig, got "${name}"`);
    }
  }

  /** `name`, `name=true`, `name=false`. */
  #gates(): Known<boolean> {
    let flowControl: Known<boolean> = known(false, {
      kind: "default",
      why: "llm-d endpoint picker: the feature gate flowControl is off",
    });
    for (const item of this.#root.at("featureGates").items()) {
      const [name = "", value = "true"] = (item.text()?.value ?? "").split("=");
      const truth = /^(1|t|true)$/i.test(value.trim()) ? true : /^(0|f|false)$/i.test(value.trim()) ? false : undefined;
      if (!Object.hasOwn(GATES, name)) {
        this.#unknown(item, "feature gate", name, Object.keys(GATES));
      } else if (truth === undefined) {
        this.#error(item, "BadFeatureGate", `the value of a feature gate must be true or false, got "${value}"`);
      } else if (name === "flowControl") flowControl = known(truth, item.from);
    }
    return flowControl;
  }

  // ---- plugins

  #readPlugins(): void {
    for (const item of this.#root.at("plugins").items()) {
      this.#known(item, ["name", "type", "parameters"]);
      const type = item.at("type").text();
      if (type === undefined || type.value === "") {
        this.#error(item.at("type"), "Required", "is required: the type of the plugin");
        continue;
      }
      const name = item.at("name").text()?.value || type.value;
      if (this.#plugins.has(name)) {
        this.#error(item.at("name"), "Duplicate", `there are two plugins named ${name}`, "give one a name of its own");
        continue;
      }
      if (!this.#isKnown(item, type.value)) {
        this.#broken.add(name);
        // Without a name of its own it is referred to by what it was meant to be.
        if (!item.at("name").present) this.#broken.add(nearest(type.value, Object.keys(PLUGIN_TYPES)) ?? name);
        continue;
      }
      item.at("parameters").entries();
      this.#plugins.set(name, { name, type: type.value, from: item.from, parameters: item.at("parameters") });
    }
  }

  #isKnown(item: Field, type: string): boolean {
    const found = Object.hasOwn(PLUGIN_TYPES, type) ? PLUGIN_TYPES[type] : undefined;
    if (found === undefined) {
      this.#unknown(item.at("type"), "plugin type", type, Object.keys(PLUGIN_TYPES));
      return false;
    }
    if (found.alpha && !this.#parts.experimental) {
      const message = `${type} is an Alpha plugin; without --allow-experimental-plugins the endpoint picker doesn't start`;
      this.#error(item.at("type"), "AlphaPlugin", message, "set the flag, or drop the plugin");
    }
    if (found.insteadOf !== undefined) {
      this.#warn(item.at("type"), "Deprecated", `${type} is deprecated; ${found.insteadOf} takes its place`);
    }
    return true;
  }

  #inject(type: string, why: string): PluginReading {
    const there = this.#plugins.get(type);
    if (there !== undefined) return there;
    const made = injected(type, `llm-d endpoint picker: ${why}`, this.#root, this.#problems);
    this.#plugins.set(type, made);
    return made;
  }

  /** The plugin that a field names; that there is none, or one of another kind, is told. */
  #ref(field: Field, kind: PluginKind): PluginReading | undefined {
    const name = field.text();
    if (name === undefined || this.#broken.has(name.value)) return undefined;
    const plugin = this.#plugins.get(name.value);
    if (plugin === undefined) {
      this.#unknown(field, "plugin", name.value, [...this.#plugins.keys()], "UnknownPlugin");
    } else if (!isA(plugin, kind)) {
      this.#error(field, "WrongPlugin", `${name.value} is a ${plugin.type}, which is no ${kind}`);
      return undefined;
    }
    return plugin;
  }

  // ---- scheduling

  #profiles(): { profiles: readonly ProfileReading[]; handler: PluginReading | undefined } {
    const { value: profiles, problems } = readProfiles(this.#root.at("schedulingProfiles"), {
      plugins: this.#plugins,
      broken: this.#broken,
      inject: (type, why) => this.#inject(type, why),
    });
    this.#problems.push(...problems);
    return { profiles, handler: this.#handler(profiles) };
  }

  #handler(profiles: readonly ProfileReading[]): PluginReading | undefined {
    const [first, second] = [...this.#plugins.values()].filter((plugin) => isA(plugin, "handler"));
    const list = this.#root.at("schedulingProfiles");
    if (second !== undefined) {
      const place = second.from.kind === "field" || second.from.kind === "override" ? { field: second.from.field } : {};
      const message = `${first?.name} and ${second.name} are both profile handlers; only one is allowed`;
      this.#problems.push({
        severity: "error",
        reason: "TwoHandlers",
        object: list.object,
        ...place,
        message,
        fix: "drop one",
      });
      return undefined;
    }
    if (first === undefined && profiles.length > 1) {
      const message = `${profiles.length} profiles need a profile handler that says which of them run`;
      this.#error(list, "NoHandler", message, "add a plugin such as disagg-profile-handler");
      return undefined;
    }
    if (first?.type === "single-profile-handler" && profiles.length > 1) {
      this.#error(list, "TooManyProfiles", `single-profile-handler runs one profile, there are ${profiles.length}`);
    }
    return first ?? this.#inject("single-profile-handler", "the profile handler where none is configured");
  }

  /** What plugins read and nobody produces is produced by the default producer of it, and what that one reads likewise. */
  #produce(): void {
    for (let found = missingProducers(this.#plugins); found.length > 0; found = missingProducers(this.#plugins)) {
      for (const { plugin, attribute, field, producer } of found) {
        if (producer === attribute.producer) {
          this.#inject(producer, `the producer of ${attribute.what} where ${plugin.name} names none`);
        } else {
          this.#unknown(field, `producer of ${attribute.what}`, producer, [...this.#plugins.keys()], "UnknownPlugin");
        }
      }
      if (this.#failed) return;
    }
  }

  // ---- flow control and the rest

  #detector(): PluginReading | undefined {
    const [now, before] = [this.#root.at("flowControl", "saturationDetector"), this.#root.at("saturationDetector")];
    if (before.present) {
      this.#warn(before, "Deprecated", "saturationDetector has moved to flowControl.saturationDetector");
      this.#known(before, ["pluginRef"]);
    }
    const said = (now.present ? now : before).at("pluginRef");
    const fallback = "utilization-detector";
    if (!said.present || said.raw === "" || said.raw === fallback) {
      if (this.#plugins.has(fallback)) return this.#plugins.get(fallback);
      return this.#inject(fallback, "the saturation detector where none is configured");
    }
    return this.#ref(said, "detector");
  }

  #flowControl(gate: Known<boolean>): FlowControlReading | undefined {
    const section = this.#root.at("flowControl");
    const defaults = {
      ordering: this.#inject("fcfs-ordering-policy", "the ordering policy where a band names none"),
      fairness: this.#inject("global-strict-fairness-policy", "the fairness policy where a band names none"),
      usageLimit: this.#inject("static-usage-limit-policy", "the usage limit policy where none is named"),
    };
    const settings = section.entries().filter(([name]) => name !== "saturationDetector");
    if (!gate.value && settings.length > 0) {
      const message = "the feature gate flowControl is off: of this section only saturationDetector counts";
      this.#warn(section, "NoEffect", message);
    }
    const reading = readFlowControl(section, {
      defaults,
      ref: (field, kind) => this.#ref(field, kind),
      known: (field, names) => this.#known(field, names),
      problems: this.#problems,
    });
    return gate.value ? reading : undefined;
  }

  /** A parser that is named and not configured is made, if there is such a type. */
  #parsers(): void {
    const [handler, before] = [this.#root.at("requestHandler"), this.#root.at("parser")];
    this.#known(handler, ["parsers"]);
    if (before.present) this.#warn(before, "Deprecated", "parser has moved to requestHandler.parsers");
    const said = handler.at("parsers").items();
    for (const item of said.length > 0 ? said : before.present ? [before] : []) {
      this.#known(item, ["pluginRef"]);
      const name = item.at("pluginRef").text();
      if (name === undefined) this.#error(item.at("pluginRef"), "Required", "is required: the name of a parser");
      else if (!isA({ type: name.value }, "parser")) this.#ref(item.at("pluginRef"), "parser");
    }
  }

  #dataLayer(): void {
    const layer = this.#root.at("dataLayer");
    const shared =
      this.#root.at("apiVersion").raw === GROUPS.later
        ? ["crossReplica"]
        : ["peerDiscovery", "crossReplicaSyncerPluginRef", "crossReplicaSyncInterval", "crossReplicaPublishTimeout"];
    this.#known(layer, ["injectDefaults", "sources", "discovery", ...shared]);
    const sources = layer.at("sources").items();
    for (const source of sources) {
      this.#known(source, ["pluginRef", "extractors"]);
      this.#named(source.at("pluginRef"));
      for (const extractor of source.at("extractors").items()) this.#named(extractor.at("pluginRef"));
    }
    for (const key of ["discovery", "peerDiscovery", "crossReplica", "crossReplicaSyncerPluginRef"]) {
      if (!layer.at(key).present) continue;
      this.#warn(
        layer.at(key),
        "NotModelled",
        `dataLayer.${key} is not modelled: endpoints are the pool's, and pickers share nothing`,
      );
    }
    const collects = sources.some(
      (source) => this.#plugins.get(String(source.at("pluginRef").raw))?.type === "metrics-data-source",
    );
    if (layer.at("injectDefaults").truth()?.value === false && !collects) {
      const message =
        "without a metrics-data-source the endpoint picker reads no metrics; that is not modelled: they are read";
      this.#warn(layer.at("injectDefaults"), "NotModelled", message);
    }
  }

  #named(field: Field): void {
    const name = field.text();
    if (name !== undefined) this.#ref(field, "data-layer");
    else this.#error(field, "Required", "is required: the name of a plugin");
  }

  // ---- problems

  /** The decoder is strict: a field that it doesn't know keeps the endpoint picker from starting. */
  #known(field: Field, names: readonly string[]): void {
    for (const [name, inner] of field.entries()) {
      if (!names.includes(name)) this.#unknown(inner, "field", name, names, "UnknownField");
    }
  }

  #unknown(
    field: Field,
    what: string,
    name: string,
    names: readonly string[],
    reason = `Unknown${CAMEL[what] ?? "Plugin"}`,
  ): void {
    const near = nearest(name, names);
    const known = what === "field" ? ` among ${names.join(", ")}` : "";
    const message = `there is no ${what} ${JSON.stringify(name)}${known}; the endpoint picker doesn't start`;
    this.#error(field, reason, message, near === undefined ? undefined : `did you mean \`${near}\`?`);
  }

  #error(field: Field, reason: string, message: string, fix?: string): void {
    this.#problems.push({ severity: "error", reason, ...field.place, message, ...(fix === undefined ? {} : { fix }) });
  }

  #warn(field: Field, reason: string, message: string): void {
    this.#problems.push({ severity: "warning", reason, ...field.place, message });
  }
}

const CAMEL: Readonly<Record<string, string>> = { "feature gate": "FeatureGate", "plugin type": "PluginType" };
