import { alike } from "../columns.ts";
import { scorer } from "../scorer.ts";
import { sessionParams, sessionsOf } from "../sessions.ts";

/** 1 for the endpoint of the request's session, 0 for all others: one vote among others (llm-d-router v0.9). */
export const sessionAffinity = scorer({
  name: "session-affinity-scorer",
  summary: "prefer the endpoint that served the session before",
  params: sessionParams,
  create: (params) => {
    const sessions = sessionsOf(params);
    return {
      blind: true,
      score(ask, into) {
        alike(ask, into, 0);
        const at = sessions.find(ask);
        if (at >= 0) into[at] = 1;
      },
      placed: (ask, placed) => sessions.placed(ask, placed),
      firstToken: (id, endpoint) => sessions.firstToken(id, endpoint),
      ended: (id) => sessions.ended(id),
    };
  },
});
