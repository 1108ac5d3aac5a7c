// Loaded before the operator (`node --import`): its wall clock is off by as many milliseconds as the file SOAK_CLOCK says.
import { readFileSync } from "node:fs";

const RealDate = Date;
let offset = 0;
const look = () => {
  try {
    offset = Number(readFileSync(process.env.SOAK_CLOCK, "utf8")) || 0;
  } catch {
    // Being written just now.
  }
};
look();
setInterval(look, 100).unref();
globalThis.Date = class Date extends RealDate {
  constructor(...said) {
    if (said.length === 0) super(RealDate.now() + offset);
    else super(...said);
  }
  static now() {
    return RealDate.now() + offset;
  }
};
