import type { Placed } from "./ask.ts";
import type { Profiles } from "./handler.ts";

/** The only profile's pick. */
export const placeBySingle = (profiles: Profiles): Placed | undefined => {
  const primary = profiles.run(profiles.names[0] as string);
  return primary < 0 ? undefined : profiles.placed(primary, -1);
};
