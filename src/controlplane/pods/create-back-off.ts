import { type Micros, micros } from "../../sim/time.ts";

const FIRST_MICROS = 5_000;
const LONGEST_MICROS = 1000e6;

/**
 * How long the controller of a ReplicaSet or StatefulSet waits until it tries again to create pods that the API server
 * refused: 5 ms, twice as long each time, at most 1000 s.
 *
 * @param failures in a row before this one
 * Source: DefaultTypedControllerRateLimiter in client-go v0.36, with which pkg/controller/replicaset and statefulset queue what
 * failed. Left out: its bound of 10 a second over all objects.
 */
export const createDelay = (failures: number): Micros => micros(Math.min(FIRST_MICROS * 2 ** failures, LONGEST_MICROS));
