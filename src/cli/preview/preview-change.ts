import { dirname } from "node:path";
import { objectText } from "../../model/object-text.ts";
import { describeProblem, type Problem } from "../../model/problem.ts";
import { KIND } from "../../schema/resource.ts";
import type { StoredObject } from "../../store/store.ts";
import type { PreviewPool } from "../../worker/pool.ts";
import { commandPool } from "../command-pool.ts";
import { BadInput, EXIT, type ExitCode, usageError } from "../exit.ts";
import type { Answer } from "../format.ts";
import { limitsOf } from "../limit-options.ts";
import { candidateChange } from "./candidate-change.ts";
import {
  type ComparedParts,
  type ComparedSimulation,
  type LeftOut,
  type Looked,
  look,
  platformsAfter,
  writtenSimulations,
} from "./compared-simulations.ts";
import { locator } from "./locate.ts";
import { type ChangedObject, changedObjects, identityOf, nameOf, withApplied } from "./objects.ts";
import type { PreviewCommandOptions } from "./options.ts";
import { clusterPlace, folderPlace, type Place } from "./place.ts";
import { rendered } from "./rendered.ts";
import { runPreviews } from "./run-previews.ts";
import { bareSimulation, PLACEHOLDER, saidOtherwise, traceFolder, trafficOf } from "./traffic.ts";
import { exitOfPreviews } from "./verdict.ts";

/** What `servetwin preview` prints, and its exit code. @param pool is closed in the end @throws BadInput, TimedOut */
export const previewChange = async (
  options: PreviewCommandOptions,
  pool: PreviewPool = commandPool(options.threads),
): Promise<{ readonly answer: Answer; readonly exitCode: ExitCode }> => {
  let place: Place | undefined;
  try {
    const { said, texts } = saidBy(options.filename);
    askedFor(said, options);
    place = await placeOf(said, options);
    for (const warning of place.warnings) process.stderr.write(`warning: ${describeProblem(warning)}\n`);
    const parts = await partsOf(said, place, options);
    const changed = changedObjects(parts.before.objects, parts.after.objects);
    const objects = changed.map(objectOf);
    const locate = locator(parts.after.objects, new Map([...place.texts, ...texts]));
    if (changed.length === 0) {
      process.stderr.write("note: what -f says is there already: nothing would change\n");
      return { answer: { objects, previews: [], leftOut: [], locate }, exitCode: EXIT.met };
    }
    const { compared, leftOut } = await concerned(changed, parts, options);
    for (const warning of new Set(compared.flatMap(({ warnings }) => warnings.map(describeProblem))))
      process.stderr.write(`warning: ${warning}\n`);
    const previews = await runPreviews(compared, {
      pool,
      budget: options.budget,
      threads: options.threads,
      maxTraceBytes: parts.limits.maxTraceBytes,
      ...(options.timeout === undefined ? {} : { timeoutSeconds: options.timeout }),
    });
    return { answer: { objects, previews, leftOut, locate }, exitCode: exitOfPreviews(previews) };
  } finally {
    place?.close();
    await pool.close();
  }
};

/** What -f says, with the texts of its files. @throws BadInput */
const saidBy = (
  paths: readonly string[],
): { readonly said: readonly StoredObject[]; readonly texts: ReadonlyMap<string, string> } => {
  const read = paths.map((path) => rendered(path));
  const first = new Map<string, StoredObject>();
  const said = read.flatMap(({ objects }) => objects);
  for (const one of said) {
    const other = first.get(identityOf(one.object));
    if (other !== undefined) {
      const places = `${other.file}:${other.line} and ${one.file}:${one.line}`;
      throw usageError(`${nameOf(one.object)} is said twice, in ${places}`, "remove one of them");
    }
    first.set(identityOf(one.object), one);
  }
  return { said, texts: new Map(read.flatMap(({ texts }) => [...texts])) };
};

