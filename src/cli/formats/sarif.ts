import { VERSION } from "../../model/version.ts";
import { findingRules } from "../../report/findings/index.ts";
import { hash32 } from "../../sim/rng.ts";
import type { Answer, Format, Located } from "../format.ts";
import type { FindingChange, Previewed } from "../preview/previewed.ts";
import { goalBound, goalName, intervalText } from "../preview/verdict.ts";

/** Findings and missed objectives at the lines of the manifests that they are about (SARIF 2.1.0, as code scanning of GitHub and GitLab reads it). */
export const sarif: Format = {
  name: "sarif",
  summary: "SARIF, for code scanning: findings at the line of the manifest",
  compare: (answer) => `${JSON.stringify(documentOf(answer), null, 2)}\n`,
};

const RULES = [
  ...findingRules.map(({ name, summary }) => ({ id: name, summary })),
  { id: "objective-not-met", summary: "with the change an objective of the simulation is not met" },
  { id: "service-worse", summary: "with the change the service is worse than today, and no objective is said" },
];

const documentOf = (answer: Answer) => ({
  $schema: "https://json.schemastore.org/sarif-2.1.0.json",
  version: "2.1.0",
  runs: [
    {
      tool: {
        driver: {
          name: "servetwin",
          semanticVersion: VERSION,
          rules: RULES.map(({ id, summary }) => ({ id, shortDescription: { text: summary } })),
        },
      },
      columnKind: "utf16CodeUnits",
      results: answer.previews.flatMap((preview) => [
        ...preview.findings
          .filter(({ change }) => change !== "gone")
          .map((finding) => findingResult(finding, preview, answer)),
        ...goalResults(preview, answer),
      ]),
    },
  ],
});

const LEVELS = { error: "error", warning: "warning", info: "note" } as const;

const findingResult = (finding: FindingChange, preview: Previewed, answer: Answer) => {
  const { name, severity, object, field, message, fix, change } = finding;
  return result({
    rule: name,
    level: LEVELS[severity],
    text: `${message}. Better: ${fix}. (${change === "new" ? "The change brings it" : "It is so today"}; simulated, ${preview.name}.)`,
    subject: `${preview.name} ${object} ${field ?? ""}`,
    place: answer.locate(object, field) ?? changedPlace(answer),
  });
};

const goalResults = (preview: Previewed, answer: Answer) =>
  preview.comparison.goals.flatMap((goal, i) => {
    const bounded = goal.met !== undefined;
    const missed = bounded ? goal.met?.change === "not met" : goal.verdict === "worse" && goal.metric !== "gpuHours";
    if (!missed) return [];
    const interval = intervalText(goal, goal);
    const own = answer.locate(`InferenceSimulation/${preview.name}`, `spec.objectives[${i}]`);
    return [
      result({
        rule: bounded ? "objective-not-met" : "service-worse",
        level: "error",
        text: `${goalName(goal)} ${goalBound(goal)}`
          .trim()
          .concat(
            bounded ? ` is not met with the change, today ${goal.met?.baseline}` : " is worse with the change",
            interval === "" ? "" : ` (${interval})`,
            `. (Simulated, ${preview.name}.)`,
          ),
        subject: `${preview.name} ${goalName(goal)}`,
        // What is to be mended is the change.
        place: changedPlace(answer) ?? own,
      }),
    ];
  });

const changedPlace = ({ objects, locate }: Answer): Located | undefined =>
  objects.map((object) => locate(object)).find((place) => place !== undefined);

interface Result {
  readonly rule: string;
  readonly level: "error" | "warning" | "note";
  readonly text: string;
  /** Tells it from others of its rule, wherever the line moves. */
  readonly subject: string;
  readonly place: Located | undefined;
}

const result = ({ rule, level, text, subject, place }: Result) => ({
  ruleId: rule,
  ruleIndex: RULES.findIndex(({ id }) => id === rule),
  level,
  message: { text },
  ...(place === undefined
    ? {}
    : {
        locations: [
          {
            physicalLocation: {
              artifactLocation: { uri: uriOf(place.file), uriBaseId: "%SRCROOT%" },
              region: { startLine: place.line },
            },
          },
        ],
      }),
  partialFingerprints: { "servetwin/v1": hash32(`${rule} ${subject}`).toString(16).padStart(8, "0") },
});

const uriOf = (file: string): string => file.split("/").map(encodeURIComponent).join("/");
