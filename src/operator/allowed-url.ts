import type { Problem } from "../model/problem.ts";

/** What is wrong with a URL of a spec: no URL at all, or none that the installer allows; undefined: nothing. */
export const urlProblem = (url: string, allowedUrls: readonly string[], field: string): Problem | undefined => {
  if (!URL.canParse(url)) {
    const message = `${url} is not a URL`;
    return { severity: "error", field, reason: "BadUrl", message, fix: "write https://host/path" };
  }
  if (allowedUrls.some((allowed) => covers(allowed, url))) return undefined;
  const message = `${url} is not on the operator's allow list`;
  return { severity: "error", field, reason: "UrlNotAllowed", message, fix: "ask the installer for --allow-url" };
};

/** Same origin, and a path that the allowed one leads to: compared as parsed, so that no spelling slips through. */
export const covers = (allowed: string, url: string): boolean => {
  if (!URL.canParse(allowed)) return false;
  const [rule, asked] = [new URL(allowed), new URL(url)];
  const prefix = rule.pathname.endsWith("/") ? rule.pathname : `${rule.pathname}/`;
  return (
    rule.origin === asked.origin &&
    asked.username === "" &&
    asked.password === "" &&
    (asked.pathname === rule.pathname || asked.pathname.startsWith(prefix))
  );
};