/** @throws BadInput unless manifests or a candidate are the change, one of them */
const askedFor = (said: readonly StoredObject[], { candidate, filename }: PreviewCommandOptions): void => {
  const manifest = said.find(({ object }) => object.kind !== KIND);
  if (candidate === undefined && manifest === undefined)
    throw usageError(
      filename.length === 0
        ? "nothing changes: neither -f nor --candidate was given"
        : "nothing changes: -f holds no manifest of the platform",
      "give the changed HPA, Deployment, … with -f, or name a candidate of the InferenceSimulation with --candidate",
    );
  if (candidate !== undefined && manifest !== undefined)
    throw usageError(
      `--candidate was given, and -f says ${nameOf(manifest.object)}`,
      "choose one: a candidate is a change of what is there already (--manifests, or the cluster)",
    );
};

/** A cluster is asked for the namespaces of what was said; of a simulation's name alone, for the one before its slash. */
const placeOf = (
  said: readonly StoredObject[],
  { manifests: path, kubeconfig, context, simulation = "" }: PreviewCommandOptions,
): Place | Promise<Place> => {
  if (path !== undefined && kubeconfig !== undefined)
    throw usageError("--manifests and --kubeconfig were both given", "choose one");
  if (path !== undefined) return folderPlace(path);
  const changed = said.filter(({ object }) => object.kind !== KIND);
  const asked = (changed.length > 0 ? changed : said).map(({ object }) => object.metadata.namespace ?? "default");
  const [own] = simulation.includes("/") ? simulation.split("/") : ["default"];
  const namespaces = [...new Set(asked.length > 0 ? asked : [own ?? "default"])];
  return clusterPlace(namespaces, {
    ...(kubeconfig === undefined ? {} : { kubeconfig }),
    ...(context === undefined ? {} : { context }),
  });
};

/** Simulations that -f brings count on both sides: they are the question, not the change. */
const partsOf = async (
  said: readonly StoredObject[],
  place: Place,
  options: PreviewCommandOptions,
): Promise<ComparedParts> => {
  const simulations = said.filter(({ object }) => object.kind === KIND);
  const brought = new Set(simulations.map(({ object }) => identityOf(object)));
  const own = place.objects.filter(({ object }) => !brought.has(identityOf(object)));
  const [file = "-"] = options.filename;
  const folder =
    traceFolder(options) ??
    (simulations.length > 0 && file !== "-" ? (rendered(file).folder ?? dirname(file)) : place.beyond.folder);
  const beyond = { ...place.beyond, ...(folder === undefined ? {} : { folder }) };
  const parts: ComparedParts = {
    before: { objects: [...simulations, ...own], beyond },
    after: { objects: withApplied(place, said), beyond },
    limits: limitsOf(options),
    // What the user names himself, he allows.
    allowedUrls: [...options.allowUrl, ...(options.prometheus === undefined ? [] : [options.prometheus])],
    tokens: options.prometheusTokenFile,
  };
  const { candidate } = options;
  return candidate === undefined ? parts : { ...parts, ...(await candidateChange(candidate, options, parts)) };
};

const objectOf = ({ before, after }: ChangedObject): string => nameOf((after ?? (before as StoredObject)).object);

interface Concerned {
  readonly compared: readonly ComparedSimulation[];
  readonly leftOut: readonly LeftOut[];
}

