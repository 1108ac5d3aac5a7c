import { html, type Markup } from "./html.ts";
import type { DerivationView } from "./view.ts";

/** What every object and field became, as folds: one per object, open. Works with the keyboard and without scripts. */
export const derivation = (derivations: readonly DerivationView[]): Markup =>
  html`<ul class="tree">${derivations.map(
    ({ source, fields }) =>
      html`<li><details id="from-${source}" open><summary><code>${source}</code> <span class="soft">${fields.length} ${
        fields.length === 1 ? "field" : "fields"
      }</span></summary><ul>${fields.map(fieldOf)}</ul></details></li>`,
  )}</ul>`;

const fieldOf = ({ field, values }: DerivationView["fields"][number]): Markup =>
  html`<li><code>${field}</code>${
    values.length === 1
      ? html` → ${values.map(valueOf)}`
      : html`<ul>${values.map((one) => html`<li>→ ${valueOf(one)}</li>`)}</ul>`
  }</li>`;

const valueOf = ({ path, value }: DerivationView["fields"][number]["values"][number]): Markup =>
  html`${path} = <strong><code>${value}</code></strong>`;
