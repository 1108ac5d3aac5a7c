import { hostname } from "node:os";
import { metricsPage } from "../exporter/metrics-page.ts";
import { OperatorMetrics } from "../exporter/operator-metrics.ts";
import { describeProblem } from "../model/problem.ts";
import { VERSION } from "../model/version.ts";
import { Operator } from "../operator/operator.ts";
import { ANY_NAMESPACE } from "../operator/permitted.ts";
import type { SimulationStatus } from "../schema/simulation-status.ts";
import { readAssets } from "../server/assets.ts";
import { startServer } from "../server/server.ts";
import { folderStore } from "../store/folder.ts";
import { WATCHED_KINDS } from "../store/kinds.ts";
import { type Election, electLeader } from "../store/kubernetes/lease.ts";
import { ownedObjects } from "../store/kubernetes/owned-objects.ts";
import { type KubernetesOptions, kubernetesStore } from "../store/kubernetes.ts";
import type { Log } from "../store/log.ts";
import type { OwnedObjects } from "../store/owned-objects.ts";
import { type Store, StoreError } from "../store/store.ts";
import { previewPool } from "../worker/pool.ts";
import { addressOf } from "./address.ts";
import { usageError } from "./exit.ts";
import { type LimitOptions, limitsOf } from "./limit-options.ts";
import { jsonLog } from "./log.ts";
import { type OperatorOptions, quotaOf, runBoundsOf, sweepJobsOf } from "./operator-options.ts";
import { threadsFolder } from "./threads.ts";
import { tracingOf } from "./tracing-asked.ts";
import type { UrlOptions } from "./url-options.ts";
import { detailOf, documentsOf, seriesOf, sweepOf } from "./views.ts";
import { startWebhook } from "./webhook.ts";

/** What `servetwin up` was told. */
export interface ServeOptions extends LimitOptions, OperatorOptions, UrlOptions {
  readonly kubeconfig?: string;
  readonly context?: string;
  readonly namespace: readonly string[];
  readonly leaseNamespace: string;
  readonly listen: string;
  readonly threads: number;
}

/** Serves metrics, API and page of the operator on a folder or a cluster until it is told to stop. @throws BadInput */
export const serve = async (folder: string | undefined, options: ServeOptions): Promise<void> => {
  const listen = addressOf(options.listen);
  const log = jsonLog(options.logLevel);
  const running = new AbortController();
  const tracing = await tracingOf(options.otlpEndpoint, process.env);
  const metrics: OperatorMetrics = new OperatorMetrics(() => stateOf(operator, options.concurrentReconciles), {
    version: VERSION,
  });
  const watch = {
    requested: (said: { method: string; code: string; host: string }) =>
      metrics.requested(said.code, said.method, said.host),
  };
  const { store, elect, objects } = placeOf(folder, options, log, watch);
  const operator: Operator = new Operator({
    store,
    pool: previewPool(threadsFolder(import.meta.url), options.threads, runBoundsOf(options)),
    threads: threadsFolder(import.meta.url),
    limits: limitsOf(options),
    quota: quotaOf(options),
    allowedUrls: options.allowUrl,
    // A folder is one person's.
    mirrorNamespaces: folder === undefined ? options.mirrorNamespace : [ANY_NAMESPACE],
    concurrency: options.concurrentReconciles,
    sweepRuns: options.threads,
    ...(objects === undefined
      ? {}
      : {
          sweepJobs: { objects, ...sweepJobsOf(options) },
          reports: { objects, namespaces: options.reportConfigMapNamespace, documentsOf },
        }),
    shadowBounds: { maxMebibytes: options.maxShadowMemory },
    tokens: options.prometheusTokenFile,
    log,
    ...(tracing === undefined ? {} : { trace: tracing.trace }),
    watch: {
      reconciled: (result, seconds) => metrics.reconciled(result, seconds),
      refused: () => metrics.refused(),
      previewTook: (seconds) => metrics.previewTook(seconds),
      pushed: (what, samples) => metrics.pushed(what, samples),
      queue: {
        added: () => metrics.queueAdded(),
        retried: () => metrics.queueRetried(),
        took: (seconds) => metrics.queueTook(seconds),
        done: (seconds) => metrics.queueDone(seconds),
      },
    },
  });
  const { held } = operator.reconciler;
  const detail = (stored: Parameters<typeof detailOf>[0]) =>
    detailOf(stored, held.get(`${stored.object.metadata.namespace ?? "default"}/${stored.object.metadata.name}`));
  let state: "starting" | "started" | "stopping" = "starting";
  const server = await startServer(
    {
      version: VERSION,
      assets: readAssets(new URL("browser/", threadsFolder(import.meta.url))),
      place: store.place,
      problems: () => store.problems.map(describeProblem),
      notReady: () => {
        if (state === "stopping") return "stopping";
        return state === "started" && store.synced ? undefined : "the first lists are not in yet";
      },
      metrics: async (accept) => {
        const [own] = await Promise.all([metrics.families(), operator.drawShadows()]);
        return metricsPage([...held.values()].flatMap(seriesOf), own, accept);
      },
      simulations: () => store.list("InferenceSimulation").map(detail),
      simulation: (namespace, name) => {
        const stored = store.list("InferenceSimulation", namespace).find(({ object }) => object.metadata.name === name);
        return stored === undefined ? undefined : detail(stored);
      },
      sweep: (namespace, name) => sweepOf(held.get(`${namespace}/${name}`)),
      failed: (error) => log({ level: "error", message: "request failed", error: (error as Error).stack }),
    },
    listen,
  ).catch((error: NodeJS.ErrnoException) => {
    throw usageError(
      `${options.listen} can't be listened on: ${error.message}`,
      "choose another address with --listen",
    );
  });

  store.onProblems(() => {
    for (const problem of store.problems) log({ level: problem.severity, message: describeProblem(problem) });
  });
  await store.start(running.signal).catch(async (error: unknown) => {
    await Promise.all([operator.close(), server.close()]);
    throw asBadInput(error);
  });
  state = "started";
  const webhook = await startWebhook(options, { store, metrics, log });
  let election: Election | undefined;
  if (elect === undefined) operator.lead();
  else election = elect(operator);
  process.stdout.write(`${server.url}\n`);

  await stopSignal();
  log({ level: "info", message: "stopping" });
  state = "stopping";
  await operator.close();
  await webhook?.close();
  await election?.stop();
  running.abort();
  await server.close();
  await tracing
    ?.close()
    .catch((error: Error) => log({ level: "warning", message: "traces not sent", error: error.message }));
};

