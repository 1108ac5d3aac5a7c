import type { SimulationStatus } from "../../schema/simulation-status.ts";
import type { Swept, Tried } from "./swept.ts";

type SweepStatus = NonNullable<SimulationStatus["sweep"]>;

const MOST_ROWS = 20;
const MOST_PATCH = 16_384;

/** What an object's status says of a sweep that has ended; the API has it all. Figures are rounded, as all of a status. */
export const sweepStatus = ({ parameters, combinations, tried, impossible, recommended }: Swept): SweepStatus => {
  // The frontier can be longer than there is room; its best come first as well.
  const rows = [...tried.filter(({ frontier }) => frontier).slice(0, MOST_ROWS / 2), ...tried];
  const shown = new Set(rows.slice(0, MOST_ROWS));
  return {
    parameters: parameters.map((parameter) => parameter.slice(0, 1536)),
    combinations,
    tried: tried.length,
    impossible: impossible.length,
    best: tried.filter((one) => shown.has(one)).map(rowOf),
    ...(recommended === undefined
      ? {}
      : {
          recommended: {
            values: recommended.values.map(textOf),
            ...short("patches", recommended.patches),
            ...(recommended.mergePatch === undefined
              ? {}
              : { object: recommended.mergePatch.object, ...short("mergePatch", recommended.mergePatch.patch) }),
          },
        }),
  };
};

const rowOf = ({ values, score, replications, frontier }: Tried): SweepStatus["best"][number] => ({
  values: values.map(textOf),
  attainmentRatio: rounded(score.attainment),
  cost: rounded(score.cost),
  costUnit: score.costUnit,
  violation: rounded(score.violation),
  replications,
  frontier,
});

const textOf = (value: unknown): string => JSON.stringify(value).slice(0, 128);
const rounded = (value: number): number => Number(value.toPrecision(6));

/** A patch that was cut off would be another patch. */
const short = <K extends string>(name: K, value: unknown): { readonly [N in K]?: string } => {
  const text = JSON.stringify(value);
  return (text.length > MOST_PATCH ? {} : { [name]: text }) as { readonly [N in K]?: string };
};
