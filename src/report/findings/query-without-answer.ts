import type { FindingRule } from "../finding-rule.ts";

const LEAST = 3;
const RARE = 0.05;

/** A scaler takes the one element of a query's answer; with none or several there is no value. */
export const queryWithoutAnswer: FindingRule = {
  name: "query-without-answer",
  summary: "a query that returns nothing, or several elements, or a metric without a value",
  look: ({ metrics }) =>
    metrics.flatMap((metric) => {
      const { field, name, syncs, missing, empty, several, mostElements } = metric;
      const failed = Math.max(missing, empty, several);
      const always = failed === syncs;
      // Before the first scrapes there is nothing to answer with.
      if (failed === 0 || (several === 0 && failed <= Math.max(LEAST, syncs * RARE))) return [];
      const of = always ? `at all of ${syncs} syncs` : `at ${failed} of ${syncs} syncs`;
      const evidence = {
        syncs,
        missing,
        ...(empty > 0 ? { empty } : {}),
        ...(several > 0 ? { several, mostElements } : {}),
      };
      const severity = always || several > 0 ? ("error" as const) : ("warning" as const);
      if (several >= empty && several > 0) {
        return {
          severity,
          field,
          message: `the query of ${name} returned up to ${mostElements} elements ${of}; one is what a scaler takes`,
          evidence,
          fix: "aggregate it to one element: sum(…), or a selector that leaves one series",
        };
      }
      return {
        severity,
        field,
        message:
          empty > 0 && missing === 0
            ? `the query of ${name} returned nothing ${of}, which was taken for 0`
            : `${name} had no value ${of}, so that the loop could not go by it`,
        evidence,
        fix: always
          ? "check the metric's name, its labels, and whether anything scrapes it"
          : 'give the query a value where nothing matches, such as "or vector(0)", if 0 is what that means',
      };
    }),
};
