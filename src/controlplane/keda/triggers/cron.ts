import * as z from "zod";
import { bad, good, type Problem, type Result } from "../../../model/problem.ts";
import { toSeconds } from "../../../sim/time.ts";
import { type CronSchedule, cronSchedule } from "../cron-schedule.ts";
import { externalTarget } from "../external-target.ts";
import { floatMilli } from "../float-quantity.ts";
import { requiredInteger, requiredText } from "../metadata.ts";
import type { Zone } from "../posix-zone.ts";
import { timeZones } from "../time-zones.ts";
import { metricNameOf, triggerProblem, triggerType } from "../trigger.ts";

/**
 * `desiredReplicas` from each `start` to the next `end`, by the clocks of `timezone`; else 0.
 * Source: pkg/scalers/cron_scaler.go, kedacore/keda v2.20.
 */
export const cron = triggerType({
  name: "cron",
  summary: "a number of replicas between two times of a schedule",
  params: () =>
    z.object({
      start: requiredText("start"),
      end: requiredText("end"),
      timezone: requiredText("timezone"),
      desiredReplicas: requiredInteger("desiredReplicas"),
    }),
  create: (params, { index, said, startUnixSeconds }) => {
    const times = timesOf(params, startUnixSeconds);
    if (!times.ok) return times;
    const target = externalTarget(said.metricType, 1000n, "metricType");
    if (!target.ok) return target;
    const { timezone, start, end } = params;
    const metric = metricNameOf(index, `cron-${timezone}-${inName(start)}-${inName(end)}`);
    const inside = insideOf(times.value);
    return good({
      metric: { type: "External", metric, selector: {}, target: target.value },
      activation: 0,
      scaler: {
        queries: [],
        measure: ({ now }) => {
          const active = inside(times.value.startUnixSeconds + toSeconds(now));
          return { ok: true, milli: floatMilli(active ? params.desiredReplicas : 0), active };
        },
      },
    });
  },
});

interface Times {
  readonly start: CronSchedule;
  readonly end: CronSchedule;
  readonly zone: Zone;
  readonly startUnixSeconds: number;
}

const timesOf = (
  said: { readonly start: string; readonly end: string; readonly timezone: string; readonly desiredReplicas: number },
  startUnixSeconds: number | undefined,
): Result<Times> => {
  const [start, end] = [scheduleAt("start", said.start), scheduleAt("end", said.end)];
  const problems: Problem[] = [...(start.ok ? [] : start.problems), ...(end.ok ? [] : end.problems)];
  if (said.start === said.end) {
    problems.push(triggerProblem("metadata.end", "start and end can not have exactly same time input"));
  }
  if (said.desiredReplicas === 0) {
    problems.push(triggerProblem("metadata.desiredReplicas", "no desiredReplicas specified"));
  }
  const zone = timeZones().get(said.timezone);
  if (zone === undefined) {
    const message = `unable to load timezone: unknown time zone ${said.timezone}`;
    problems.push(triggerProblem("metadata.timezone", message, "name one of the IANA database, such as Europe/Berlin"));
  }
  if (startUnixSeconds === undefined) {
    problems.push({
      ...triggerProblem("metadata.timezone", "a schedule needs the date and time at which the simulated world begins"),
      reason: "NoStartTime",
    });
  }
  if (!start.ok || !end.ok || zone === undefined || startUnixSeconds === undefined || problems.length > 0)
    return bad(...problems);
  return good({ start: start.value, end: end.value, zone, startUnixSeconds });
};

const scheduleAt = (name: "start" | "end", text: string): Result<CronSchedule> => {
  const read = cronSchedule(text);
  if (read.ok) return read;
  const said = read.problems.map((problem) => ({
    ...problem,
    field: `metadata.${name}`,
    message: `error parsing ${name} schedule: ${problem.message}`,
  }));
  return { ok: false, problems: said };
};

/**
 * Whether an instant lies inside, as KEDA asks: its end comes before its next start. A schedule that never fires counts as
 * having fired in the year 1. What comes next is kept until it has come.
 */
const insideOf = ({ start, end, zone }: Times): ((unixSeconds: number) => boolean) => {
  const [nextStart, nextEnd] = [upcoming(start, zone), upcoming(end, zone)];
  return (now) => {
    const [from, to] = [nextStart(now), nextEnd(now)];
    return from < to ? now > from && now < to : now > from || now < to;
  };
};

const upcoming = (schedule: CronSchedule, zone: Zone): ((unixSeconds: number) => number) => {
  let [since, next] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  return (now) => {
    if (now >= since && (now < next || next === Number.NEGATIVE_INFINITY)) return next;
    [since, next] = [now, schedule.next(now, zone) ?? Number.NEGATIVE_INFINITY];
    return next;
  };
};

/** A schedule as it stands in the metric's name. Source: parseCronTimeFormat. */
const inName = (schedule: string): string =>
  schedule.replaceAll(" ", "").replaceAll("*", "x").replaceAll("/", "Sl").replaceAll("?", "Qm").replaceAll(",", "Cm");
