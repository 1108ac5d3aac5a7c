import { duration, plain } from "./amount.ts";
import { whole } from "./digits.ts";
import { html, type Markup } from "./html.ts";
import { section } from "./section.ts";
import type { FindingView, RunView, SyncTimelineView, SyncView } from "./view.ts";

const FINDINGS_SHOWN = 20;
const SYNCS_SHOWN = 100;

/** What is wrong with the autoscalers, and what they did sync by sync; of the first run. */
export const loopSections = ([first]: readonly RunView[]): (Markup | undefined)[] => {
  const { findings = [], syncs = [] } = first ?? {};
  return [
    section("findings", "Findings", findings.length, () => findingTable(findings), true),
    section(
      "syncs",
      "Syncs",
      syncs.reduce((sum, one) => sum + one.syncs, 0),
      () => html`${syncs.map(syncTable)}`,
    ),
  ];
};

const TONE: Readonly<Record<string, string>> = { error: "bad", warning: "warn" };

const findingTable = (findings: readonly FindingView[]): Markup =>
  html`<div class="wide"><table class="stack"><tr><th></th><th>at</th><th>what</th><th>better</th></tr>${findings
    .slice(0, FINDINGS_SHOWN)
    .map(
      ({ severity, object, field, message, evidence, fix }) =>
        html`<tr><td><span class="badge ${TONE[severity]}">${severity}</span></td><td>${object} <code>${field}</code></td><td>${message}<br><span class="soft">${evidenceText(evidence)}</span></td><td>${fix}</td></tr>`,
    )}</table></div>${more(findings.length - FINDINGS_SHOWN)}`;

const evidenceText = (evidence: FindingView["evidence"]): string =>
  Object.entries(evidence)
    .map(([name, value]) => `${name} ${plain(value)}`)
    .join(", ");

/** Syncs that changed the replicas; where there is none, the first of all. */
const syncTable = ({ autoscaler, syncs, rows, leftOut }: SyncTimelineView): Markup => {
  const changes = rows.filter(({ currentReplicas, desiredReplicas }) => currentReplicas !== desiredReplicas);
  const shown = (changes.length > 0 ? changes : rows).slice(0, SYNCS_SHOWN);
  return html`<h3>${autoscaler}</h3><p class="message">${whole(syncs)} syncs, ${whole(shown.length)} of them here; the JSON has ${whole(rows.length)}, without ${whole(leftOut.unchanged)} that changed nothing and ${whole(leftOut.changed)} that did.</p>
<div class="wide"><table><tr><th>at</th><th>metrics</th><th class="number">asked</th><th class="number">stabilised</th><th>limit</th><th class="number">replicas</th><th>reason</th></tr>${shown.map(syncRow)}</table></div>`;
};

const syncRow = (sync: SyncView): Markup =>
  html`<tr><td>${duration(sync.atSeconds)}</td><td>${sync.metrics.map(metricText).join("; ")}</td><td class="number">${sync.proposal}</td><td class="number">${sync.stabilised}</td><td>${sync.limitedBy}</td><td class="number">${sync.currentReplicas} → ${sync.desiredReplicas}</td><td>${sync.error ?? sync.reason}</td></tr>`;

const metricText = ({ name, seen, truth, target }: SyncView["metrics"][number]): string =>
  `${name} ${seen === undefined ? "no data" : plain(seen)} / ${plain(target)}${truth === undefined ? "" : ` (truly ${plain(truth)})`}`;

const more = (count: number): Markup | undefined =>
  count <= 0 ? undefined : html`<p class="message">${count} more; the JSON has them all.</p>`;
