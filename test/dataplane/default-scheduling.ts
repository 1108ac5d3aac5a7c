import { type SchedulingSaid, schedulingSaid } from "../../src/dataplane/scheduling.ts";

/** What llm-d-router v0.9 does without a configuration. */
export const DEFAULT_SCHEDULING: SchedulingSaid = schedulingSaid.parse({
  scorers: ["queue-scorer", "kv-cache-utilization-scorer", "prefix-cache-scorer"].map((type) => ({
    name: type,
    plugin: { type },
  })),
  profiles: [
    {
      name: "default",
      scorers: [
        { ref: "queue-scorer", weight: 2 },
        { ref: "kv-cache-utilization-scorer", weight: 2 },
        { ref: "prefix-cache-scorer", weight: 3 },
      ],
    },
  ],
});
