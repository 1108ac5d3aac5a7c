import * as z from "zod";
import { admission } from "../admission.ts";

/** Nobody may enter; for tests. Source: BLIS, sim/admission.go. */
export const rejectAll = admission({
  name: "reject-all",
  summary: "no request may enter, as BLIS's template for tests",
  params: () => z.object({}),
  create: () => ({ readsSignals: false, refusal: () => "reject-all" }),
});
