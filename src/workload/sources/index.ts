export {
  type ClientSaid,
  meanRate,
  peakRate,
  type SyntheticWorkload,
  syntheticSource,
  syntheticWorkload,
} from "./synthetic.ts";
