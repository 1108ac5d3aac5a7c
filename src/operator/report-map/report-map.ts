import { VERSION } from "../../model/version.ts";
import type { RunDocument } from "../../schema/run-document.ts";
import type { KubeObject } from "../../store/store.ts";
import { ownedMetadata } from "../owned-metadata.ts";
import type { Swept } from "../sweep/swept.ts";
import { type BoundedText, boundedText, type Cut, roughBytes } from "./bounded-text.ts";
import type { ReportDocuments } from "./report-maps.ts";

/** Kubernetes takes a ConfigMap of 1 MiB (MaxSecretSize of k8s.io/api 1.36, without its metadata); report and sweep have half of it each. */
const MOST_TEXT_BYTES = 512 * 1024;
const APP = "servetwin-report";
const SWEEP = "sweep.json";

/** By which the result that it holds is known again. */
const DIGEST = "servetwin.dev/input-digest";
const MADE_BY = "servetwin.dev/version";
const OMITTED = "servetwin.dev/omitted";

/**
 * Whether a ConfigMap holds this result already.
 * @param swept whether what its sweep found is at hand, and so has to be there too: at a restart it is found again later than the rest
 */
export const isReportOf = (
  { metadata: { annotations }, data, binaryData }: KubeObject,
  inputDigest: string,
  swept: boolean,
): boolean =>
  annotations?.[DIGEST] === inputDigest &&
  annotations[MADE_BY] === VERSION &&
  (!swept || SWEEP in Object(data) || `${SWEEP}.gz` in Object(binaryData));

/** What its report lacks, for people; empty: nothing. */
export const omittedIn = ({ metadata }: KubeObject): string => metadata.annotations?.[OMITTED] ?? "";

const ofScenarios = (
  { simulations, ...document }: RunDocument,
  change: (runs: RunDocument["simulations"][number]["runs"]) => RunDocument["simulations"][number]["runs"],
): RunDocument => ({ ...document, simulations: simulations.map((one) => ({ ...one, runs: change(one.runs) })) });

const REPORT_CUTS: readonly Cut<RunDocument>[] = [
  {
    what: "simulations[].runs[].syncs",
    cut: (report) => ofScenarios(report, (runs) => runs.map(({ syncs: _, ...run }) => run)),
  },
  { what: "simulations[].runs beyond the first", cut: (report) => ofScenarios(report, (runs) => runs.slice(0, 1)) },
  { what: "simulations[].runs", cut: (report) => ofScenarios(report, () => []) },
];

const MOST_TRIED = 500;
const SWEEP_CUTS: readonly Cut<{ readonly sweeps: readonly Swept[] }>[] = [
  {
    what: `sweeps[].tried beyond the best ${MOST_TRIED}`,
    cut: ({ sweeps, ...document }) => ({
      ...document,
      sweeps: sweeps.map((one) => ({ ...one, tried: one.tried.slice(0, MOST_TRIED), impossible: [] })),
    }),
  },
];

/**
 * The ConfigMap of a report, within what Kubernetes takes.
 * @param sweeps whether the simulation has a sweep: where the documents lack its result the ConfigMap says so
 * @param most bytes of each text
 * @returns undefined if it doesn't fit, whatever is left out
 */
export const reportMapOf = async (
  owner: KubeObject,
  name: string,
  inputDigest: string,
  { report, sweep }: ReportDocuments,
  sweeps: boolean,
  most = MOST_TEXT_BYTES,
): Promise<KubeObject | undefined> => {
  const roughReport = ({ simulations }: RunDocument): number =>
    simulations.reduce((sum, { runs }) => sum + roughBytes(runs), 0);
  const texts: Record<string, BoundedText | undefined> = {
    "report.json": await boundedText(report, roughReport, REPORT_CUTS, most),
  };
  if (sweep !== undefined) {
    const roughSweep = ({ sweeps }: typeof sweep): number =>
      sweeps.reduce((sum, { tried, impossible }) => sum + roughBytes(tried) + roughBytes(impossible), 0);
    texts[SWEEP] = await boundedText(sweep, roughSweep, SWEEP_CUTS, most);
  }
  const [data, binaryData, omitted]: [Record<string, string>, Record<string, string>, string[]] = [{}, {}, []];
  for (const [key, text] of Object.entries(texts)) {
    if (text === undefined) return undefined;
    if ("plain" in text) data[key] = text.plain;
    else binaryData[`${key}.gz`] = text.gzipped.toString("base64");
    omitted.push(...text.omitted.map((what) => `${what} of ${key}`));
  }
  if (sweeps && sweep === undefined) omitted.push(`${SWEEP}, which an earlier process found`);
  const annotations = {
    [DIGEST]: inputDigest,
    [MADE_BY]: VERSION,
    ...(omitted.length === 0 ? {} : { [OMITTED]: omitted.join("; ") }),
  };
  const metadata = { ...ownedMetadata(owner, APP, name), annotations };
  return { apiVersion: "v1", kind: "ConfigMap", metadata, data, binaryData };
};

/** A merge patch that makes one ConfigMap another: what only the old one has goes. */
export const patchTo = (there: KubeObject, wanted: KubeObject): unknown => {
  const gone = (field: "data" | "binaryData") =>
    Object.fromEntries(Object.keys((there[field] as object | undefined) ?? {}).map((key) => [key, null]));
  return {
    metadata: { annotations: { [OMITTED]: null, ...wanted.metadata.annotations } },
    data: { ...gone("data"), ...(wanted.data as object) },
    binaryData: { ...gone("binaryData"), ...(wanted.binaryData as object) },
  };
};
