// Templates of header values, rewrites, redirects and bodies: text with placeholders such as {client.ip}. This is
// the grammar and the list of names; proxy/placeholders.ts makes them into functions.
// A brace is a placeholder only where a name and "}" follow, so that JSON and CSS can stand as they are; a name that
// is not known is an error. "{{" is a brace by itself.
import { errorOf } from "./address.ts";
import type { Problem } from "./config.ts";
import { suggestionHint } from "./suggest.ts";

/** Placeholders by name, with what they stand for. */
export const PLACEHOLDERS = {
  "client.ip": "address of the client, or what a trusted proxy says it is",
  "client.port": "port of the client's connection",
  "request.id": "the request's X-Request-Id",
  "request.method": "method",
  "request.scheme": "http or https",
  "request.host": "host of the request, without its port",
  "request.path": "path as it was received, without the query",
  "request.query": "query, without its “?”",
  "request.target": "path and query as they were received",
  uri: "short for request.target",
  route: "name of the route",
  upstream: "name of the upstream",
  endpoint: "address of the endpoint",
  path: "path after strip",
  status: "status of the response",
  cause: "cause of a failure, such as connect-refused",
  name: "name of this deployment",
} as const;

/** Placeholders that take a name or number of their own. */
export const PLACEHOLDER_FAMILIES = {
  "request.header": "a field of the request: {request.header.Accept-Language}",
  "request.cookie": "a cookie of the request: {request.cookie.session}",
  path: "what the n-th “*” or group of the route's path matched: {path.1}",
} as const;

/** What is known when the request goes out: there is no response and no failure yet. */
export const REQUEST_PLACEHOLDERS: readonly string[] = [
  ...Object.keys(PLACEHOLDERS).filter((name) => name !== "status" && name !== "cause"),
  "request.header",
  "request.cookie",
];

export type PlaceholderName = keyof typeof PLACEHOLDERS;
export type TemplatePart =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "value"; readonly name: PlaceholderName }
  | { readonly kind: "header" | "cookie"; readonly name: string }
  /** Counts from 1. */
  | { readonly kind: "capture"; readonly index: number };

/** Splits a template into its parts; `allowed` narrows the names (families by their prefix: "request.header"). */
export function parseTemplate(text: string, allowed?: readonly string[]): readonly TemplatePart[] | Problem {
  const parts: TemplatePart[] = [];
  let literal = "";
  let at = 0;
  for (const match of text.matchAll(/\{\{|\{([A-Za-z_][\w.-]*)\}/g)) {
    literal += text.slice(at, match.index);
    at = match.index + match[0].length;
    if (match[1] === undefined) {
      literal += "{";
      continue;
    }
    const part = partOf(match[1], allowed);
    if ("message" in part) return part;
    if (literal !== "") parts.push({ kind: "text", text: literal });
    literal = "";
    parts.push(part);
  }
  literal += text.slice(at);
  if (literal !== "") parts.push({ kind: "text", text: literal });
  return parts;
}

function partOf(name: string, allowed: readonly string[] | undefined): TemplatePart | Problem {
  const mayUse = (key: string) => allowed === undefined || allowed.includes(key);
  if (Object.hasOwn(PLACEHOLDERS, name) && mayUse(name)) return { kind: "value", name: name as PlaceholderName };
  const member = /^(request\.header|request\.cookie|path)\.(.+)$/.exec(name);
  if (member && mayUse(member[1]!)) {
    const key = member[2]!;
    if (member[1] === "request.header") return { kind: "header", name: key.toLowerCase() };
    if (member[1] === "request.cookie") return { kind: "cookie", name: key };
    if (/^[1-9]\d?$/.test(key)) return { kind: "capture", index: Number(key) };
  }
  const known = [...Object.keys(PLACEHOLDERS), "request.header.NAME", "request.cookie.NAME", "path.1"];
  const usable = known.filter((key) => mayUse(key.replace(/\.(?:NAME|1)$/, "")));
  return errorOf(
    `unknown placeholder "{${name}}"`,
    `${suggestionHint(name, usable).replace(/"([^"]+)"/, '"{$1}"')} (a brace by itself is written "{{")`,
  );
}
