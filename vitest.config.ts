import { defineConfig } from "vitest/config";

/** `npm test` runs everything that needs no server; `npm run test:all` adds what takes long, and the real control plane, Prometheus and browser. */
const needsParts = ["test/**/*.server.test.ts", "test/**/*.browser.test.ts", "test/env/*.test.ts"];
const takesLong = ["test/**/*.long.test.ts"];

export default defineConfig({
  test: {
    // Left to itself it keeps one core free, which on two cores is every other one.
    maxWorkers: "100%",
    projects: [
      {
        test: {
          name: "everyday",
          // Nothing here leaves anything behind in its modules, and most of the time went into loading them anew per file.
          isolate: false,
          include: ["test/**/*.test.ts"],
          exclude: [...needsParts, ...takesLong],
          globalSetup: ["test/build-once.ts"],
          testTimeout: 90_000,
        },
      },
      {
        test: {
          name: "long",
          include: takesLong,
          globalSetup: ["test/build-once.ts"],
          testTimeout: 240_000,
          hookTimeout: 240_000,
        },
      },
      {
        test: {
          name: "parts",
          include: needsParts,
          globalSetup: ["test/build-once.ts", "test/env/build-once.ts"],
          testTimeout: 120_000,
          hookTimeout: 120_000,
          // Each of these files starts servers of its own; two cores carry one at a time.
          fileParallelism: false,
        },
      },
    ],
  },
});
