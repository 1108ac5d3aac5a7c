import { readFileSync } from "node:fs";
import { expose } from "../../src/exporter/exposition.ts";
import type { MetricFamily } from "../../src/model/metric-family.ts";
import { NOT_SIMULATED } from "../../src/report/not-simulated.ts";
import { parse } from "./parse.ts";

const OTHERS = new Set(NOT_SIMULATED.filter(({ source }) => source === "KEDA").flatMap(({ names }) => names));

/** Families of KEDA on a page as text, but those that are told as not simulated: name, type, labels, help. */
export const kedaFamilies = (page: string): readonly string[] => {
  const lines = page.split("\n").filter((line) => /^(# (HELP|TYPE) )?keda_/.test(line));
  return parse(`${lines.join("\n")}\n`, "text")
    .filter(({ name }) => !OTHERS.has(name))
    .map(({ name, type, help, samples }) => {
      const labels = [...new Set(samples.flatMap((sample) => Object.keys(sample.labels)))].sort();
      return `${name} ${type} ${labels.join(",")} ${help}`;
    })
    .sort();
};

export const pageOf = async (families: readonly MetricFamily[]): Promise<string> => {
  let page = "";
  for await (const chunk of expose(families, "text")) page += chunk;
  return page;
};

/** As KEDA's source has them. */
export const KEDA_FAMILIES: readonly string[] = readFileSync(new URL("keda-families.txt", import.meta.url), "utf8")
  .split("\n")
  .filter((row) => row !== "" && !row.startsWith("#"));
