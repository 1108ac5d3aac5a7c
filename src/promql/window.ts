/** Samples of one series within a range: those of the arrays from `from` to before `to`. No staleness markers. */
export class Window {
  times = new Float64Array(0);
  values = new Float64Array(0);
  from = 0;
  to = 0;
  /** The range is left-open: after this, … */
  startMs = 0;
  /** … up to and with this. */
  endMs = 0;
  /** When the query is evaluated; with an offset that is not the end of the range. */
  atMs = 0;

  get count(): number {
    return this.to - this.from;
  }
}
