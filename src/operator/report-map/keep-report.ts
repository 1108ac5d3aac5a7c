import type { OwnedPlace } from "../../store/owned-objects.ts";
import { type KubeObject, type StoredObject, StoreError } from "../../store/store.ts";
import type { Held, HeldPreview, HeldReport } from "../held.ts";
import { isOwnedBy } from "../owned-metadata.ts";
import { isReportOf, omittedIn, patchTo, reportMapOf } from "./report-map.ts";
import type { ReportMaps } from "./report-maps.ts";

type Said = Pick<HeldReport["condition"], "status" | "reason" | "message"> & Pick<HeldReport, "again">;

const no = (reason: string, message: string, again?: HeldReport["again"]): Said => ({
  ...{ status: "False", reason, message },
  ...(again === undefined ? {} : { again }),
});
const written = (name: string, omitted: string): Said =>
  omitted === ""
    ? { status: "True", reason: "Written", message: `ConfigMap ${name} has the whole report` }
    : {
        status: "True",
        reason: "WrittenInPart",
        message: `ConfigMap ${name} has the report without ${omitted}; the API has all`,
      };

/** A report that was found where it should be is looked for again with the next resync. */
const FRESH_MILLIS = 300_000;
/** Rights may be given, and names become free, where no watch sees it. */
const LATER = { afterSeconds: 30 };
const ASK =
  "ask the installer for --report-config-map-namespace and the rights that go with it (reportConfigMaps.namespaces of the chart, or deploy/kustomize/report-config-maps)";

/**
 * Puts the whole report of a finished preview where spec.export.reportConfigMap says, unless it is there.
 * @param maps undefined: there is no cluster
 * @returns undefined where none is asked for, or there is none yet. Never throws for what the API server says.
 */
export const keepReport = async (
  { object: owner }: StoredObject,
  held: Held,
  maps: ReportMaps | undefined,
  now: Date,
): Promise<HeldReport | undefined> => {
  const { simulation, preview, report: before } = held;
  const name = simulation?.spec.export.reportConfigMap;
  if (name === undefined || preview?.state !== "finished" || preview.reports.length === 0) return undefined;
  const { inputDigest } = preview;
  const swept = preview.sweep?.swept !== undefined;
  const lookedAtMillis = now.getTime();
  const isSame = before?.name === name && before.inputDigest === inputDigest && before.swept === swept;
  if (isSame && before.condition.status === "True" && lookedAtMillis - before.lookedAtMillis < FRESH_MILLIS)
    return before;
  const asItIs = { ...held, preview: { ...preview } };
  const { again, message, ...said } = await put(owner, name, asItIs, maps);
  return {
    condition: { type: "ReportWritten", ...said, message: message.slice(0, 2048) },
    ...{ name, inputDigest, swept, lookedAtMillis },
    ...(again === undefined ? {} : { again }),
  };
};

/** @param held as it was: who loses the lead meanwhile forgets the runs, and a sweep may be found again meanwhile */
const put = async (
  owner: KubeObject,
  name: string,
  held: Held & { readonly preview: HeldPreview },
  maps: ReportMaps | undefined,
): Promise<Said> => {
  if (maps === undefined) return no("NoCluster", "there is no cluster to keep it on; the API has it");
  const { namespace = "default", uid } = owner.metadata;
  if (!maps.namespaces.includes(namespace)) {
    const message = `the installer permits no ConfigMaps with reports in namespace ${namespace}`;
    return no("ReportNotPermitted", `${message}; ${ASK}`);
  }
  const { objects } = maps;
  const { inputDigest, sweep } = held.preview;
  const place: OwnedPlace = { kind: "ConfigMap", namespace, name };
  try {
    const there = await objects.get(place);
    if (there !== undefined && !isOwnedBy(there, uid)) {
      const message = `there is a ConfigMap ${namespace}/${name} that this simulation doesn't own; choose another name, or delete it`;
      return no("NameTaken", message, LATER);
    }
    if (there !== undefined && isReportOf(there, inputDigest, sweep?.swept !== undefined))
      return written(name, omittedIn(there));
    const wanted = await reportMapOf(
      owner,
      name,
      inputDigest,
      maps.documentsOf(held),
      held.simulation?.spec.sweep !== undefined,
    );
    if (wanted === undefined) return no("ReportTooLarge", "the report doesn't fit into a ConfigMap; the API has it");
    if (there !== undefined) await objects.merge(place, patchTo(there, wanted));
    else if (!(await objects.create(wanted)))
      return no("ReportUnwritten", `ConfigMap ${namespace}/${name} was made just now; it is tried again`, {});
    return written(name, omittedIn(wanted));
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
    const { kind, message, retryAfterSeconds: afterSeconds } = error;
    if (kind === "refused") return no("ReportRefused", `${message}; ${ASK}`, LATER);
    return no("ReportUnwritten", `${message}; it is tried again`, afterSeconds === undefined ? {} : { afterSeconds });
  }
};
