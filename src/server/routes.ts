import * as z from "zod";
import { openApi } from "./openapi.ts";
import { detailPage, listPage, missingPage, type PageContext } from "./page.ts";
import type { Parameter, Route, ServerParts } from "./route.ts";
import { HTML, JSON_TYPE, send, sendJson, sendProblem, sendTagged } from "./send.ts";
import { timelinesOf } from "./timelines.ts";
import {
  problemDetails,
  type SimulationDetail,
  type SimulationSummary,
  simulationDetail,
  simulationList,
  sweepDocument,
  timelines,
} from "./view.ts";

const MOST = 500;
const USUAL = 100;

const namespace: Parameter = {
  name: "namespace",
  in: "path",
  description: "Of the InferenceSimulation.",
  schema: z.string().min(1).max(63),
  right: "1 to 63 characters",
};
const name: Parameter = {
  ...namespace,
  name: "name",
  schema: z.string().min(1).max(253),
  right: "1 to 253 characters",
};
const digest: Parameter = {
  ...namespace,
  name: "digest",
  description: "Of the files' bytes.",
  schema: z.string().max(64),
  right: "what the page says",
};
const file: Parameter = {
  ...digest,
  name: "file",
  description: "Its name.",
  schema: z.enum(["page.js", "page.css"]),
  right: "page.js or page.css",
};
const limit: Parameter = {
  name: "limit",
  in: "query",
  description: `At most so many, 1 to ${MOST}; ${USUAL} if left out.`,
  schema: z
    .string()
    .regex(/^[1-9]\d{0,2}$/)
    .refine((text) => Number(text) <= MOST)
    .transform(Number),
  right: `a whole number from 1 to ${MOST}`,
};
const from: Parameter = {
  name: "continue",
  in: "query",
  description: "Those after this namespace and name; what `continue` of the answer before said.",
  schema: z
    .string()
    .max(317)
    .regex(/^[^/]+\/.+$/),
  right: "namespace/name, as the answer before gave it",
};

const MISSING = {
  status: 404,
  description: "There is no such simulation.",
  contentType: "application/problem+json",
  schema: problemDetails,
};
const page = (description: string) => ({ status: 200, description, contentType: "text/html" });
const json = (description: string, schema: z.ZodType) => ({
  status: 200,
  description,
  contentType: "application/json",
  schema,
});
const text = (status: number, description: string) => ({ status, description, contentType: "text/plain" });

