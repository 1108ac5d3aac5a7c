import type { OperatorMetrics } from "../exporter/operator-metrics.ts";
import { Admission } from "../operator/admission.ts";
import { startAdmissionServer } from "../server/admission-server.ts";
import type { Log } from "../store/log.ts";
import type { KubeObject, Store } from "../store/store.ts";
import { sideBySidePool } from "../worker/side-by-side-pool.ts";
import { addressOf } from "./address.ts";
import { usageError } from "./exit.ts";
import { type LimitOptions, limitsOf } from "./limit-options.ts";
import type { OperatorOptions } from "./operator-options.ts";
import { threadsFolder } from "./threads.ts";
import type { UrlOptions } from "./url-options.ts";

export interface WebhookParts {
  readonly store: Store;
  readonly metrics: OperatorMetrics;
  readonly log: Log;
}

/** The API server waits 5 s (`timeoutSeconds` of the configuration), the way there and back included. */
const DEADLINE_SECONDS = 4.5;

/** @returns undefined where no webhook is asked for @throws BadInput */
export const startWebhook = async (
  options: OperatorOptions & LimitOptions & UrlOptions,
  { store, metrics, log }: WebhookParts,
): Promise<{ close(): Promise<void> } | undefined> => {
  const { webhookListen, webhookCertificates } = options;
  if (webhookListen === undefined) return undefined;
  if (webhookCertificates === undefined)
    throw usageError("a webhook needs certificates", "name their folder with --webhook-certificates");
  const pool = sideBySidePool(threadsFolder(import.meta.url), options.maxRunMemory);
  const limits = limitsOf(options);
  const urls = { allowedUrls: options.allowUrl, tokens: options.prometheusTokenFile };
  const rules = { limits, ...urls, mirrorNamespaces: options.mirrorNamespace };
  const admission = new Admission({ store, pool, ...rules });
  const server = await startAdmissionServer(
    {
      review: ({ object, namespace }, signal) =>
        object === undefined
          ? Promise.resolve({ allowed: true, warnings: [] })
          : admission.review(object as KubeObject, namespace, signal),
      answered: (path, code, seconds) => metrics.admitted(path, code, seconds),
      failed: (message, error) => log({ level: "warning", message, error: (error as Error).message }),
    },
    { ...addressOf(webhookListen), certificates: webhookCertificates, deadlineSeconds: DEADLINE_SECONDS },
  ).catch(async (error: Error) => {
    await pool.close();
    throw usageError(
      `the webhook can't be started: ${error.message}`,
      "mount tls.crt and tls.key in --webhook-certificates, and choose a free address with --webhook-listen",
    );
  });
  log({ level: "info", message: "webhook listens", port: server.port });
  return {
    close: async () => {
      await server.close();
      await pool.close();
    },
  };
};
