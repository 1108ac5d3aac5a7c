import { cpu } from "./cpu.ts";
import { cron } from "./cron.ts";
import { memory } from "./memory.ts";
import { prometheus } from "./prometheus.ts";

/** Types of triggers that are simulated as KEDA runs them. */
export const triggerTypes = [prometheus, cron, cpu, memory] as const;
