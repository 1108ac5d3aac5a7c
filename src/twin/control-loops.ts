import type { ControlLoop } from "../controlplane/control-loop.ts";
import type { Streams } from "../sim/rng.ts";
import type { Scenario } from "./scenario.ts";

/** The controllers beside the HPAs that act in a world, in the order in which they go where several are due. */
export const controlLoopsOf = (_scenario: Scenario, _streams: Streams): readonly ControlLoop[] => [];
