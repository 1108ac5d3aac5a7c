import * as z from "zod";
import { durationOf, durationText } from "../../model/duration.ts";
import { exponential } from "../../sim/draw.ts";
import { arrivalProcess } from "../arrival.ts";

/**
 * A Poisson process that is switched on and off at exponential times (a Markov-modulated Poisson process of two states;
 * Fischer and Meier-Hellstern, 1993). The client's rate is the mean over both. Periods have their lengths where the
 * pattern's factor is 1: where it is 2, they pass twice as fast.
 */
export const onOff = arrivalProcess({
  name: "on-off",
  summary: "bursts: Poisson arrivals while on, fewer or none while off, both for exponential times",
  params: () =>
    z.object({
      burst: durationText.meta({ description: "Mean length of a burst." }),
      pause: durationText.meta({ description: "Mean length of a pause between bursts." }),
      pauseShare: z
        .number()
        .min(0)
        .max(1)
        .default(0)
        .meta({ description: "Rate in a pause over the rate in a burst; 0: no arrivals." }),
    }),
  create: ({ burst, pause, pauseShare }, { rng, ratePerSecond }) => {
    // Zero-length periods would never let time pass.
    const [onGaps, offGaps] = [burst, pause].map((text) => (Math.max(1, durationOf(text)) / 1e6) * ratePerSecond) as [
      number,
      number,
    ];
    const onRate = (onGaps + offGaps) / (onGaps + offGaps * pauseShare);
    const lengthOf = (isOn: boolean): number => exponential(rng, isOn ? onGaps : offGaps);
    let isOn = rng.next() * (onGaps + offGaps) < onGaps;
    let left = lengthOf(isOn);
    const gap = (): number => {
      let passed = 0;
      for (;;) {
        const rate = isOn ? onRate : onRate * pauseShare;
        const next = rate === 0 ? Number.POSITIVE_INFINITY : exponential(rng, 1 / rate);
        if (next <= left) {
          left -= next;
          return passed + next;
        }
        passed += left;
        isOn = !isOn;
        left = lengthOf(isOn);
      }
    };
    return { first: gap, gap };
  },
});
