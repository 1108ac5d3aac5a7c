import { describe, expect, it } from "vitest";
import { retryAfterOf } from "../../src/model/retry-after.ts";

const clock = { now: () => Date.UTC(2026, 0, 1), parse: Date.parse };

describe("Retry-After", () => {
  it.each([
    ["7", 7],
    ["Thu, 01 Jan 2026 00:00:09 GMT", 9],
    ["Thursday, 01-Jan-26 00:00:09 GMT", 9],
    ["Thu, 01 Jan 2015 00:00:09 GMT", 0],
    ["86400", 300],
    ["Fri, 02 Jan 2026 00:00:00 GMT", 300],
    ["soon", undefined],
    [undefined, undefined],
    [null, undefined],
  ])("%s: %s s", (header, seconds) => expect(retryAfterOf(header, 300, clock)).toBe(seconds));
});
