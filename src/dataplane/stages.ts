import type { Placed } from "./ask.ts";
import type { Decider } from "./decider.ts";
import type { Profiles } from "./handler.ts";

/** Decode is picked, then prefill if there is such a profile and its decider wants it; without decode nothing goes. */
export const decodeFirst = (
  profiles: Profiles,
  decode: string,
  prefill: string,
  decider: Decider | undefined,
): Placed | undefined => {
  const primary = profiles.run(decode);
  if (primary < 0) return undefined;
  const apart = profiles.names.includes(prefill) && decider?.disaggregate(profiles.ask, primary) === true;
  return profiles.placed(primary, apart ? profiles.run(prefill, primary) : -1);
};

/** Prefill is picked, then decode near it. */
export const prefillFirst = (profiles: Profiles, decode: string, prefill: string): Placed | undefined => {
  const first = profiles.names.includes(prefill) ? profiles.run(prefill) : -1;
  const primary = profiles.run(decode, first);
  return primary < 0 ? undefined : profiles.placed(primary, first);
};