/** The simulations that the change means something to: those that are written, else of the platforms that read what changes. */
const concerned = async (
  changed: readonly ChangedObject[],
  parts: ComparedParts,
  options: PreviewCommandOptions,
): Promise<Concerned> => {
  const names = new Set(changed.map(objectOf));
  const written = writtenSimulations(parts, options.simulation);
  if (options.simulation !== undefined && written.length === 0) {
    const there = writtenSimulations(parts, undefined).map(({ said }) => said.object.metadata.name);
    throw usageError(
      `there is no InferenceSimulation ${options.simulation}`,
      `there is: ${there.join(", ") || "none"}`,
    );
  }
  const looked: Looked[] = [];
  for (const { said, before } of written) {
    const then = before === undefined ? undefined : saidOtherwise(before, options);
    looked.push(await look(saidOtherwise(said, options), then, parts));
  }
  const found = sorted(looked, names);
  if (found.compared.length > 0 || looked.some((one) => one.kind === "unchanged" && touchesAny(one, names)))
    return found;
  const unreadable = looked.flatMap((one) => (one.kind === "unreadable" ? one.problems : []));
  if (unreadable.length > 0) throw new BadInput(unreadable);
  if (options.simulation !== undefined) return found;
  const unwritten = await unwrittenPlatforms(changed, names, parts, options);
  if (unwritten === undefined) throw new BadInput(changed.map(notMirrored));
  return { ...unwritten, leftOut: [...found.leftOut, ...unwritten.leftOut] };
};

/** @throws BadInput if the change breaks any */
const sorted = (looked: readonly Looked[], names: ReadonlySet<string>): Concerned => {
  const broken = looked.flatMap((one) => (one.kind === "broken" ? one.problems : []));
  if (broken.length > 0) throw new BadInput(broken);
  return {
    compared: looked.flatMap((one) => (one.kind === "changed" ? [one.compared] : [])),
    leftOut: looked.flatMap((one) =>
      "left" in one && (one.kind !== "unchanged" || touchesAny(one, names)) ? [one.left] : [],
    ),
  };
};

const touchesAny = (looked: Looked, names: ReadonlySet<string>): boolean =>
  "touches" in looked && looked.touches.some((ref) => names.has(objectText(ref)));

/** @returns undefined: no platform reads what changes. @throws BadInput if one does, and nobody has said what traffic it gets */
const unwrittenPlatforms = async (
  changed: readonly ChangedObject[],
  names: ReadonlySet<string>,
  parts: ComparedParts,
  options: PreviewCommandOptions,
): Promise<Concerned | undefined> => {
  const namespaces = changed.map(({ before, after }) => (after ?? before)?.object.metadata.namespace ?? "default");
  const traffic = trafficOf(options);
  const touched: Looked[] = [];
  for (const workloads of platformsAfter(parts.after, [...new Set(namespaces)])) {
    const any = bareSimulation(workloads, PLACEHOLDER, options);
    const real = bareSimulation(workloads, traffic ?? PLACEHOLDER, options);
    if (any === undefined || real === undefined) continue;
    const looked = await look(any, undefined, parts);
    if (looked.kind !== "broken" && !touchesAny(looked, names)) continue;
    touched.push(traffic === undefined ? looked : await look(real, undefined, parts));
  }
  if (touched.length === 0) return undefined;
  if (traffic === undefined) throw new BadInput([noTraffic([...names])]);
  const unreadable = touched.flatMap((one) => (one.kind === "unreadable" ? one.problems : []));
  if (unreadable.length > 0) throw new BadInput(unreadable);
  return sorted(touched, names);
};

const noTraffic = (names: readonly string[]): Problem => ({
  severity: "error",
  reason: "NoTraffic",
  object: names[0] ?? "",
  message: "no InferenceSimulation mirrors it, so nobody has said what traffic there is",
  fix: "give a recorded trace with --trace FILE, production's metrics with --prometheus URL, or an InferenceSimulation with -f (docs/preview.md shows a short one)",
});

const notMirrored = (changed: ChangedObject): Problem => {
  const { object, file, line } = changed.after ?? (changed.before as StoredObject);
  return {
    severity: "error",
    reason: "NotMirrored",
    object: nameOf(object),
    ...(file === undefined ? {} : { file }),
    ...(line === undefined ? {} : { line }),
    message: `no workload that serves with vLLM in namespace ${object.metadata.namespace ?? "default"} has to do with it`,
    fix: "check its namespace, and its scaleTargetRef or selector; `servetwin explain` says what a simulation reads",
  };
};
