import { percent, plain } from "./amount.ts";
import { whole } from "./digits.ts";
import { html, type Markup } from "./html.ts";
import { section } from "./section.ts";
import type { SimulationDetail, SweepSummaryView } from "./view.ts";

/** What spec.sweep found: the best first, and the change that is recommended. */
export const sweepSection = ({ namespace, sweep }: SimulationDetail): Markup | undefined =>
  section(
    "sweep",
    "Sweep",
    sweep?.best.length ?? 0,
    () => (sweep === undefined ? html`` : found(sweep, namespace)),
    true,
  );

const found = (sweep: SweepSummaryView, namespace: string): Markup => {
  const { parameters, combinations, tried, impossible, best } = sweep;
  return html`<p class="message">${whole(tried)} of ${whole(combinations)} combinations tried${
    impossible === 0 ? undefined : html`, ${whole(impossible)} more can't be simulated`
  }. The best first; * no other attains more for less.</p>
<div class="wide" tabindex="0" role="region" aria-label="Combinations"><table><tr>${parameters.map((name) => html`<th scope="col">${name}</th>`)}<th scope="col" class="number">attained</th><th scope="col" class="number">cost</th><th scope="col">objectives</th><th scope="col" class="number">replications</th><th scope="col">frontier</th></tr>${best.map(row)}</table></div>
${recommendation(sweep, namespace)}`;
};

const row = ({
  values,
  attainmentRatio,
  cost,
  costUnit,
  violation,
  replications,
  frontier,
}: SweepSummaryView["best"][number]): Markup =>
  html`<tr>${values.map((value) => html`<td><code>${value}</code></td>`)}<td class="number">${percent(attainmentRatio)}</td><td class="number">${plain(cost)}${costUnit === "gpuHours" ? " GPU-hours" : undefined}</td><td>${
    violation === 0
      ? html`<span class="badge good">met</span>`
      : html`<span class="badge bad">missed by ${percent(violation)}</span>`
  }</td><td class="number">${whole(replications)}</td><td>${frontier ? "*" : undefined}</td></tr>`;

const recommendation = ({ recommended }: SweepSummaryView, namespace: string): Markup => {
  if (recommended === undefined) return html`<p class="message alert bad">None of them meets the objectives.</p>`;
  const { object, mergePatch, patches } = recommended;
  const [kind = "", , name = ""] = object?.split("/") ?? [];
  if (mergePatch !== undefined) {
    const quoted = mergePatch.replaceAll("'", "'\\''");
    return html`<p class="message">Recommended:</p><pre>kubectl patch ${kind.toLowerCase()} ${name} -n ${namespace} --type=merge -p '${quoted}'</pre>`;
  }
  return html`<p class="message">Recommended, as <code>spec.candidates[].patches</code> takes it:</p><pre>${patches ?? "too long to show; the JSON of the sweep has it"}</pre>`;
};
