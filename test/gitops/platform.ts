import { readFileSync } from "node:fs";
import { eventually } from "../e2e/program.ts";
import { binaries } from "../env/build.ts";
import { type ControlPlane, startControlPlane } from "../env/control-plane.ts";
import { apply, applyAll, type Manifest } from "../env/manifests.ts";

export const text = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), "utf8");

const SIMULATIONS = "/apis/servetwin.dev/v1alpha1/namespaces/inference/inferencesimulations";

/** A CRD of somebody else's, and a path that is served when it is. */
export interface Foreign {
  readonly crd: "rolloutCrd" | "analysisTemplateCrd" | "kustomizationCrd" | "taskCrd";
  readonly served: string;
}

/** A real API server with our CRD, others' as their projects publish them, and the quickstart's Deployment and HPA. */
export const startPlatform = async (foreign: readonly Foreign[] = []): Promise<ControlPlane> => {
  const plane = await startControlPlane();
  const paths = await binaries({ needed: foreign.map(({ crd }) => crd) });
  await applyAll(plane, text("crds/servetwin.dev_inferencesimulations.yaml"));
  for (const { crd } of foreign) await applyAll(plane, readFileSync(paths[crd], "utf8"));
  // As strict as an application's namespace can be.
  const labels = { "pod-security.kubernetes.io/enforce": "restricted" };
  await apply(plane, { apiVersion: "v1", kind: "Namespace", metadata: { name: "inference", labels } });
  for (const file of ["vllm-llama-8b.yaml", "hpa.yaml"])
    await applyAll(plane, text(`deploy/examples/quickstart/${file}`), "inference");
  for (const path of [SIMULATIONS, ...foreign.map(({ served }) => served)])
    await eventually(async () => (await plane.request("GET", path)).status === 200, { what: path });
  return plane;
};

export interface Simulated extends Manifest {
  readonly status?: {
    readonly phase: string;
    readonly verdict?: string;
    readonly observedGeneration: number;
    readonly conditions: readonly { readonly type: string; readonly status: string; readonly reason: string }[];
    readonly runs?: readonly {
      readonly scenario: string;
      readonly verdict?: string;
      readonly kpis: Readonly<Record<string, { readonly mean: number } | undefined>>;
    }[];
  };
}

export const simulated = async (plane: ControlPlane, name: string): Promise<Simulated> =>
  (await plane.request("GET", `${SIMULATIONS}/${name}`)).body as Simulated;

/** Waits until the operator has come to an end with it. */
export const settled = (plane: ControlPlane, name: string, detail: () => string): Promise<Simulated> =>
  eventually(
    async () => {
      const found = await simulated(plane, name);
      const { phase } = found.status ?? {};
      return phase !== undefined && !["Mirroring", "Running"].includes(phase) && found;
    },
    { withinSeconds: 110, what: `end of ${name}`, detail },
  );
