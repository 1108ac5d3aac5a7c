#!/usr/bin/env node
import module from "node:module";

// Node keeps what it compiled from one start to the next, from 22.1 on: a third of the time to start. What starts is
// imported afterwards, so that it has its share in that.
(module as { enableCompileCache?: () => unknown }).enableCompileCache?.();
await import("./program.ts");
