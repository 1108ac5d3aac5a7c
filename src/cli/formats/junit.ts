import type { Answer, Format, Outcome } from "../format.ts";
import { goalBound, goalName, intervalText, verdictSentence } from "../preview/verdict.ts";
import { xmlText } from "./xml.ts";

/** A suite per simulation, a case per objective; what is inconclusive is skipped, with why. */
export const junit: Format = {
  name: "junit",
  summary: "JUnit XML, for CI: a test case per objective",
  print: (outcomes) => document(outcomes.map(outcomeSuite)),
  compare: (answer) => document(answerSuites(answer)),
};

interface Case {
  readonly name: string;
  readonly result: "passed" | "failed" | "skipped";
  readonly message: string;
}

interface Suite {
  readonly name: string;
  readonly cases: readonly Case[];
  readonly told: string;
}

const answerSuites = ({ previews, leftOut }: Answer): readonly Suite[] => [
  ...previews.map((preview): Suite => {
    const cases = preview.comparison.goals.map((goal): Case => {
      const asked =
        goal.met?.change ?? (goal.verdict === "worse" && goal.metric !== "gpuHours" ? "not met" : goal.verdict);
      const message = [
        `${goalName(goal)} ${goalBound(goal)}`.trim(),
        goal.met === undefined ? "" : `with the change ${goal.met.change}, today ${goal.met.baseline}`,
        `against today ${goal.verdict} ${intervalText(goal, goal)}`.trim(),
      ];
      return {
        name: `${goalName(goal)} ${goalBound(goal)}`.trim(),
        result: asked === "not met" ? "failed" : asked === "inconclusive" ? "skipped" : "passed",
        message: message.filter((part) => part !== "").join("; "),
      };
    });
    return { name: preview.name, cases, told: verdictSentence(preview) };
  }),
  ...leftOut.map(
    ({ simulation, why }): Suite => ({
      name: simulation,
      cases: [{ name: "left out", result: "skipped", message: `${simulation} ${why}` }],
      told: "",
    }),
  ),
];

const RESULTS = { Passed: "passed", Failed: "failed", Inconclusive: "skipped" } as const;

const outcomeSuite = ({ simulation, scenario, objectives }: Outcome): Suite => ({
  name: `${simulation} ${scenario}`,
  cases: objectives.map(({ metric, percentile, sloClass, atMost, atLeast, observed, verdict }) => {
    const name = goalName({ metric, percentile, sloClass });
    const bound = goalBound({ metric, atMost, atLeast });
    return {
      name: `${name} ${bound}`,
      result: RESULTS[verdict],
      message: `${verdict}: ${observed === undefined ? "no data" : `mean ${observed.mean}`}`,
    };
  }),
  told: "",
});

/** Source: the JUnit schema that Jenkins and GitLab read (testsuites, testsuite, testcase, failure, skipped). No times: the same result, the same bytes. */
const document = (suites: readonly Suite[]): string => {
  const count = (result: Case["result"], among: readonly Suite[] = suites): number =>
    among.flatMap(({ cases }) => cases).filter((one) => one.result === result).length;
  const total = suites.flatMap(({ cases }) => cases).length;
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites name="servetwin" tests="${total}" failures="${count("failed")}" skipped="${count("skipped")}">`,
    ...suites.flatMap((suite) => [
      `  <testsuite name="${xmlText(suite.name)}" tests="${suite.cases.length}" failures="${count("failed", [suite])}" skipped="${count("skipped", [suite])}">`,
      ...suite.cases.flatMap((one) => caseLines(one, suite.name)),
      ...(suite.told === "" ? [] : [`    <system-out>${xmlText(suite.told)}</system-out>`]),
      "  </testsuite>",
    ]),
    "</testsuites>",
    "",
  ].join("\n");
};

const caseLines = ({ name, result, message }: Case, suite: string): readonly string[] => {
  const open = `    <testcase classname="${xmlText(suite)}" name="${xmlText(name)}"`;
  if (result === "passed") return [`${open}/>`];
  const tag = result === "failed" ? "failure" : "skipped";
  return [`${open}>`, `      <${tag} message="${xmlText(message)}"/>`, "    </testcase>"];
};