/** Everything that the server answers. */
export const ROUTES: readonly Route[] = [
  {
    path: "/healthz",
    id: "healthy",
    summary: "Whether the process answers.",
    answers: [text(200, "It does.")],
    handle: (_parts, _request, response) => response.type("text/plain").send("ok\n"),
  },
  {
    path: "/readyz",
    id: "ready",
    summary: "Whether the operator has read what it watches.",
    answers: [text(200, "It has."), text(503, "Not yet, and why.")],
    handle: (parts, _request, response) => {
      const why = parts.notReady();
      response
        .status(why === undefined ? 200 : 503)
        .type("text/plain")
        .send(`${why ?? "ok"}\n`);
    },
  },
  {
    path: "/metrics",
    id: "metrics",
    summary: "Simulated series and the operator's own, as Prometheus text or OpenMetrics: by the Accept header.",
    answers: [
      text(200, "A scrape."),
      { status: 200, description: "A scrape.", contentType: "application/openmetrics-text" },
    ],
    handle: async (parts, request, response) => {
      const { contentType, chunks } = await parts.metrics(request.get("accept"));
      await send(request, response.vary("accept"), contentType, chunks);
    },
  },
  {
    path: "/",
    id: "listPage",
    summary: "The page with every simulation.",
    parameters: [limit, from],
    answers: [page("The list.")],
    handle: (parts, request, response, given) => {
      const { shown, next } = cut(parts.simulations(), given);
      return sendTagged(request, response, HTML, listPage(contextOf(parts), shown, next));
    },
  },
  {
    path: "/simulations/{namespace}/{name}",
    id: "simulationPage",
    summary: "The page of one simulation.",
    parameters: [namespace, name],
    answers: [page("The simulation."), { ...page("There is no such simulation."), status: 404 }],
    handle: (parts, request, response, given) => {
      const { found, missing } = wanted(parts, given);
      if (found !== undefined) return sendTagged(request, response, HTML, detailPage(contextOf(parts), found));
      return send(request, response.status(404), HTML, missingPage(contextOf(parts), missing));
    },
  },
  {
    path: "/assets/{digest}/{file}",
    id: "asset",
    summary: "Script and style sheet of the pages; their addresses change with their bytes.",
    parameters: [digest, file],
    answers: [
      { status: 200, description: "The script.", contentType: "text/javascript" },
      { status: 200, description: "The style sheet.", contentType: "text/css" },
      { ...MISSING, description: "There is no such file, or only another edition of it." },
    ],
    handle: ({ assets }, request, response, given) => {
      const asset = given.digest === assets.digest ? assets.files[String(given.file)] : undefined;
      if (asset === undefined) return sendProblem(request, response, 404, `there is nothing at ${request.path}`);
      response.set("cache-control", "public, max-age=31536000, immutable");
      return send(request, response, asset.contentType, asset.text);
    },
  },
  {
    path: "/api/v1/openapi.json",
    id: "openApi",
    summary: "This document.",
    answers: [json("OpenAPI 3.1.", z.looseObject({ openapi: z.string() }))],
    handle: (_parts, request, response) => sendJson(request, response, openApi(ROUTES)),
  },
  {
    path: "/api/v1/simulations",
    id: "listSimulations",
    summary: "Every simulation in short.",
    parameters: [limit, from],
    answers: [json("Some of them, in order.", simulationList)],
    handle: (parts, request, response, given) => {
      const { shown, next } = cut(parts.simulations(), given);
      const more = next === undefined ? {} : { continue: next };
      return sendJson(request, response, { simulations: shown.map(summaryOf), ...more });
    },
  },
  {
    path: "/api/v1/simulations/{namespace}/{name}",
    id: "readSimulation",
    summary: "All that is known of one simulation.",
    parameters: [namespace, name],
    answers: [json("The simulation.", simulationDetail), MISSING],
    handle: (parts, request, response, given) => {
      const { found, missing } = wanted(parts, given);
      return found === undefined ? sendProblem(request, response, 404, missing) : sendJson(request, response, found);
    },
  },
  {
    path: "/api/v1/simulations/{namespace}/{name}/timelines",
    id: "readTimelines",
    summary: "Courses over simulated time of each scenario of one simulation, as the page draws them.",
    parameters: [namespace, name],
    answers: [json("One entry per scenario.", timelines), MISSING],
    handle: (parts, request, response, given) => {
      const { found, missing } = wanted(parts, given);
      return found === undefined
        ? sendProblem(request, response, 404, missing)
        : sendJson(request, response, timelinesOf(found.runs));
    },
  },
  {
    path: "/api/v1/simulations/{namespace}/{name}/sweep",
    id: "readSweep",
    summary: "All that the sweep of one simulation found, to the letter what `servetwin sweep -o json` prints.",
    parameters: [namespace, name],
    answers: [
      json("What was found.", sweepDocument),
      {
        ...MISSING,
        description:
          "There is no such simulation, or its sweep has not ended, or is not found again since the operator was started.",
      },
    ],
    handle: (parts, request, response, given) => {
      const { found, missing } = wanted(parts, given);
      if (found === undefined) return sendProblem(request, response, 404, missing);
      const document = parts.sweep(found.namespace, found.name);
      if (document !== undefined)
        return sendTagged(request, response, JSON_TYPE, `${JSON.stringify(document, null, 2)}\n`);
      const why =
        found.sweep === undefined
          ? "it has found nothing yet"
          : "what an earlier process found is not found again yet; status.sweep has the best";
      return sendProblem(request, response, 404, `there is no sweep of ${keyOf(found)} here: ${why}`);
    },
  },
];

const contextOf = (parts: ServerParts): PageContext => ({
  assets: `/assets/${parts.assets.digest}`,
  version: parts.version,
  place: parts.place,
  problems: parts.problems(),
});

const wanted = (parts: ServerParts, given: { namespace?: unknown; name?: unknown }) => {
  const [inNamespace, named] = [String(given.namespace), String(given.name)];
  return {
    found: parts.simulation(inNamespace, named),
    missing: `there is no InferenceSimulation ${inNamespace}/${named}`,
  };
};

const keyOf = ({ namespace: inNamespace, name: named }: SimulationSummary): string => `${inNamespace}/${named}`;

/** The part of the list that was asked for, and after what to ask for more. Goes by name, so that none is left out when others go meanwhile. */
const cut = (all: readonly SimulationDetail[], given: { limit?: unknown; continue?: unknown }) => {
  const after = typeof given.continue === "string" ? given.continue : "";
  const slash = after.indexOf("/");
  const [afterNamespace, afterName] = [after.slice(0, Math.max(0, slash)), after.slice(slash + 1)];
  const rest = all.filter(
    (one) => one.namespace > afterNamespace || (one.namespace === afterNamespace && one.name > afterName),
  );
  const shown = rest.slice(0, typeof given.limit === "number" ? given.limit : USUAL);
  const last = shown.at(-1);
  return { shown, next: last === undefined || shown.length === rest.length ? undefined : keyOf(last) };
};

const summaryOf = ({
  spec: _spec,
  status: _status,
  mirrored: _mirrored,
  derivation: _derivation,
  sweep: _sweep,
  runs: _runs,
  ...summary
}: SimulationDetail): SimulationSummary => summary;
