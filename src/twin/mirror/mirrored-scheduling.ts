import { deciders } from "../../dataplane/deciders/index.ts";
import { filters } from "../../dataplane/filters/index.ts";
import { handlers } from "../../dataplane/handlers/index.ts";
import { pickers } from "../../dataplane/pickers/index.ts";
import { producers } from "../../dataplane/producers/index.ts";
import { type SchedulingSaid, schedulingSaid } from "../../dataplane/scheduling.ts";
import { schedulingProblems } from "../../dataplane/scheduling-problems.ts";
import { scorers } from "../../dataplane/scorers/index.ts";
import type { Ledger } from "../ledger.ts";
import type { EndpointPickerConfigReading } from "../readers/endpoint-picker/endpoint-picker-config.ts";
import { isA, type PluginReading } from "../readers/endpoint-picker/plugin-reading.ts";
import type { PluginKind } from "../readers/endpoint-picker/plugin-types.ts";
import type { ProfileReading } from "../readers/endpoint-picker/scheduling-profiles.ts";
import { type Choices, isModelled, sayPlugin, tellParameters } from "./said-plugin.ts";

const PATH = "gateway";

/** How an endpoint is picked, as the data plane takes it; undefined if something is wrong, which is told. */
export const mirrorScheduling = (config: EndpointPickerConfigReading, ledger: Ledger): SchedulingSaid | undefined =>
  new SchedulingMirror(config, ledger).said();

class SchedulingMirror {
  readonly #config: EndpointPickerConfigReading;
  readonly #ledger: Ledger;
  /** Plugins whose parameters have been told: one may be of two kinds. */
  readonly #told = new Set<string>();
  /** Who stands in which list of what is said. */
  readonly #lists = new Map<string, readonly PluginReading[]>();
  #complete = true;

  constructor(config: EndpointPickerConfigReading, ledger: Ledger) {
    this.#config = config;
    this.#ledger = ledger;
  }

  said(): SchedulingSaid | undefined {
    const { handler, profiles } = this.#config;
    const isRun = isModelled(handlers, handler);
    this.#ledger.use(`${PATH}.profileHandler`, { value: handler.type, from: handler.from });
    // A profile handler that is not modelled runs the first profile for every request.
    const run = isRun ? profiles : profiles.slice(0, 1);
    const saidProfiles = run.map((profile) => this.#profile(profile));
    const said = {
      profiles: saidProfiles,
      filters: this.#all("filter", filters, new Set(saidProfiles.flatMap((profile) => profile.filters))),
      scorers: this.#all(
        "scorer",
        scorers,
        new Set(saidProfiles.flatMap((profile) => profile.scorers.map(({ ref }) => ref))),
      ),
      pickers: this.#all("picker", pickers, new Set(saidProfiles.map(({ picker }) => picker))),
      deciders: this.#all("decider", deciders),
      producers: this.#all("producer", producers),
      ...(isRun ? { handler: this.#say(handlers, handler) } : {}),
    };
    if (!this.#complete) return undefined;
    const parsed = schedulingSaid.parse(said);
    const problems = schedulingProblems(parsed);
    for (const { field = "", ...problem } of problems) this.#ledger.error({ ...problem, ...this.#placeOf(field) });
    return problems.length === 0 ? parsed : undefined;
  }

  /**
   * Of a kind all that are modelled and, where profiles choose among them, that one of them uses. Parameters of the others are
   * looked at as well: the endpoint picker makes them all.
   */
  #all<Said extends object>(kind: PluginKind, choices: Choices<Said>, used?: ReadonlySet<string>) {
    const all = this.#config.plugins
      .filter((plugin) => isA(plugin, kind) && isModelled(choices, plugin))
      .map((reading) => ({ reading, said: { name: reading.name, plugin: this.#say(choices, reading, used) } }))
      .filter(({ reading }) => used === undefined || used.has(reading.name));
    this.#lists.set(
      `${kind}s`,
      all.map(({ reading }) => reading),
    );
    return all.map(({ said }) => said);
  }

  #profile({ name, filters: keeping, scorers: scoring, picker }: ProfileReading) {
    const path = `${PATH}.profiles[${name.value}]`;
    this.#ledger.use(path, name);
    const kept = keeping.filter((plugin) => isModelled(filters, plugin));
    kept.forEach((plugin, i) => {
      this.#ledger.use(`${path}.filters[${i}]`, { value: plugin.name, from: plugin.from });
    });
    const counted = scoring.filter(({ plugin }) => isModelled(scorers, plugin));
    for (const { plugin, weight } of counted) this.#ledger.use(`${path}.scorers[${plugin.name}].weight`, weight);
    this.#ledger.use(`${path}.picker`, { value: picker.value.name, from: picker.from });
    return {
      name: name.value,
      filters: kept.map((plugin) => plugin.name),
      scorers: counted.map(({ plugin, weight }) => ({ ref: plugin.name, weight: weight.value })),
      picker: picker.value.name,
    };
  }

  #say<Said extends object>(
    choices: Choices<Said>,
    plugin: PluginReading,
    used?: ReadonlySet<string>,
  ): Said | undefined {
    const said = sayPlugin(choices, plugin, this.#ledger);
    if (said === undefined) this.#complete = false;
    else if (!this.#told.has(plugin.name) && (used === undefined || used.has(plugin.name))) {
      this.#told.add(plugin.name);
      tellParameters(`${PATH}.plugins[${plugin.name}]`, plugin, said, this.#ledger);
    }
    return said;
  }

  /** `handler.profiles.decode` and `scorers[1].plugin.prefixMatchInfoProducerName` are parameters of plugins of the configuration. */
  #placeOf(field: string): { readonly object: string; readonly field: string } {
    const [, list, index, parameter = ""] = /^(?:(\w+)\[(\d+)\]\.plugin|handler)\.?(.*)$/.exec(field) ?? [];
    const plugin = this.#lists.get(list ?? "")?.[Number(index)] ?? this.#config.handler;
    const { object, path } = plugin.parameters;
    return { object, field: parameter === "" ? path : `${path}.${parameter}` };
  }
}
