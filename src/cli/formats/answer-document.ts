import { VERSION } from "../../model/version.ts";
import type { Report } from "../../report/report.ts";
import type { AnswerDocument } from "../../schema/answer-document.ts";
import type { Answer } from "../format.ts";
import { answerOf, verdictSentence } from "../preview/verdict.ts";

/** What the formats for machines say of a change; of the runs only the first of each side is told in full. */
export const documentOfAnswer = ({ objects, previews, leftOut }: Answer): AnswerDocument => ({
  servetwin: VERSION,
  simulated: true,
  objects,
  simulations: previews.map((preview) => {
    const { name, values, comparison, kpis, findings, seeds, budget, first } = preview;
    const [baseline, change] = first;
    const answer = answerOf(preview);
    return {
      simulation: name,
      answer,
      sentence: verdictSentence(preview),
      values,
      comparison,
      kpis,
      findings,
      seeds,
      budget,
      runs: { baseline: told(baseline), change: told(change) },
    };
  }),
  leftOut,
});

/** Metric families are for Prometheus. */
const told = ({ families: _, ...report }: Report) => report;
