import type { CompiledRegexp } from "../controlplane/prometheus-adapter/index.ts";
import { compileRegexp, RegexpError } from "../promql/regexp.ts";

/**
 * An unanchored regular expression of RE2's syntax, as Go's regexp.Compile takes it, matched in time proportional to the
 * text: PromQL's, which match whole texts, between as little as possible before and anything after.
 */
export const searchRegexp = (pattern: string): CompiledRegexp => {
  try {
    const { groups } = compileRegexp(pattern);
    // `.` of the pattern itself matches no line break.
    const around = compileRegexp(`.*?((?-s:${pattern})).*`);
    return { ok: true, regexp: { groups, search: (text) => around.exec(text)?.slice(1) } };
  } catch (error) {
    if (error instanceof RegexpError) return { ok: false, message: error.message };
    throw error;
  }
};
