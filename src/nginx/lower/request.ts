// How requests are read and connections kept: heads (of a server), bodies, keep-alive, lingering; resolver and mirror.
import type { HeadRules, LocationSettings, RequestRules, ResolverConfig } from "../../config/servers.ts";
import type { Directive } from "../tree.ts";
import { parseSeconds, parseTime } from "../units.ts";
import { type Lowering, prefixPath } from "./lowering.ts";
import {
  argOf,
  buffersOf,
  bytesOf,
  flagOf,
  msOf,
  numberOf,
  oneOf,
  outwards,
  type Scope,
  wordOf,
  wordsOf,
} from "./scope.ts";
import { resolverOf } from "./upstream-resolver.ts";

/** How heads are read. */
export function headRulesOf(server: Scope): HeadRules {
  return {
    timeoutMs: msOf(server, "client_header_timeout", 60_000),
    bufferBytes: bytesOf(server, "client_header_buffer_size", 1024),
    largeBuffers: buffersOf(server, "large_client_header_buffers", { count: 4, bytes: 8192 }),
    fieldsMax: numberOf(server, "max_headers", 1000),
    ignoreInvalid: flagOf(server, "ignore_invalid_headers", true),
    underscores: flagOf(server, "underscores_in_headers", false),
    mergeSlashes: flagOf(server, "merge_slashes", true),
  };
}

/** How bodies are read, and what becomes of the connection. */
export function requestOf(scope: Scope, { options }: Lowering): RequestRules {
  return {
    bodyBytesMax: bytesOf(scope, "client_max_body_size", 1_048_576),
    bodyBufferBytes: bytesOf(scope, "client_body_buffer_size", 8192),
    bodyTimeoutMs: msOf(scope, "client_body_timeout", 60_000),
    bodyInFile: oneOf(scope, "client_body_in_file_only", ["off", "on", "clean"], "off"),
    bodyTempPath: prefixPath(options, wordOf(scope, "client_body_temp_path", "client_body_temp")),
    sendTimeoutMs: msOf(scope, "send_timeout", 60_000),
    ...keepAliveOf(scope),
    lingering: oneOf(scope, "lingering_close", ["off", "on", "always"], "on"),
    lingeringTimeMs: msOf(scope, "lingering_time", 30_000),
    lingeringTimeoutMs: msOf(scope, "lingering_timeout", 5000),
    resetTimedOut: flagOf(scope, "reset_timedout_connection", false),
  };
}

type KeepAlive = Extract<keyof RequestRules, `keepAlive${string}`>;

function keepAliveOf(scope: Scope): Pick<RequestRules, KeepAlive> {
  const directive = scope.last("keepalive_timeout");
  const time = directive ? parseTime(argOf(directive)) : 75_000;
  const headers = [...outwards(scope)].map((at) => at.own("keepalive_timeout").at(-1)?.args[1]);
  const header = headers.find((arg) => arg !== undefined);
  const seconds = header ? parseSeconds(header.value) : 0;
  if (directive && (time === undefined || seconds === undefined))
    scope.problems.complain(directive, '"keepalive_timeout" directive invalid value', directive.args[0]);
  const disable = wordsOf(scope, "keepalive_disable");
  return {
    keepAliveMs: time ?? 75_000,
    keepAliveHeaderMs: (seconds ?? 0) * 1000,
    keepAliveRequests: numberOf(scope, "keepalive_requests", 1000),
    keepAliveTimeMs: msOf(scope, "keepalive_time", 3_600_000),
    keepAliveMinMs: msOf(scope, "keepalive_min_timeout", 0),
    keepAliveDisable: disable.length === 0 ? ["msie6"] : disable.filter((word) => word !== "none"),
  };
}

/** Where requests are sent besides. */
export function mirrorOf(scope: Scope): LocationSettings["mirror"] {
  const uris = scope.all("mirror").map((directive) => argOf(directive));
  if (uris.length === 0 || uris[0] === "off") {
    for (const directive of scope.all("mirror").slice(1)) complainMirror(scope, directive);
    return null;
  }
  for (const directive of scope.all("mirror")) if (argOf(directive) === "off") complainMirror(scope, directive);
  return { uris, body: flagOf(scope, "mirror_request_body", true) };
}

function complainMirror({ problems }: Scope, directive: Directive): void {
  problems.complain(directive, '"mirror" directive is duplicate');
}

/** Who is asked for addresses at run time; null = nobody. */
export function resolverFor(scope: Scope): ResolverConfig | null {
  const directive = scope.last("resolver");
  return directive ? resolverOf(scope, directive, msOf(scope, "resolver_timeout", 30_000)) : null;
}
