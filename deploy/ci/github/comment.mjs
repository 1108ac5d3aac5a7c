// Puts a report on a pull request: into the comment that bears our mark, else into a new one. comment.mjs FILE
import { readFileSync } from "node:fs";

const MARK = "<!-- servetwin check -->";
/** GitHub takes 65 536 characters. */
const MOST = 65_000;

const { GITHUB_API_URL, GITHUB_REPOSITORY, GITHUB_TOKEN, PULL_REQUEST } = process.env;
const issues = `${GITHUB_API_URL}/repos/${GITHUB_REPOSITORY}/issues`;

const ask = async (method, url, body) => {
  const answer = await fetch(url, {
    method,
    headers: {
      accept: "application/vnd.github+json",
      authorization: `Bearer ${GITHUB_TOKEN}`,
      "content-type": "application/json",
      "x-github-api-version": "2022-11-28",
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  // A fork's token may not write: the report stands in the job's summary as well.
  if (answer.status === 403) {
    console.warn("the token may not comment on this pull request; the report is in the job's summary");
    process.exit(0);
  }
  if (!answer.ok) throw new Error(`${method} ${url} answers ${answer.status}: ${await answer.text()}`);
  return answer.json();
};

const own = async () => {
  for (let page = 1; ; page += 1) {
    const comments = await ask("GET", `${issues}/${PULL_REQUEST}/comments?per_page=100&page=${page}`);
    const found = comments.find(({ body }) => body?.startsWith(MARK));
    if (found !== undefined || comments.length < 100) return found;
  }
};

const text = readFileSync(process.argv[2], "utf8");
const cut = text.length > MOST ? `${text.slice(0, MOST)}\n\n… the rest is in the job's summary` : text;
const body = `${MARK}\n${cut}`;
const before = await own();
if (before === undefined) await ask("POST", `${issues}/${PULL_REQUEST}/comments`, { body });
else if (before.body !== body) await ask("PATCH", `${issues}/comments/${before.id}`, { body });
