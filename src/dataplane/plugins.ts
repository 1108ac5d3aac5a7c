import { invariant } from "../sim/invariant.ts";
import type { Streams } from "../sim/rng.ts";
import type { Hooks } from "./ask.ts";
import type { Decider } from "./decider.ts";
import { deciders } from "./deciders/index.ts";
import type { Filter } from "./filter.ts";
import { filters } from "./filters/index.ts";
import type { ProfileHandler } from "./handler.ts";
import { handlers } from "./handlers/index.ts";
import type { Knowledge, LatencyForecast, PluginContext, PrefixBelief, PrefixMatch, TokenLoad } from "./knowledge.ts";
import type { Picker } from "./picker.ts";
import { pickers } from "./pickers/index.ts";
import type { Producer } from "./producer.ts";
import { type ProducerSaid, producers } from "./producers/index.ts";
import { Profile } from "./profile.ts";
import type { SchedulingSaid } from "./scheduling.ts";
import type { Scorer } from "./scorer.ts";
import { scorers } from "./scorers/index.ts";

type Named<Plugin> = readonly { readonly name: string; readonly plugin: Plugin }[];

/** Who is asked where a consumer names nobody. */
export const OWN_PRODUCERS = {
  prefix: "approx-prefix-cache-producer",
  load: "inflight-load-producer",
  latency: "predicted-latency-producer",
} as const;

/**
 * The plugins of a scheduler, each made once, however many profiles use it. A producer that nobody listed but somebody
 * needs is made with its defaults, as llm-d-router v0.9 does.
 */
export class Plugins implements Knowledge {
  readonly profiles = new Map<string, Profile>();
  readonly handler: ProfileHandler;
  readonly hooks: readonly Hooks[];
  /** Name of the producer that counts load, if one is listed or somebody goes by it: it exports what it counts. */
  readonly loadProducer: string | undefined;
  /** What endpoints are taken to hold of a prompt: by a precise index if there is one, else by an approximate one. */
  readonly cached: PrefixBelief | undefined;
  readonly #streams: Streams;
  readonly #producersSaid: Named<ProducerSaid>;
  readonly #producers = new Map<string, Producer>();

  constructor(said: SchedulingSaid, streams: Streams) {
    this.#streams = streams;
    this.#producersSaid = [...said.producers, ...impliedProducers(said)];
    for (const { name } of this.#producersSaid) this.#producer(name);
    this.#shareThePrecise();
    const filtersByName = this.#make(said.filters, (plugin, context): Filter => filters.create(plugin, context));
    const scorersByName = this.#make(said.scorers, (plugin, context): Scorer => scorers.create(plugin, context));
    const pickersByName = this.#make(said.pickers, (plugin, context): Picker => pickers.create(plugin, context));
    const decidersByName = this.#make(said.deciders, (plugin, context): Decider => deciders.create(plugin, context));
    const [anyPicker] = pickersByName.values();
    const pickerLeftOut = anyPicker ?? pickers.create(HIGHEST, this.#contextOf("max-score-picker"));
    for (const profile of said.profiles) {
      const filtersOf = profile.filters.map((name) => ({ name, plugin: found(filtersByName, name) }));
      const scorersOf = profile.scorers.map(({ ref, weight }) => ({
        name: ref,
        plugin: found(scorersByName, ref),
        weight,
      }));
      const pickerOf = profile.picker === undefined ? pickerLeftOut : found(pickersByName, profile.picker);
      this.profiles.set(profile.name, new Profile(profile.name, filtersOf, scorersOf, pickerOf));
    }
    this.handler = handlers.create(said.handler, { decider: (name) => found(decidersByName, name) });
    this.loadProducer = [...this.#producers].find(([, { load }]) => load !== undefined)?.[0];
    this.load();
    this.cached = this.#prefixOf(PRECISE) ?? this.#prefixOf(OWN_PRODUCERS.prefix);
    this.hooks = [...this.producers, ...filtersByName.values(), ...scorersByName.values()];
  }

  /** Those that others go by come first. */
  get producers(): readonly Producer[] {
    const rank = ({ latency, load }: Producer): number => (latency !== undefined ? 2 : load !== undefined ? 1 : 0);
    return [...new Set(this.#producers.values())].sort((a, b) => rank(a) - rank(b));
  }

  prefix(producer: string = OWN_PRODUCERS.prefix): PrefixMatch {
    const { prefix } = this.#producer(producer);
    invariant(prefix !== undefined, `${producer} knows of prefixes`);
    return prefix;
  }

  prefixIfAny(producer: string = OWN_PRODUCERS.prefix): PrefixMatch | undefined {
    return this.#producers.get(producer)?.prefix;
  }

  load(producer: string = OWN_PRODUCERS.load): TokenLoad {
    const { load } = this.#producer(producer);
    invariant(load !== undefined, `${producer} knows of load`);
    return load;
  }

  latency(producer: string = OWN_PRODUCERS.latency): LatencyForecast {
    const { latency } = this.#producer(producer);
    invariant(latency !== undefined, `${producer} knows of latencies`);
    return latency;
  }

  /** The first producer of a type that is at work, whatever it is called. */
  #prefixOf(type: string): PrefixMatch | undefined {
    const named = this.#producersSaid.find(({ plugin }) => plugin.type === type)?.name ?? type;
    return this.#producers.get(named)?.prefix;
  }

  #producer(name: string): Producer {
    const known = this.#producers.get(name);
    if (known !== undefined) return known;
    const said = this.#producersSaid.find((one) => one.name === name)?.plugin ?? producers.schema.parse({ type: name });
    const made: Producer = producers.create(said, this.#contextOf(name));
    this.#producers.set(name, made);
    return made;
  }

  /** The only precise producer is found by its type too, whatever it is called. */
  #shareThePrecise(): void {
    const precise = this.#producersSaid.filter(({ plugin }) => plugin.type === PRECISE);
    const [only] = precise;
    if (only !== undefined && precise.length === 1) this.#producers.set(PRECISE, this.#producer(only.name));
  }

  #make<Said, Plugin>(
    said: Named<Said>,
    create: (plugin: Said, context: PluginContext) => Plugin,
  ): ReadonlyMap<string, Plugin> {
    return new Map(said.map(({ name, plugin }) => [name, create(plugin, this.#contextOf(name))]));
  }

  #contextOf(name: string): PluginContext {
    return { rng: this.#streams.stream(`gateway/${name}`), knowledge: this };
  }
}

const PRECISE = "precise-prefix-cache-producer";
const HIGHEST = { type: "max-score-picker", maxNumOfEndpoints: 1 } as const;

const found = <Plugin>(plugins: ReadonlyMap<string, Plugin>, name: string): Plugin => {
  const plugin = plugins.get(name);
  invariant(plugin !== undefined, `a plugin named ${name} is listed`);
  return plugin;
};

/** The old `precise-prefix-cache-scorer` brings its producer along, unless there is one of its kind. */
const impliedProducers = ({ scorers, producers: listed }: SchedulingSaid): Named<ProducerSaid> => {
  const old = scorers.find(({ plugin }) => plugin.type === "precise-prefix-cache-scorer")?.plugin;
  if (old?.type !== "precise-prefix-cache-scorer" || listed.some(({ plugin }) => plugin.type === PRECISE)) return [];
  const { prefixMatchInfoProducerName: name, type: _type, ...params } = old;
  return [{ name, plugin: { type: PRECISE, ...params } }];
};
