import { answerBlocks } from "../answer-blocks.ts";
import type { Block, Chart } from "../blocks.ts";
import type { Format } from "../format.ts";
import { outcomeBlocks } from "../outcome-blocks.ts";

/** GitHub and GitLab draw the charts themselves, as SVG: neither shows a picture that stands inside the text. */
export const markdown: Format = {
  name: "markdown",
  summary: "for pull requests and job summaries of GitHub and GitLab; charts are Mermaid's",
  print: (outcomes) => markdownOf(outcomeBlocks(outcomes)),
  compare: (answer) => markdownOf(answerBlocks(answer)),
};

export const markdownOf = (blocks: readonly Block[]): string => `${blocks.map(blockText).join("\n\n")}\n`;

const blockText = (block: Block): string => {
  switch (block.kind) {
    case "heading":
      return `${"#".repeat(block.level)} ${plain(block.text)}`;
    case "text":
      return block.strong === true ? `**${plain(block.text)}**` : plain(block.text);
    case "list":
      return block.items.map((item) => `- ${plain(item)}`).join("\n");
    case "table":
      return tableText(block);
    case "chart":
      return chartText(block);
    default:
      return block satisfies never;
  }
};

const tableText = ({ head, rows, words }: Extract<Block, { kind: "table" }>): string => {
  const line = (cells: readonly string[]): string => `| ${cells.map(plain).join(" | ")} |`;
  const rule = head.map((_, i) => (words.includes(i) ? ":--" : "--:"));
  return [line(head), `| ${rule.join(" | ")} |`, ...rows.map(line)].join("\n");
};

/** Names come from manifests: none of them may become a link, a mention, HTML or the end of a table's cell. */
const plain = (text: string): string =>
  text
    .replace(/\s+/g, " ")
    .replace(/[\\`*_[\]<>|~#]/g, (mark) => `\\${mark}`)
    .replaceAll("@", "@\u200b");

/** More can't be told apart, and pages grow with them. */
const MOST_POINTS = 60;

/** Source: Mermaid's xychart (v10.3 and later), which both hosts render. The colours are told in words, since there is no legend. */
const chartText = (chart: Chart): string => {
  const { title, lines, atSeconds, bucketSeconds } = chart;
  const drawn = lines.map(({ values }) => stretches(values));
  const end = ((atSeconds.at(-1) ?? 0) + bucketSeconds) / 3600;
  const top = Math.max(...drawn.flat(), 0);
  const names = lines.map(({ name }, i) => `${COLOURS[i]?.name ?? "another line"}: ${name}`).join(", ");
  return [
    "```mermaid",
    `%%{init: {"themeVariables": {"xyChart": {"plotColorPalette": "${COLOURS.map(({ code }) => code).join(", ")}"}}}}%%`,
    "xychart-beta",
    `  title "${title.replaceAll('"', "'")}"`,
    `  x-axis "hours" 0 --> ${short(end)}`,
    `  y-axis 0 --> ${short(top === 0 ? 1 : top * 1.05)}`,
    ...drawn.map((values) => `  line [${values.map(short).join(", ")}]`),
    "```",
    "",
    plain(names),
  ].join("\n");
};

/** Readable on white and on black, and for the colour-blind. */
const COLOURS = [
  { name: "grey", code: "#8c8c8c" },
  { name: "blue", code: "#2f81f7" },
  { name: "orange", code: "#d97b29" },
  { name: "green", code: "#2da44e" },
];

/** The highest of each stretch, so that no spike is lost. */
const stretches = (values: readonly number[]): readonly number[] => {
  const per = Math.max(1, Math.ceil(values.length / MOST_POINTS));
  return Array.from({ length: Math.ceil(values.length / per) }, (_, i) =>
    Math.max(...values.slice(i * per, (i + 1) * per)),
  );
};

const short = (value: number): string => String(Number(value.toPrecision(4)));
