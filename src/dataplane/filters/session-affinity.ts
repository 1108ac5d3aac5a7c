import { filter, keepAll } from "../filter.ts";
import { sessionParams, sessionsOf } from "../sessions.ts";

/** The endpoint of the request's session alone, while it is a candidate; else all (llm-d-router v0.9). */
export const sessionAffinity = filter({
  name: "session-affinity-filter",
  summary: "keep only the endpoint that served the session before",
  params: sessionParams,
  create: (params) => {
    const sessions = sessionsOf(params);
    return {
      blind: true,
      keep(ask, into) {
        const at = sessions.find(ask);
        if (at < 0) return keepAll(ask, into);
        into[0] = at;
        return 1;
      },
      placed: (ask, placed) => sessions.placed(ask, placed),
      firstToken: (id, endpoint) => sessions.firstToken(id, endpoint),
      ended: (id) => sessions.ended(id),
    };
  },
});
