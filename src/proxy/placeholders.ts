// Templates of header values, rewrites, redirects and bodies, compiled once: text and functions in a row, so that
// rendering is a concatenation. What a template reads is asked of the exchange when it is rendered, and not before.
// The grammar and the names are config/template.ts's. Values come from clients, so CR, LF and NUL are taken out of
// each: a value can never begin another header line.
import type { Problem } from "../config/config.ts";
import { type PlaceholderName, parseTemplate, type TemplatePart } from "../config/template.ts";

/** What an exchange tells templates; each is asked only where a template names it, and "" = not known. */
export interface PlaceholderContext {
  clientIp(): string;
  clientPort(): number;
  requestId(): string;
  method(): string;
  scheme(): string;
  /** Without the port. */
  host(): string;
  /** As received, without the query. */
  requestPath(): string;
  /** Without its "?". */
  query(): string;
  /** Path and query as received. */
  target(): string;
  /** `name` in lower case; several fields joined by ", ". */
  header(name: string): string;
  /** `name` as it is written. */
  cookie(name: string): string;
  route(): string;
  upstream(): string;
  endpoint(): string;
  /** Path after strip. */
  path(): string;
  /** What "*" or the group matched; counts from 1. */
  capture(index: number): string;
  /** 0 = none yet. */
  status(): number;
  cause(): string;
  /** Name of the deployment. */
  name(): string;
}

/** A compiled template. */
export interface Template {
  render(context: PlaceholderContext): string;
}

type Value = (context: PlaceholderContext) => string;

/** What each name reads. A record over the names: one that is missing is a type error. */
const VALUES: Readonly<Record<PlaceholderName, Value>> = {
  "client.ip": (context) => context.clientIp(),
  "client.port": (context) => String(context.clientPort()),
  "request.id": (context) => context.requestId(),
  "request.method": (context) => context.method(),
  "request.scheme": (context) => context.scheme(),
  "request.host": (context) => context.host(),
  "request.path": (context) => context.requestPath(),
  "request.query": (context) => context.query(),
  "request.target": (context) => context.target(),
  uri: (context) => context.target(),
  route: (context) => context.route(),
  upstream: (context) => context.upstream(),
  endpoint: (context) => context.endpoint(),
  path: (context) => context.path(),
  status: (context) => (context.status() === 0 ? "" : String(context.status())),
  cause: (context) => context.cause(),
  name: (context) => context.name(),
};

/** Compiles a template, or says what is wrong; `allowed` narrows the placeholders. */
export function compileTemplate(text: string, allowed?: readonly string[]): Template | Problem {
  const parts = parseTemplate(text, allowed);
  if ("message" in parts) return parts;
  const [only] = parts;
  if (!only) return { render: () => "" };
  if (parts.length === 1 && only.kind === "text") return { render: () => only.text };
  const values = parts.map(compilePart);
  return {
    render(context) {
      let rendered = "";
      for (const value of values) rendered += typeof value === "string" ? value : clean(value(context));
      return rendered;
    },
  };
}

function compilePart(part: TemplatePart): string | Value {
  switch (part.kind) {
    case "text":
      return part.text;
    case "value":
      return VALUES[part.name];
    case "header":
      return (context) => context.header(part.name);
    case "cookie":
      return (context) => context.cookie(part.name);
    case "capture":
      return (context) => context.capture(part.index);
  }
}

function clean(value: string): string {
  return /[\r\n\0]/.test(value) ? value.replace(/[\r\n\0]/g, "") : value;
}
