import type { FindingRule } from "../finding-rule.ts";

export const scaleInAbortsStreams: FindingRule = {
  name: "scale-in-aborts-streams",
  summary: "streams cut since their replica was scaled in",
  look: ({ kpis: { streamsAbortedAtScaleIn: streams } }) =>
    streams === 0
      ? []
      : [
          {
            severity: "error",
            message: `scale-in cut ${streams} ${streams === 1 ? "stream" : "streams"} whose clients were still reading`,
            evidence: { streams },
            fix: "let pods drain: a terminationGracePeriodSeconds and an engine shutdown time-out longer than the longest answers, and a preStop that waits until the gateway has left the pod out",
          },
        ],
};
