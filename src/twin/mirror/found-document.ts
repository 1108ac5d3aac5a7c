import type { Problem } from "../../model/problem.ts";
import type { Ledger } from "../ledger.ts";
import type { FoundDocument } from "../scenario.ts";

/**
 * Tells problems of a document where they lie: fields are the file's own; where there is no file, they lie below the
 * simulation's.
 *
 * @param field of the simulation that says where the document is
 */
export const tellInside = (
  problems: readonly Problem[],
  { file }: FoundDocument,
  field: string,
  ledger: Ledger,
): void => {
  for (const problem of problems) {
    const inner = problem.field === undefined || problem.field === "" ? "" : `.${problem.field}`;
    const place = file === undefined ? { field: `${field}.inline${inner}` } : { file, field: problem.field || field };
    ledger.problems.push({ ...problem, ...place });
  }
};
