import { known } from "../../model/known.ts";
import { objectText } from "../../model/object-text.ts";
import { parseQuery, type RuleGroupSpec, selectorsOf } from "../../promql/index.ts";
import { gatewayMetrics, replicaMetrics, seriesNamesOf } from "../../report/metrics/index.ts";
import type { Ledger } from "../ledger.ts";
import { type Manifest, type ObservedCluster } from "../manifest.ts";
import type { RulesReading } from "../reader.ts";
import { rulesReaders } from "../readers/index.ts";
import { tellRefused } from "./mirrored-monitors.ts";

interface Read {
  readonly manifest: Manifest;
  readonly reading: RulesReading;
}

/**
 * Rule groups, of whatever namespace, that read what engines and gateways show, or what such groups record: the others find
 * nothing here. Which PrometheusRules a Prometheus selects, its own object says, which is not read: all are taken to be.
 */
export const mirrorRuleGroups = (cluster: ObservedCluster, ledger: Ledger): readonly RuleGroupSpec[] => {
  const simulated = simulatedNames();
  const refused: { readonly manifest: Manifest; readonly problems: Parameters<typeof tellRefused>[0] }[] = [];
  const all = rulesReaders.flatMap((reader) =>
    cluster.list(reader.kind).flatMap((manifest): readonly (Read & { warnings: typeof ledger.problems })[] => {
      const read = reader.read(manifest);
      if (read.ok) return [{ manifest, reading: read.value, warnings: [...read.warnings] }];
      refused.push({ manifest, problems: read.problems });
      return [];
    }),
  );
  const taken = reading(
    all.flatMap(({ reading: { groups } }) => groups),
    simulated,
  );
  for (const {
    manifest,
    reading: { ref, groups },
    warnings,
  } of all) {
    if (!groups.some((group) => taken.has(group))) continue;
    ledger.read(manifest);
    ledger.problems.push(...warnings);
    groups.forEach((group, index) => {
      if (!taken.has(group)) return;
      const from = { kind: "field" as const, object: objectText(ref), field: `spec.groups[${index}]` };
      ledger.use(
        `metrics.ruleGroups[${ref.namespace}/${ref.name}/${group.name}].rules`,
        known(group.rules.length, from),
      );
    });
  }
  for (const { manifest, problems } of refused) {
    const text = JSON.stringify(manifest.spec);
    if (![...simulated].some((name) => text.includes(name))) continue;
    ledger.read(manifest);
    tellRefused(problems, "so none of its rules is evaluated", ledger);
  }
  return [...taken];
};

/** Names of the series that groups record which reach what is simulated. */
export const recordedNames = (cluster: ObservedCluster): readonly string[] => {
  const groups = rulesReaders.flatMap((reader) =>
    cluster.list(reader.kind).flatMap((manifest) => {
      const read = reader.read(manifest);
      return read.ok ? read.value.groups : [];
    }),
  );
  const recorded = [...reading(groups, simulatedNames())].flatMap(({ rules }) => rules);
  return recorded.flatMap((rule) => ("record" in rule ? [rule.record] : []));
};

const simulatedNames = (): ReadonlySet<string> =>
  new Set([...replicaMetrics, ...gatewayMetrics].flatMap(seriesNamesOf));

/** In order. A group may record what another reads, before it or after it. */
const reading = (groups: readonly RuleGroupSpec[], simulated: ReadonlySet<string>): ReadonlySet<RuleGroupSpec> => {
  const names = new Set(simulated);
  const left = new Map(groups.map((group) => [group, namesReadBy(group)] as const));
  const taken = new Set<RuleGroupSpec>();
  for (let found = true; found; ) {
    found = false;
    for (const [group, reads] of left) {
      if (!reads(names)) continue;
      found = true;
      taken.add(group);
      left.delete(group);
      for (const rule of group.rules) if ("record" in rule) names.add(rule.record);
    }
  }
  return new Set(groups.filter((group) => taken.has(group)));
};

/** Whether some selector of the group finds one of the names; one that names no metric reads everything and counts as none. */
const namesReadBy = ({ rules }: RuleGroupSpec): ((names: ReadonlySet<string>) => boolean) => {
  const tests = rules.flatMap(({ expr }) => {
    const parsed = parseQuery(expr);
    if (!parsed.ok) return [];
    return selectorsOf(parsed.expr).map(({ matchers }) => matchers.filter(({ name }) => name === "__name__"));
  });
  return (names) =>
    tests.some(
      (matchers) => matchers.length > 0 && [...names].some((name) => matchers.every(({ matches }) => matches(name))),
    );
};
