import { bad, good, type Problem, type Result } from "../model/problem.ts";
import type { SimulationSpec } from "../schema/simulation-spec.ts";
import type { Store } from "../store/store.ts";
import type { FoundPage } from "../twin/scenario.ts";
import { FetchError, fetchText } from "../worker/bounded-fetch.ts";
import { urlProblem } from "./allowed-url.ts";
import { findText, MOST_BYTES } from "./said-document.ts";

type Said = NonNullable<NonNullable<SimulationSpec["overrides"]["engine"]>["metricsPage"]>;

export interface PageRules {
  /** URLs in a spec must begin with one of these. */
  readonly allowedUrls: readonly string[];
  /**
   * Pages of URLs as they were last, which stand in where one doesn't answer: a replica that restarts must not stop
   * what runs. Written here. Left out: nothing is remembered.
   */
  readonly lastPages?: Map<string, string>;
}

const FIELD = "spec.overrides.engine.metricsPage";
/** Prometheus' own scrape time-out, scrape_timeout. */
const TIMEOUT_MS = 10_000;
/** URLs remembered of one simulation: its own and those of its candidates. */
const MOST_PAGES = 16;

/** A replica's /metrics page: of a file below the folder, a ConfigMap, an allowed URL, or the simulation itself. */
export const findMetricsPage = async (
  said: Said,
  namespace: string,
  store: Store,
  rules: PageRules,
): Promise<Result<FoundPage>> => {
  const { path, configMap, url } = said;
  if (url !== undefined) return fromUrl(url, rules);
  const wanted = { field: FIELD, what: "the page", word: "MetricsPage", instead: "give one replica's page" };
  const text = await findText(said, wanted, namespace, store);
  if (!text.ok) return text;
  const from = path ?? (configMap === undefined ? undefined : `ConfigMap ${configMap.name}/${configMap.key}`);
  return good({ text: text.value, ...(from === undefined ? {} : { from }) });
};

const fromUrl = async (url: string, { allowedUrls, lastPages }: PageRules): Promise<Result<FoundPage>> => {
  const field = `${FIELD}.url`;
  const refused = urlProblem(url, allowedUrls, field);
  if (refused !== undefined) return bad(refused);
  try {
    const text = await fetchText(url, { maxBytes: MOST_BYTES, timeoutMs: TIMEOUT_MS });
    lastPages?.delete(url);
    lastPages?.set(url, text);
    for (const old of [...(lastPages?.keys() ?? [])].slice(0, -MOST_PAGES)) lastPages?.delete(old);
    return good({ text, from: url });
  } catch (error) {
    if (!(error instanceof FetchError)) throw error;
    const last = lastPages?.get(url);
    const found = { field, reason: "MetricsPageNotFound", message: error.message };
    if (last === undefined) return bad({ severity: "error", ...found, fix: "name a replica that answers" });
    const stale: Problem = {
      severity: "warning",
      ...found,
      message: `${error.message}; its page as it was last is used`,
    };
    return good({ text: last, from: url }, [stale]);
  }
};
