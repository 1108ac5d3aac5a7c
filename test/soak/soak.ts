import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { rngOf } from "../../src/sim/rng.ts";
import { eventually, type Program, up } from "../e2e/program.ts";
import { startControlPlane } from "../env/control-plane.ts";
import { startFaultProxy } from "../env/fault-proxy.ts";
import { applyAll } from "../env/manifests.ts";
import { Fleet, type FleetOptions } from "./fleet.ts";
import { Observer } from "./observer.ts";
import { queueWaits } from "./queue-waits.ts";
import { CpuMeter, usageOf } from "./usage.ts";

export interface SoakOptions extends FleetOptions {
  readonly changesPerSecond: number;
  readonly churnSeconds: number;
  /** How often the API server is killed and started again during the churn. */
  readonly apiServerRestarts: number;
  /** How long etcd stands still, once; 0: never. */
  readonly etcdPauseSeconds: number;
  /** How often the operator is killed, at random moments while a preview runs, after the churn. */
  readonly kills: number;
  /** How often the operator's wall clock jumps, an hour ahead and two back in turn. */
  readonly clockJumps: number;
  readonly seed: number;
  readonly say: (line: string) => void;
}

export interface SoakResult {
  readonly changes: number;
  /** From the last change until every simulation knew it. */
  readonly convergedSeconds: number;
  /** Of what changed or was due, of what was only looked at again, and how long each was looked at. */
  readonly queueWaits: ReturnType<typeof queueWaits>;
  /** Requests that the operator made, by method and answer. */
  readonly requests: Readonly<Record<string, number>>;
  readonly previews: { readonly ran: number; readonly wanted: number };
  readonly peakMebibytes: number;
  /** At most in each tenth of the churn: memory that grows shows as a rise from each to the next. */
  readonly mebibytesByTenth: readonly number[];
  /** From the first change until all were known. The soak is this program: it makes the changes and stands between operator and API server. */
  readonly cpuCores: Readonly<Record<"operator" | "apiServer" | "etcd" | "soak", number>>;
  readonly watchesCut: number;
  /** Whoever leads again runs what is finished once more, quietly, for the series that live in memory. */
  readonly leadershipsLost: number;
  /** Seconds from each kill until the preview was done, with the Lease's own 15. */
  readonly recoveries: readonly number[];
  readonly regressions: readonly string[];
  readonly unsettled: readonly string[];
}

/** Within which everything must be as it should. */
const CONVERGE_SECONDS = 240;
/** At first every preview runs. */
const FIRST_SECONDS = 900;
const CRD = new URL("../../crds/servetwin.dev_inferencesimulations.yaml", import.meta.url);
const CLOCK = fileURLToPath(new URL("shifted-clock.mjs", import.meta.url));

