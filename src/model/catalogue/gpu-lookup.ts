import type { Hardware } from "../hardware.ts";
import { catalogueGpus, unsourcedGpus } from "./hardware.ts";
import { nearestIds } from "./nearest-ids.ts";

/** A GPU type recognised from a node label or a name. `pattern` is a guess from part of the text and must be reported. */
export interface GpuFound {
  readonly found: true;
  readonly hardware: Hardware;
  readonly rule: "exact" | "alias" | "pattern";
  /** The label says that the GPU is time-sliced among pods (`-SHARED`). */
  readonly shared: boolean;
}

export interface GpuMissing {
  readonly found: false;
  /** `mig`: a slice of a GPU; `unsourced`: known, but without figures; `ambiguous`: several types fit; `unknown`. */
  readonly why: "mig" | "unsourced" | "ambiguous" | "unknown";
  /** What is wrong, as a sentence without full stop. */
  readonly message: string;
  /** Ids that can be said instead. */
  readonly candidates: readonly string[];
}

interface Pattern {
  readonly text: RegExp;
  readonly ids: readonly string[];
}

/** First match wins, so that the longer name stands before the shorter one that it contains. */
const patterns: readonly Pattern[] = [
  { text: /GB300/i, ids: ["GB300"] },
  { text: /GB200/i, ids: ["GB200"] },
  { text: /GH200/i, ids: ["GH200-96GB"] },
  { text: /B300/i, ids: ["B300-SXM"] },
  { text: /B200/i, ids: ["B200-SXM"] },
  { text: /H200/i, ids: ["H200-SXM"] },
  { text: /H100.*NVL/i, ids: ["H100-NVL"] },
  { text: /H100.*PCIe/i, ids: ["H100-PCIe"] },
  { text: /H100/i, ids: ["H100-SXM"] },
  { text: /A100.*80.*PCIe|A100.*PCIe.*80/i, ids: ["A100-PCIe-80GB"] },
  { text: /A100.*80/i, ids: ["A100-SXM-80GB"] },
  { text: /A100.*40/i, ids: ["A100-SXM-40GB"] },
  { text: /A100/i, ids: ["A100-SXM-80GB", "A100-PCIe-80GB", "A100-SXM-40GB"] },
  { text: /RTX[- ]?PRO[- ]?6000/i, ids: ["RTX-PRO-6000-Server"] },
  { text: /\bL40S\b/i, ids: ["L40S"] },
  { text: /\bL4\b/i, ids: ["L4"] },
  { text: /\bA30\b/i, ids: ["A30"] },
  { text: /MI300X/i, ids: ["MI300X"] },
  { text: /MI325/i, ids: ["MI325X"] },
  { text: /MI355/i, ids: ["MI355X"] },
];

const hardwareOf = (id: string): Hardware | undefined => catalogueGpus.find((gpu) => gpu.hardware.id === id)?.hardware;

/**
 * Reads a GPU type from a node label's value or a plain name: exactly, then as an alias, then by pattern.
 * NVIDIA's feature discovery appends `-SHARED` under time slicing, which is taken off, and `-MIG-1g.10gb` to a slice,
 * which is another device (k8s-device-plugin, gpu-feature-discovery).
 */
export const findGpu = (text: string): GpuFound | GpuMissing => {
  const label = text.trim().replace(/-SHARED$/i, "");
  const shared = label !== text.trim();
  if (/MIG-\d+g\./i.test(label) || /^\d+g\.\d+gb$/i.test(label)) {
    return missing("mig", `${text} is a MIG slice of a GPU, for which there are no figures`, []);
  }
  const exact = catalogueGpus.find((gpu) => gpu.hardware.id === label || gpu.labels.includes(label));
  if (exact !== undefined) return { found: true, hardware: exact.hardware, rule: "exact", shared };
  const alias = catalogueGpus.find(({ hardware, labels }) =>
    [hardware.id, ...hardware.aliases, ...labels].some((name) => name.toLowerCase() === label.toLowerCase()),
  );
  if (alias !== undefined) return { found: true, hardware: alias.hardware, rule: "alias", shared };
  return byPattern(text, label, shared);
};

const byPattern = (text: string, label: string, shared: boolean): GpuFound | GpuMissing => {
  const ids = patterns.find((pattern) => pattern.text.test(label))?.ids ?? [];
  const [id] = ids;
  if (id === undefined) return missing("unknown", `GPU type ${text} isn't known`, gpuIds);
  if (ids.length > 1) return missing("ambiguous", `${text} may be any of ${ids.join(", ")}`, ids);
  if (unsourcedGpus.includes(id))
    return missing("unsourced", `GPU type ${id} is known, but its figures are not sourced`, gpuIds);
  return { found: true, hardware: hardwareOf(id) as Hardware, rule: "pattern", shared };
};

const missing = (why: GpuMissing["why"], message: string, candidates: readonly string[]): GpuMissing => ({
  found: false,
  why,
  message,
  candidates,
});

/** Ids of all GPU types with figures. */
export const gpuIds: readonly string[] = catalogueGpus.map((gpu) => gpu.hardware.id);

/** @returns up to `count` ids of the catalogue of which a name looks most like `text`, best first; for "did you mean" */
export const nearestGpus = (text: string, count: number): readonly string[] =>
  nearestIds(
    // As long as a label's value may be.
    text.slice(0, 63).toLowerCase(),
    catalogueGpus.map(({ hardware: { id, aliases }, labels }) => ({
      id,
      names: [id, ...aliases, ...labels].map((name) => name.toLowerCase()),
    })),
    count,
  );
