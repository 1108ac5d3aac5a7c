import { html, type Markup } from "./html.ts";

/** A card that folds; none where `count` is 0. */
export const section = (
  id: string,
  title: string,
  count: number | undefined,
  body: () => Markup,
  open = false,
): Markup | undefined => {
  if (count === 0) return undefined;
  const many = count === undefined ? "" : ` (${count})`;
  const content = html`<summary>${title}<span class="soft">${many}</span></summary>${body()}`;
  return open
    ? html`<section class="card"><details id="${id}" open>${content}</details></section>`
    : html`<section class="card"><details id="${id}">${content}</details></section>`;
};