/** The operator on a real control plane under churn and faults; what came of it. Needs the bundle in dist/. */
export const soak = async (options: SoakOptions): Promise<SoakResult> => {
  const { say } = options;
  const random = rngOf(options.seed).stream("soak");
  const draw = (): number => random.next();
  const folder = mkdtempSync(join(tmpdir(), "servetwin-soak-"));
  const clock = join(folder, "clock");
  writeFileSync(clock, "0");
  const plane = await startControlPlane({ readyWithinSeconds: 180 });
  const proxy = await startFaultProxy(plane);
  const programs: Program[] = [];
  const observer = new Observer(plane);
  let [peakMebibytes, watchesCut] = [0, 0];
  const start = async (): Promise<Program> => {
    const args = ["--kubeconfig", proxy.kubeconfigPath(), "--threads", "1", "--log-level", "debug"];
    const program = await up(args, 120, { nodeArgs: ["--import", CLOCK], env: { SOAK_CLOCK: clock } });
    programs.push(program);
    return program;
  };
  try {
    await applyAll(plane, await readFile(CRD, "utf8"));
    await applyAll(plane, "apiVersion: v1\nkind: Namespace\nmetadata: { name: servetwin-system }\n");
    await eventually(
      async () => (await plane.request("GET", "/apis/servetwin.dev/v1alpha1/inferencesimulations")).status === 200,
      { what: "the CRD" },
    );
    const fleet = new Fleet(plane, options);
    say(
      `creating ${options.objects} Deployments and HPAs, ${options.simulations} simulations (${options.shadows} Shadows)`,
    );
    await fleet.create();
    let operator = await start();
    await settle(fleet, observer, FIRST_SECONDS);
    const before = await counters(operator);
    const [began, logged] = [performance.now(), operator.output().length];
    const cpu = new CpuMeter(() => ({
      operator: operator.pid,
      apiServer: plane.pids.apiServer,
      etcd: plane.pids.etcd,
      soak: process.pid,
    }));
    const mebibytesByTenth = new Array<number>(10).fill(0);
    const sampling = setInterval(() => {
      cpu.look();
      const now = usageOf(operator.pid)?.rssMebibytes ?? 0;
      peakMebibytes = Math.max(peakMebibytes, now);
      const tenth = Math.floor((performance.now() - began) / (100 * options.churnSeconds));
      if (tenth < 10) mebibytesByTenth[tenth] = Math.max(mebibytesByTenth[tenth] ?? 0, Math.round(now));
    }, 500);

    say(`${options.changesPerSecond} changes/s for ${options.churnSeconds} s`);
    const end = Date.now() + options.churnSeconds * 1000;
    const churn = async (): Promise<void> => {
      for (let made = 0, from = Date.now(); Date.now() < end; ) {
        const due = ((Date.now() - from) / 1000) * options.changesPerSecond;
        const batch = Math.min(50, Math.floor(due) - made);
        made += batch;
        await Promise.all(Array.from({ length: batch }, () => fleet.change(draw)));
        await sleep(100);
      }
    };
    const cutting = async (): Promise<void> => {
      while (Date.now() < end) {
        await sleep(2000 + 6000 * draw());
        watchesCut += proxy.cutWatches(() => draw() < 0.3);
      }
    };
    const spread = async (times: number, act: (i: number) => Promise<void>): Promise<void> => {
      for (let i = 0; i < times; i += 1) {
        await sleep((options.churnSeconds * 1000 * (0.5 + draw())) / (times + 1));
        await act(i);
      }
    };
    await Promise.all([
      churn(),
      cutting(),
      spread(options.apiServerRestarts, async (i) => {
        say(`API server killed, ${i + 1} of ${options.apiServerRestarts}`);
        await plane.killApiServer();
        await sleep(500);
        await plane.startApiServer();
      }),
      spread(options.etcdPauseSeconds > 0 ? 1 : 0, async () => {
        say(`etcd stands still for ${options.etcdPauseSeconds} s`);
        process.kill(plane.pids.etcd, "SIGSTOP");
        await sleep(options.etcdPauseSeconds * 1000);
        process.kill(plane.pids.etcd, "SIGCONT");
      }),
      spread(options.clockJumps, async (i) => {
        say(`the clock jumps, ${i + 1} of ${options.clockJumps}`);
        writeFileSync(clock, String(i % 2 === 0 ? 3_600_000 : -3_600_000));
      }),
    ]);
    const changed = performance.now();
    await settle(fleet, observer, CONVERGE_SECONDS);
    const convergedSeconds = (performance.now() - changed) / 1000;
    const after = await counters(operator);
    const cpuCores = cpu.cores();
    const waits = queueWaits(operator.output().slice(logged));
    const previews = after.previews - before.previews;
    say(`${fleet.changes} changes, all known after ${convergedSeconds.toFixed(1)} s; ${previews} previews`);

    const recoveries: number[] = [];
    for (let i = 0; recoveries.length < options.kills; i += 1) {
      if (i === 2 * options.kills + 5) throw new Error("previews are done before they can be killed");
      const long = await fleet.long(`long-${i}`);
      const phase = async () => (await fleet.get(long)).status?.phase;
      await eventually(async () => (await phase()) === "Running", {
        what: "a running preview",
        withinSeconds: 60,
      });
      await sleep(1500 * draw());
      await operator.stop("SIGKILL");
      const [killed, ran] = [performance.now(), (await phase()) === "Running"];
      operator = await start();
      await eventually(async () => (await phase()) === "Succeeded", { what: "its end", withinSeconds: 180 });
      if (ran) {
        recoveries.push((performance.now() - killed) / 1000);
        say(`killed ${recoveries.length} of ${options.kills}; done again after ${recoveries.at(-1)?.toFixed(1)} s`);
      }
      await fleet.forget(long);
    }
    await settle(fleet, observer, CONVERGE_SECONDS);
    clearInterval(sampling);
    return {
      changes: fleet.changes,
      convergedSeconds,
      queueWaits: waits,
      requests: differences(before.requests, after.requests),
      previews: { ran: previews, wanted: fleet.mirroredChanges },
      peakMebibytes,
      mebibytesByTenth,
      cpuCores,
      watchesCut,
      leadershipsLost: programs.reduce((sum, one) => sum + one.output().split("leadership lost").length - 1, 0),
      recoveries,
      regressions: observer.regressions.found,
      unsettled: fleet.unsettled(await fleet.list(), await fleet.maxReplicas()),
    };
  } catch (error) {
    say(programs.map((program) => program.output().slice(-4000)).join("\n"));
    throw error;
  } finally {
    for (const program of programs) await program.stop("SIGKILL");
    await observer.stop();
    await proxy.stop();
    await plane.stop();
    rmSync(folder, { recursive: true });
  }
};

/** No change is made meanwhile. */
const settle = async (fleet: Fleet, observer: Observer, withinSeconds: number): Promise<void> => {
  let last: string[] = [];
  let wanted: ReadonlyMap<string, number> | undefined;
  await eventually(
    async () => {
      wanted ??= await fleet.maxReplicas();
      last = fleet.unsettled(observer.objects, wanted);
      return last.length === 0;
    },
    { what: "rest", withinSeconds, detail: () => `${last.length} left: ${last.slice(0, 5).join("; ")}` },
  );
};

interface Counters {
  readonly previews: number;
  readonly requests: Readonly<Record<string, number>>;
}

const counters = async ({ url }: Program): Promise<Counters> => {
  const text = await (await fetch(`${url}/metrics`, { headers: { accept: "text/plain" } })).text();
  const requests: Record<string, number> = {};
  for (const [, labels = "", value] of text.matchAll(/^rest_client_requests_total\{([^}]*)\} (\S+)/gm)) {
    const [method, code] = ["method", "code"].map((name) => new RegExp(`\\b${name}="([^"]*)"`).exec(labels)?.[1]);
    requests[`${method} ${code}`] = Number(value);
  }
  return { previews: Number(/^servetwin_preview_seconds_count (\S+)/m.exec(text)?.[1] ?? 0), requests };
};

const differences = (before: Counters["requests"], after: Counters["requests"]): Counters["requests"] =>
  Object.fromEntries(Object.entries(after).map(([name, value]) => [name, value - (before[name] ?? 0)]));
