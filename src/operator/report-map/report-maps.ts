import type { RunDocument } from "../../schema/run-document.ts";
import type { OwnedObjects } from "../../store/owned-objects.ts";
import type { Held } from "../held.ts";
import type { Swept } from "../sweep/swept.ts";

/** What `servetwin run -o json` and `servetwin sweep -o json` print of a simulation. */
export interface ReportDocuments {
  readonly report: RunDocument;
  /** Left out: it sweeps nothing, or an earlier process did. */
  readonly sweep?: { readonly sweeps: readonly Swept[] };
}

/** How whole reports are kept in ConfigMaps, and where the installer permits that. */
export interface ReportMaps {
  readonly objects: OwnedObjects;
  readonly namespaces: readonly string[];
  readonly documentsOf: (held: Held) => ReportDocuments;
}
