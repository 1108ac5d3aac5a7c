import { readFileSync } from "node:fs";
import { Markup, html as markup } from "../../server/html.ts";
import { answerBlocks } from "../answer-blocks.ts";
import type { Block, Chart } from "../blocks.ts";
import type { Format } from "../format.ts";
import { outcomeBlocks } from "../outcome-blocks.ts";
import { threadsFolder } from "../threads.ts";
import { CHART_SCRIPT, REPORT_STYLE } from "./html-parts.ts";

/** One file that needs nothing else: no network, light and dark, and charts (uPlot) that zoom and tell values. */
export const html: Format = {
  name: "html",
  summary: "a page of its own, with charts that zoom; it loads nothing",
  print: (outcomes) => pageOf("servetwin run", outcomeBlocks(outcomes)),
  compare: (answer) => pageOf("servetwin preview", answerBlocks(answer)),
};

const pageOf = (title: string, blocks: readonly Block[]): string => {
  const charts = blocks.filter((block) => block.kind === "chart");
  const parts = blocks.map((block) =>
    block.kind === "chart" ? figure(block, charts.indexOf(block)) : blockMarkup(block),
  );
  return `${
    markup`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'">
<title>${title}</title>
<style>${new Markup(asset("uPlot.min.css"))}${new Markup(REPORT_STYLE)}</style>
</head>
<body>
<main>
${parts.flatMap((part) => [part, new Markup("\n")])}
</main>
<script type="application/json" id="charts">${new Markup(scriptJson(charts.map(dataOf)))}</script>
<script>${new Markup(asset("uPlot.iife.min.js"))}</script>
<script>${new Markup(CHART_SCRIPT)}</script>
</body>
</html>`.text
  }\n`;
};

const blockMarkup = (block: Exclude<Block, Chart>): Markup => {
  switch (block.kind) {
    case "heading":
      return new Markup(`<h${block.level}>${markup`${block.text}`.text}</h${block.level}>`);
    case "text":
      return block.strong === true ? markup`<p class="verdict">${block.text}</p>` : markup`<p>${block.text}</p>`;
    case "list":
      return markup`<ul>${block.items.map((item) => markup`<li>${item}</li>`)}</ul>`;
    case "table":
      return table(block);
    default:
      return block satisfies never;
  }
};

const table = ({ head, rows, words }: Extract<Block, { kind: "table" }>): Markup => {
  const kind = (i: number): string => (words.includes(i) ? "word" : "figure");
  return markup`<div class="wide"><table><thead><tr>${head.map((cell, i) => markup`<th class="${kind(i)}" scope="col">${cell}</th>`)}</tr></thead>
<tbody>${rows.map((row) => markup`<tr>${row.map((cell, i) => markup`<td class="${kind(i)}">${cell}</td>`)}</tr>`)}</tbody></table></div>`;
};

/** What it shows is told in words too: scripts may be off, and not everybody sees. */
const figure = ({ title, lines }: Chart, index: number): Markup => {
  const told = lines.map(({ name, values }) => `${name}: highest ${Math.max(0, ...values).toPrecision(4)}`).join("; ");
  return markup`<figure><figcaption>${title}</figcaption><div class="chart" data-chart="${index}" role="img" aria-label="${title}. ${told}"></div></figure>`;
};

const dataOf = ({ title, atSeconds, lines, steps }: Chart) => ({
  title,
  steps,
  names: lines.map(({ name }) => name),
  // A latency of zero means that nothing was measured: the line is broken there.
  data: [
    atSeconds.map((at) => at / 3600),
    ...lines.map(({ values }) => values.map((value) => (!steps && value === 0 ? null : value))),
  ],
});

/** JSON that can't end the script that it stands in. */
const scriptJson = (value: unknown): string => JSON.stringify(value).replaceAll("<", "\\u003c");

/** Laid beside the bundle when it was built. */
const asset = (name: string): string =>
  readFileSync(new URL(`assets/${name}`, threadsFolder(import.meta.url)), "utf8").trim();
