import type { Problem } from "../model/problem.ts";
import { OWN_PRODUCERS } from "./plugins.ts";
import { producers } from "./producers/index.ts";
import type { SchedulingSaid } from "./scheduling.ts";

/** Names that lead nowhere, and what can't work together. Paths are within the scheduling. */
export const schedulingProblems = (said: SchedulingSaid): readonly Problem[] => [
  ...twice(said),
  ...unresolved(said),
  ...unproduced(said),
  ...handlerProblems(said),
];

const LISTS = ["filters", "scorers", "pickers", "deciders", "producers"] as const;
type List = (typeof LISTS)[number];

const problem = (field: string, reason: string, message: string, fix: string): Problem => ({
  severity: "error",
  field,
  reason,
  message,
  fix,
});

const namesOf = (said: SchedulingSaid, list: List): readonly string[] => said[list].map(({ name }) => name);

const oneOf = (names: readonly string[]): string =>
  names.length === 0 ? "there is none" : `one of ${names.join(", ")}`;

const twice = (said: SchedulingSaid): Problem[] =>
  [...LISTS, "profiles" as const].flatMap((list) =>
    said[list].flatMap(({ name }, index) =>
      said[list].findIndex((other) => other.name === name) < index
        ? [problem(`${list}[${index}].name`, "NameTaken", `another one is called ${name}`, "give it a name of its own")]
        : [],
    ),
  );

const unresolved = (said: SchedulingSaid): Problem[] =>
  said.profiles.flatMap((profile, index) => {
    const at = `profiles[${index}]`;
    const refs: readonly (readonly [List, string, string])[] = [
      ...profile.filters.map((ref, i) => ["filters", ref, `${at}.filters[${i}]`] as const),
      ...profile.scorers.map(({ ref }, i) => ["scorers", ref, `${at}.scorers[${i}].ref`] as const),
      ...(profile.picker === undefined ? [] : [["pickers", profile.picker, `${at}.picker`] as const]),
    ];
    return refs.flatMap(([list, ref, field]) =>
      namesOf(said, list).includes(ref)
        ? []
        : [problem(field, "UnknownPlugin", `there is no plugin ${ref} among the ${list}`, oneOf(namesOf(said, list)))],
    );
  });

/** Parameters that name a producer, and what it must know of. */
const BY_PARAMETER = {
  prefixMatchInfoProducerName: [OWN_PRODUCERS.prefix, "precise-prefix-cache-producer", "burst-prefix-cache-producer"],
  inFlightLoadProducerName: [OWN_PRODUCERS.load],
  latencyPredictionInfoProducerName: [OWN_PRODUCERS.latency],
} as const;
type Parameter = keyof typeof BY_PARAMETER;

const unproduced = (said: SchedulingSaid): Problem[] =>
  LISTS.flatMap((list) =>
    said[list].flatMap(({ plugin }, index) =>
      (Object.keys(BY_PARAMETER) as Parameter[]).flatMap((parameter) => {
        const name = (plugin as Readonly<Record<string, unknown>>)[parameter];
        if (typeof name !== "string" || name === "" || plugin.type === "precise-prefix-cache-scorer") return [];
        const types: readonly string[] = BY_PARAMETER[parameter];
        const listed = said.producers.find((producer) => producer.name === name)?.plugin.type;
        const type = listed ?? producers.all.find((choice) => choice.name === name)?.name;
        if (type !== undefined && types.includes(type)) return [];
        const able = said.producers.filter((producer) => types.includes(producer.plugin.type));
        return [
          problem(
            `${list}[${index}].plugin.${parameter}`,
            "UnknownProducer",
            `there is no producer ${name} of type ${types.join(" or ")}`,
            oneOf([...new Set([...able.map((producer) => producer.name), ...types])]),
          ),
        ];
      }),
    ),
  );

const handlerProblems = (said: SchedulingSaid): Problem[] => {
  const { handler, profiles } = said;
  switch (handler.type) {
    case "single-profile-handler":
    case "data-parallel-profile-handler":
      if (profiles.length === 1) return [];
      return [
        problem(
          "handler",
          "TooManyProfiles",
          `${handler.type} runs one profile, there are ${profiles.length}`,
          "disagg-profile-handler, or one profile",
        ),
      ];
    case "pd-profile-handler":
      return [
        ...profileMissing(said, handler.decodeProfile, "handler.decodeProfile"),
        ...deciderMissing(said, handler.deciderPluginName, "handler.deciderPluginName"),
      ];
    case "disagg-profile-handler": {
      const decides = handler.deciders.prefill ?? handler.prefillDeciderPluginName ?? handler.deciderPluginName;
      const first = /^prefill/i.test(handler.stageOrder);
      return [
        ...profileMissing(
          said,
          handler.profiles.decode ?? handler.decodeProfile ?? "decode",
          "handler.profiles.decode",
        ),
        ...(decides === undefined ? [] : deciderMissing(said, decides, "handler.deciders.prefill")),
        ...(first && decides !== undefined
          ? [
              problem(
                "handler.deciders.prefill",
                "DeciderUnused",
                "with stageOrder prefill-first nobody decides on prefill",
                "leave it out, or set stageOrder to decode-first",
              ),
            ]
          : []),
      ];
    }
  }
};

const profileMissing = (said: SchedulingSaid, name: string, field: string): Problem[] => {
  const names = said.profiles.map((profile) => profile.name);
  if (names.includes(name)) return [];
  return [problem(field, "UnknownProfile", `there is no profile ${name}`, oneOf(names))];
};

const deciderMissing = (said: SchedulingSaid, name: string, field: string): Problem[] => {
  const names = namesOf(said, "deciders");
  if (names.includes(name)) return [];
  return [problem(field, "UnknownPlugin", `there is no decider ${name}`, oneOf(names))];
};
