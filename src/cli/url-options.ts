import { type Command, InvalidArgumentError } from "commander";
import type { UrlToken } from "../operator/production-traffic.ts";
import { collect } from "./collect.ts";

export interface UrlOptions {
  readonly allowUrl: readonly string[];
  readonly prometheusTokenFile: readonly UrlToken[];
}

/** Whom the program may ask for a user, and how it is known there. */
export const withUrlOptions = (command: Command): Command =>
  command
    .option(
      "--allow-url <url>",
      "traces, metrics pages and series of Prometheus may be fetched from URLs below this one, and series pushed there; may be repeated",
      collect,
      [],
    )
    .option(
      "--prometheus-token-file <url=file>",
      "a file with the bearer token for a Prometheus below this URL, which is thereby allowed; may be repeated",
      tokenOf,
      [],
    );

const tokenOf = (text: string, before: readonly UrlToken[]): readonly UrlToken[] => {
  const at = text.lastIndexOf("=");
  const [url, file] = [text.slice(0, at), text.slice(at + 1)];
  if (at <= 0 || file === "" || !URL.canParse(url))
    throw new InvalidArgumentError("write URL=FILE, such as https://prometheus:9090=/var/run/prometheus/token");
  return [...before, { url, file }];
};
