import * as z from "zod";
import { ordering } from "../ordering.ts";

/** First come, first served. Source: llm-d-router (August 2026), flowcontrol/ordering/fcfs: the EPP's default. */
export const fcfsOrderingPolicy = ordering({
  name: "fcfs-ordering-policy",
  summary: "first come, first served within a flow: the EPP's default",
  params: () => z.object({}),
  create: () => ({ key: (_head, enqueuedAt) => enqueuedAt }),
});
