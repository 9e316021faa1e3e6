// What machines ask besides the API: the probes, figures for Prometheus, the two lists of /api/, the reference, and a
// plain index where there is no page. GET and HEAD only.
import type { ServerResponse } from "node:http";
import { METRICS_TYPE } from "../observe/metrics-text.ts";
import { html } from "../std/html.ts";
import { send, within } from "./answer.ts";
import type { ConsoleOptions } from "./options.ts";

const ANSWER_MS = 5_000;
const NAME = "Goodgate console";

/** Nobody has to be known for these: whoever watches processes has no token. */
export function isProbe(path: string): boolean {
  return path === "/healthz" || path === "/readyz";
}

/** Answers what machines ask. */
export async function answerMachine(
  options: ConsoleOptions,
  path: string,
  query: string,
  response: ServerResponse,
): Promise<void> {
  if (path === "/healthz") return send(response, 200, "ok\n");
  if (path === "/readyz") {
    const { ok, reasons } = await within(ANSWER_MS, options.ready());
    return send(response, ok ? 200 : 503, ok ? "ready\n" : `not ready\n${reasons.map((why) => `${why}\n`).join("")}`);
  }
  if (path === "/metrics") return send(response, 200, await within(ANSWER_MS, options.metrics()), METRICS_TYPE);
  if (options.api && Object.hasOwn(options.api, path)) {
    const value = await within(ANSWER_MS, options.api[path]!());
    return send(response, 200, `${JSON.stringify(value)}\n`, "application/json");
  }
  if (path === "/") return send(response, 200, indexPage(options), "text/html; charset=utf-8");
  if (path === "/reference" || path.startsWith("/reference/")) return answerReferencePage(path, query, response);
  return send(response, 404, NOT_FOUND);
}

const NOT_FOUND =
  "Not found. There are /reference/, /healthz, /readyz, /metrics, /api/avoided, /api/events and /api/v1/openapi.json.\n";

async function answerReferencePage(path: string, query: string, response: ServerResponse): Promise<void> {
  // Loaded when somebody reads it: explain and the pages are as much code as the gateway itself.
  const { answerReference } = await import("./reference.ts");
  const { status, headers, body } = await within(ANSWER_MS, answerReference(path, query));
  const bytes = Buffer.from(body);
  response.writeHead(status, { ...headers, "Content-Length": bytes.length }).end(bytes);
}

const WORDS: Readonly<Record<string, string>> = {
  "/reference/": "every gateway error, its cause and its fix; paste yours",
  "/healthz": "the process lives",
  "/readyz": "it should get traffic",
  "/metrics": "figures for Prometheus",
  "/api/avoided": "gateway errors avoided and shown, by day",
  "/api/events": "what happened to upstreams and endpoints, newest first",
  "/api/v1/openapi.json": "the API",
};

function indexPage({ api, backend }: ConsoleOptions): string {
  const paths = ["/reference/", "/healthz", "/readyz", "/metrics", ...Object.keys(api ?? {})];
  if (backend) paths.push("/api/v1/openapi.json");
  const items = paths.map((path) => html`<li><a href="${path}">${path}</a>: ${WORDS[path] ?? "JSON"}\n`);
  const page = html`<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${NAME}</title>
<h1>${NAME}</h1>
${backend ? html`<p>The page itself is not built here: <code>npm run build</code> makes it.\n` : ""}<ul>
${items}</ul>
</html>
`;
  return page.toString();
}
