// All directives by name, and how they are looked up: a name may mean several things, one for each place.
import { CORE } from "./core.ts";
import { FOREIGN_UPSTREAMS } from "./foreign-upstreams.ts";
import { HTTP_CORE } from "./http-core.ts";
import { HTTP_OUT_OF_SCOPE } from "./http-out-of-scope.ts";
import { HTTP_REQUEST } from "./http-request.ts";
import { HTTP_RESPONSE } from "./http-response.ts";
import { HTTP_SSL } from "./http-ssl.ts";
import { MAIL_MODULES } from "./mail.ts";
import { PROXY } from "./proxy.ts";
import type { Context, DirectiveSpec } from "./spec.ts";
import { STREAM_MODULES } from "./stream.ts";
import { UPSTREAM_GROUPS } from "./upstream.ts";

/** The meanings of each name. */
export type DirectiveTable = ReadonlyMap<string, readonly DirectiveSpec[]>;

/** What nginx open source has. */
export const DIRECTIVES: DirectiveTable = tableOf([
  ...[CORE, HTTP_CORE, HTTP_REQUEST, HTTP_RESPONSE, HTTP_SSL, UPSTREAM_GROUPS, PROXY],
  ...[FOREIGN_UPSTREAMS, HTTP_OUT_OF_SCOPE, STREAM_MODULES, MAIL_MODULES],
]);

/** A table of rows. */
function tableOf(rows: readonly (readonly DirectiveSpec[])[]): DirectiveTable {
  const table = new Map<string, DirectiveSpec[]>();
  for (const spec of rows.flat()) {
    const known = table.get(spec.name);
    if (known) known.push(spec);
    else table.set(spec.name, [spec]);
  }
  return table;
}

/** What a name means in a place; undefined = nothing, or not there. */
export function specIn(table: DirectiveTable, name: string, context: Context): DirectiveSpec | undefined {
  return table.get(name)?.find(({ contexts }) => contexts.includes(context));
}

/** What stands in the block of a directive. */
export function contextWithin(name: string, context: Context): Context | undefined {
  if (name === "location" || name === "limit_except") return name;
  if (name === "if") return context === "server" ? "server if" : "location if";
  if (context === "main") return TOP.get(name);
  if (name === "server") return context === "http" ? "server" : context === "stream" ? "stream server" : "mail server";
  if (name === "upstream") return context === "http" ? "upstream" : "stream upstream";
  return undefined;
}

const TOP: ReadonlyMap<string, Context> = new Map([
  ["events", "events"],
  ["http", "http"],
  ["stream", "stream"],
  ["mail", "mail"],
]);