interface Place {
  readonly store: Store;
  /** Left out: there is nobody else, so this one leads. */
  readonly elect?: (operator: Operator) => Election;
  /** Left out: objects can't be made here. */
  readonly objects?: OwnedObjects;
}

const placeOf = (
  folder: string | undefined,
  options: ServeOptions,
  log: Log,
  watch: { requested(said: { method: string; code: string; host: string }): void },
): Place => {
  if (folder !== undefined && options.kubeconfig !== undefined) {
    throw usageError("a folder and --kubeconfig were both given", "choose one");
  }
  if (folder !== undefined) return { store: folderStore({ folder, kinds: WATCHED_KINDS }) };
  if (options.kubeconfig === undefined && process.env.KUBERNETES_SERVICE_HOST === undefined) {
    throw usageError(
      "there is nothing to watch",
      "name a folder (servetwin up deploy/examples/quickstart), or a cluster with --kubeconfig",
    );
  }
  const { store, connection } = connected({
    ...(options.kubeconfig === undefined ? {} : { kubeconfig: options.kubeconfig }),
    ...(options.context === undefined ? {} : { context: options.context }),
    ...(options.namespace.length === 0 ? {} : { namespaces: options.namespace }),
    kinds: WATCHED_KINDS,
    log,
    ...watch,
  });
  const identity = `${hostname()}_${process.pid}`;
  return {
    store,
    objects: ownedObjects(connection),
    elect: (operator) =>
      electLeader({
        connection,
        namespace: options.leaseNamespace,
        name: "servetwin",
        identity,
        log,
        onLead: () => {
          log({ level: "info", message: "leading", identity });
          operator.lead();
        },
        onLost: () => {
          log({ level: "warning", message: "leadership lost", identity });
          operator.rest();
        },
      }),
  };
};

const connected = (options: KubernetesOptions): ReturnType<typeof kubernetesStore> => {
  try {
    return kubernetesStore(options);
  } catch (error) {
    throw asBadInput(error);
  }
};

/** A folder or a cluster that isn't there is the caller's to mend. */
const asBadInput = (error: unknown): unknown => (error instanceof StoreError ? usageError(error.message) : error);

const stateOf = (operator: Operator, most: number) => ({
  leading: operator.leading,
  workers: { active: operator.active, most },
  queue: operator.queue.state,
  pendingSamples: operator.reconciler.pendingSamples,
  simulations: operator.simulations.map(({ object }) => {
    const key = `${object.metadata.namespace ?? "default"}/${object.metadata.name}`;
    const { lagSeconds: lag, drift } = operator.reconciler.held.get(key)?.shadow?.snapshot ?? {};
    return {
      simulation: key,
      mode: String((object.spec as { mode?: string } | undefined)?.mode ?? "Preview"),
      phase: (object.status as SimulationStatus | undefined)?.phase ?? "Mirroring",
      ...(lag === undefined ? {} : { lagSeconds: lag }),
      ...(drift === undefined ? {} : { drift }),
    };
  }),
});

const stopSignal = (): Promise<void> =>
  new Promise((resolve) => {
    process.once("SIGTERM", () => resolve());
    process.once("SIGINT", () => resolve());
  });
