import { type Known, known, type Source } from "../../../model/known.ts";
import type { Problem } from "../../../model/problem.ts";
import { nearest } from "../../../schema/nearest.ts";
import type { Field } from "../../field.ts";
import { isA, type PluginReading } from "./plugin-reading.ts";

/** One scheduling profile: filters in order, then scorers, then one picker. */
export interface ProfileReading {
  readonly name: Known<string>;
  readonly filters: readonly PluginReading[];
  readonly scorers: readonly { readonly plugin: PluginReading; readonly weight: Known<number> }[];
  readonly picker: Known<PluginReading>;
}

type Plugins = ReadonlyMap<string, PluginReading>;
interface Parts {
  readonly plugins: Plugins;
  /** Names that are known to lead nowhere. */
  readonly broken: ReadonlySet<string>;
  readonly inject: (type: string, why: string) => PluginReading;
}
const IN_PROFILES = ["filter", "scorer", "picker"] as const;

/**
 * Reads `schedulingProfiles`. Where there are none, one named `default` holds every filter, scorer and picker. A scorer without
 * weight counts 1; a profile without picker gets the one that is configured, or the max-score picker.
 * Source: llm-d-router, August 2026, config/loader/defaults.go (ensureSchedulingLayer) and scheduling/scheduler_profile.go.
 */
export const readProfiles = (
  list: Field,
  parts: Parts,
): { readonly value: readonly ProfileReading[]; readonly problems: readonly Problem[] } => {
  const reader = new ProfileReader(list, parts);
  return { value: reader.read(), problems: reader.problems };
};

interface Entry {
  readonly plugin: PluginReading;
  readonly field: Field;
  /** Who put it there. */
  readonly from: Source;
  readonly weight: Known<number>;
}

class ProfileReader {
  readonly problems: Problem[] = [];
  readonly #list: Field;
  readonly #plugins: Plugins;
  readonly #parts: Parts;

  constructor(list: Field, parts: Parts) {
    this.#list = list;
    this.#plugins = parts.plugins;
    this.#parts = parts;
  }

  read(): readonly ProfileReading[] {
    const items = this.#list.items();
    if (items.length === 0) return [this.#all()];
    const names = new Set<string>();
    return items.flatMap((item) => {
      this.#known(item, ["name", "plugins"]);
      const name = item.at("name").text();
      if (name === undefined || name.value === "")
        this.#error(item.at("name"), "Required", "is required: the name of the profile");
      else if (names.has(name.value))
        this.#error(item.at("name"), "Duplicate", `there are two profiles named ${name.value}`);
      if (name === undefined) return [];
      names.add(name.value);
      const entries = item
        .at("plugins")
        .items()
        .flatMap((entry) => this.#entry(entry) ?? []);
      return [this.#profile(name, item, entries)];
    });
  }

  #all(): ProfileReading {
    const why = "llm-d endpoint picker: without profiles, one of all filters, scorers and pickers";
    const name = known("default", { kind: "default" as const, why });
    const entries = [...this.#plugins.values()]
      .filter((plugin) => IN_PROFILES.some((kind) => isA(plugin, kind)))
      .map((plugin) => ({ plugin, field: this.#list, from: plugin.from, weight: ONE }));
    return this.#profile(name, this.#list, entries);
  }

  #entry(item: Field): Entry | undefined {
    this.#known(item, ["pluginRef", "weight"]);
    const field = item.at("pluginRef");
    const name = field.text();
    const weight = item.at("weight").number();
    if (weight !== undefined && weight.value < 0) {
      this.#error(
        item.at("weight"),
        "NegativeWeight",
        `must be at least 0, got ${weight.value}: it would prefer the worst`,
      );
    }
    if (name === undefined || name.value === "") {
      this.#error(field, "Required", "is required: the name of a plugin");
      return undefined;
    }
    const plugin = this.#plugins.get(name.value);
    if (this.#parts.broken.has(name.value)) return undefined;
    if (plugin === undefined) {
      const near = nearest(name.value, [...this.#plugins.keys()]);
      const message = `there is no plugin "${name.value}"; the endpoint picker doesn't start`;
      this.#error(
        field,
        "UnknownPlugin",
        message,
        near === undefined ? "add it to plugins" : `did you mean \`${near}\`?`,
      );
      return undefined;
    }
    if (!IN_PROFILES.some((kind) => isA(plugin, kind))) {
      const message = `${name.value} is a ${plugin.type}: no filter, scorer or picker, so it has no effect in a profile`;
      this.problems.push({ severity: "warning", reason: "NoEffect", ...field.place, message });
    }
    return { plugin, field, from: field.from, weight: weight ?? ONE };
  }

  #profile(name: Known<string>, place: Field, entries: readonly Entry[]): ProfileReading {
    const of = (kind: (typeof IN_PROFILES)[number]) => entries.filter(({ plugin }) => isA(plugin, kind));
    const scorers = of("scorer");
    const seen = new Set<string>();
    for (const { plugin, field } of scorers) {
      if (seen.has(plugin.name))
        this.#error(field, "Duplicate", `${plugin.name} stands twice in profile ${name.value}`, "add the weights");
      seen.add(plugin.name);
    }
    if (scorers.length > 0 && scorers.every(({ weight }) => weight.value === 0)) {
      const message = `every scorer of profile ${name.value} has weight 0: nothing would tell endpoints apart`;
      this.#error(place.at("plugins"), "ZeroWeights", message, "give one a weight above 0");
    }
    return {
      name,
      filters: of("filter").map(({ plugin }) => plugin),
      scorers: scorers.map(({ plugin, weight }) => ({ plugin, weight })),
      picker: this.#picker(name.value, place, of("picker")),
    };
  }

  #picker(profile: string, place: Field, [first, second]: readonly Entry[]): Known<PluginReading> {
    if (first !== undefined && second !== undefined) {
      const message = `profile ${profile} has two pickers, ${first.plugin.name} and ${second.plugin.name}`;
      this.#error(second.field, "TwoPickers", message, "drop one");
    }
    if (first !== undefined) return known(first.plugin, first.from);
    const configured = [...this.#plugins.values()].filter((plugin) => isA(plugin, "picker"));
    if (configured.length > 1) {
      const names = configured.map((one) => one.name).join(", ");
      const message = `profile ${profile} names none of the pickers ${names}: the endpoint picker would take any`;
      this.#error(place.at("plugins"), "NoPicker", message, "name one of them in the profile");
    }
    const [only] = configured;
    if (only !== undefined) {
      return known(only, {
        kind: "default",
        why: "llm-d endpoint picker: a profile without picker gets the one configured",
      });
    }
    const made = this.#parts.inject("max-score-picker", "the picker where a profile has none");
    return known(made, made.from);
  }

  #known(field: Field, names: readonly string[]): void {
    for (const [name, inner] of field.entries()) {
      if (names.includes(name)) continue;
      const near = nearest(name, names);
      const message = `there is no field "${name}"; the endpoint picker doesn't start`;
      this.#error(inner, "UnknownField", message, near === undefined ? undefined : `did you mean \`${near}\`?`);
    }
  }

  #error(field: Field, reason: string, message: string, fix?: string): void {
    this.problems.push({ severity: "error", reason, ...field.place, message, ...(fix === undefined ? {} : { fix }) });
  }
}

const ONE = known(1, { kind: "default" as const, why: "llm-d endpoint picker: a scorer without weight counts 1" });
