import { readFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { eventually, up } from "../e2e/program.ts";
import { type Answer, startControlPlane } from "../env/control-plane.ts";
import { applyAll } from "../env/manifests.ts";
import { Fleet } from "../soak/fleet.ts";
import { usageOf } from "../soak/usage.ts";

/**
 * What a status costs a real API server, in processor time, by the way it is written and by what it holds; beside it a change of an
 * HPA and an Event: `npm run bench:status -- --writes 150`. Nothing else is asked of the API server meanwhile.
 */
const { values } = parseArgs({ options: { writes: { type: "string", default: "150" } } });
const WRITES = Number(values.writes);
const CRD = new URL("../../crds/servetwin.dev_inferencesimulations.yaml", import.meta.url);
const SIMULATIONS = "/apis/servetwin.dev/v1alpha1/inferencesimulations";
const BY = "fieldManager=servetwin-status&fieldValidation=Strict";

interface Simulation {
  readonly metadata: { readonly name: string; readonly namespace: string; readonly managedFields?: unknown };
  readonly status: { readonly runs: readonly object[]; readonly mirrored: readonly object[] };
}

const plane = await startControlPlane({ readyWithinSeconds: 180 });
try {
  await applyAll(plane, await readFile(CRD, "utf8"));
  await applyAll(plane, "apiVersion: v1\nkind: Namespace\nmetadata: { name: servetwin-system }\n");
  await eventually(async () => (await plane.request("GET", SIMULATIONS)).status === 200, { what: "the CRD" });
  const fleet = new Fleet(plane, { simulations: 1, shadows: 0, objects: 2, namespaces: 1 });
  await fleet.create();
  const operator = await up(["--kubeconfig", plane.kubeconfigPath(), "--threads", "1", "--log-level", "warn"], 120);
  await eventually(async () => fleet.unsettled(await fleet.list(), await fleet.maxReplicas()).length === 0, {
    what: "rest",
    withinSeconds: 120,
  });
  await operator.stop();

  const [one] = fleet.simulated;
  if (one === undefined) throw new Error("there is no simulation");
  const { status: whole } = (await fleet.get(one)) as unknown as Simulation;
  const place = { name: one.name, namespace: one.namespace };
  const home = `/apis/servetwin.dev/v1alpha1/namespaces/${one.namespace}/inferencesimulations/${one.name}`;
  const numbered = (status: object, i: number): object => ({ ...status, inputDigest: `digest ${i}` });
  const applied = (status: object) => (i: number) =>
    plane.request(
      "PATCH",
      `${home}/status?${BY}&force=true`,
      {
        apiVersion: "servetwin.dev/v1alpha1",
        kind: "InferenceSimulation",
        metadata: place,
        status: numbered(status, i),
      },
      { contentType: "application/apply-patch+yaml" },
    );
  /** As answered last: an update has to know its version. */
  let last = (await plane.request("GET", home)).body as Simulation;
  const ways: Readonly<Record<string, (i: number) => Promise<Answer>>> = {
    "the whole status by server-side apply": applied(whole),
    "the whole status by merge patch": (i) =>
      plane.request("PATCH", `${home}/status?${BY}`, { status: numbered(whole, i) }),
    "one field of it by merge patch": (i) =>
      plane.request("PATCH", `${home}/status?${BY}`, { status: numbered({}, i) }),
    "the whole object by update": async (i) => {
      const { managedFields: _, ...metadata } = last.metadata;
      return plane.request("PUT", `${home}/status?${BY}`, { ...last, metadata, status: numbered(whole, i) });
    },
    "a status without status.mirrored, by apply": applied({ ...whole, mirrored: [] }),
    "a status without runs either, by apply": applied({ ...whole, mirrored: [], runs: [] }),
    "maxReplicas of an HPA": (i) =>
      plane.request(
        "PATCH",
        `/apis/autoscaling/v2/namespaces/${one.namespace}/horizontalpodautoscalers/${one.workload}`,
        { spec: { maxReplicas: 2 + (i % 30) } },
      ),
    "an Event": (i) =>
      plane.request("POST", `/apis/events.k8s.io/v1/namespaces/${one.namespace}/events`, {
        metadata: { name: `event-${i}`, namespace: one.namespace },
        eventTime: "2026-01-01T00:00:00.000000Z",
        ...{ reportingController: "servetwin.dev/bench", reportingInstance: "bench", action: "Simulate" },
        ...{ reason: "SimulationCompleted", type: "Normal", note: "one of many" },
        regarding: { apiVersion: "servetwin.dev/v1alpha1", kind: "InferenceSimulation", ...place },
      }),
  };
  console.log(
    `a status of ${JSON.stringify(whole).length} bytes; ${WRITES} of each, ms of the API server's processor time`,
  );
  const cpuSeconds = (): number => usageOf(plane.pids.apiServer)?.cpuSeconds ?? 0;
  let written = 0;
  for (const [way, write] of Object.entries(ways)) {
    // The first half warms it up.
    let from = 0;
    for (let i = 0; i < WRITES * 2; i += 1) {
      if (i === WRITES) from = cpuSeconds();
      const { status, body } = await write((written += 1));
      if (status > 201) throw new Error(`${way}: ${JSON.stringify(body)}`);
      if ((body as Partial<Simulation>).metadata?.name === one.name) last = body as Simulation;
    }
    console.log(`${(((cpuSeconds() - from) * 1000) / WRITES).toFixed(1).padStart(6)}  ${way}`);
  }
} finally {
  await plane.stop();
}
