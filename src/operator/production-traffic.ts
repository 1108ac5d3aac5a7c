import { durationOf, durationSeconds } from "../model/duration.ts";
import { bad, good, type Result } from "../model/problem.ts";
import type { InferenceSimulation } from "../schema/resource.ts";
import { selectorOf } from "../twin/mirror.ts";
import type { FoundTraffic } from "../twin/scenario.ts";
import { observeWindow } from "../worker/observe-window.ts";
import { PrometheusError } from "../worker/prometheus-api.ts";
import { covers, urlProblem } from "./allowed-url.ts";

/** A file with the bearer token for what lies below a URL. */
export interface UrlToken {
  readonly url: string;
  readonly file: string;
}

export interface TrafficRules {
  readonly allowedUrls: readonly string[];
  readonly tokens: readonly UrlToken[];
  /** Windows as they were read, by what was asked for: a Preview's stays as it is until its spec changes. Written here. */
  readonly lastTraffic: Map<string, FoundTraffic>;
  readonly now: () => Date;
}

const FIELD = "spec.workload.prometheus";
/** Steps of one window: with histograms they are a few MB. */
const MOST_STEPS = 20_000;

/** Only where it was said for it: a token must not go to whatever URL a user may name. */
export const tokenFileFor = (url: string, tokens: readonly UrlToken[]): string | undefined =>
  tokens.find((token) => covers(token.url, url))?.file;

/**
 * Traffic of the past window that a Preview or a Replay asks for; undefined: live traffic, which is read as it comes. What
 * is wrong with its URL is told of both.
 */
export const findTraffic = async (
  { metadata, spec }: InferenceSimulation,
  { allowedUrls, tokens, lastTraffic, now }: TrafficRules,
): Promise<Result<FoundTraffic | undefined>> => {
  const said = spec.workload.prometheus;
  if (said === undefined) return good(undefined);
  const refused = urlProblem(said.url, [...allowedUrls, ...tokens.map(({ url }) => url)], `${FIELD}.url`);
  if (refused !== undefined) return bad(refused);
  if (spec.mode === "Shadow") return good(undefined);
  const [window, step] = [durationSeconds(said.window), durationSeconds(said.step)];
  if (window / step > MOST_STEPS) {
    const message = `the window has ${Math.ceil(window / step)} steps, more than ${MOST_STEPS}`;
    return problem("TooManySteps", `${FIELD}.step`, message, "make step longer, or window shorter");
  }
  const { url, selector, metrics, offset, until } = said;
  const key = JSON.stringify([url, selector, metrics, said.window, said.step, offset, until]);
  const known = lastTraffic.get(key);
  if (known !== undefined) return good(known);
  const nowSeconds = now().getTime() / 1000;
  const toSeconds = until === undefined ? Math.floor(nowSeconds - durationSeconds(offset)) : Date.parse(until) / 1000;
  if (toSeconds > nowSeconds) {
    return problem("BadWindow", `${FIELD}.until`, `${until} has not come yet`, "name a time that has passed");
  }
  const tokenFile = tokenFileFor(url, tokens);
  try {
    const found = await observeWindow(
      { url, ...(tokenFile === undefined ? {} : { tokenFile }) },
      {
        selector: selectorOf(said, metadata.namespace),
        metrics,
        stepMicros: durationOf(said.step),
        fromSeconds: toSeconds - window,
        toSeconds,
      },
      nowSeconds,
    );
    lastTraffic.clear();
    lastTraffic.set(key, found);
    return good(found);
  } catch (error) {
    if (!(error instanceof PrometheusError)) throw error;
    return problem(error.reason, FIELD, error.message, error.fix);
  }
};

const problem = (reason: string, field: string, message: string, fix: string): Result<never> =>
  bad({ severity: "error", reason, field, message, fix });
