import { destination, pino } from "pino";
import type { Log } from "../store/log.ts";
import { LOG_LEVELS, type LogLevel } from "./log-levels.ts";

/**
 * One JSON object per line on standard error: `level`, `time`, `message`, and what it is about in fields of its own; an
 * InferenceSimulation is `simulation: namespace/name`, as in the labels of metrics.
 */
export const jsonLog = (level: LogLevel): Log => {
  const logger = pino(
    {
      level,
      base: null,
      messageKey: "message",
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
    },
    // Nothing is lost when the process ends.
    destination({ fd: 2, sync: true }),
  );
  return ({ level: said, message, ...fields }) => logger[levelOf(said)](fields, String(message));
};

const levelOf = (said: unknown): LogLevel =>
  said === "warning" ? "warn" : (LOG_LEVELS.find((level) => level === said) ?? "info");
