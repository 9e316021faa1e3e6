// All that a block says of requests that end in it: server, location, if in a location, limit_except. Each setting is
// one line; how it is inherited is in its reader. What makes the response is found last: an `if` and a limit_except
// take it from their location, and bring their own settings to it; a location within a location takes nothing.
import type { ContentConfig, LocationSettings } from "../../config/servers.ts";
import { DIRECTIVES } from "../directives/table.ts";
import type { Directive } from "../tree.ts";
import { accessOf, realIpOf, referersOf } from "./access.ts";
import { cacheUseOf } from "./cache-use.ts";
import { autoindexOf, errorPagesOf, indexOf, rootOf, tryFilesOf, typesOf } from "./files.ts";
import { filtersOf } from "./filters.ts";
import { limitsOf } from "./limits.ts";
import { accessLogsOf } from "./logs.ts";
import type { Lowering } from "./lowering.ts";
import { errorLogsOf } from "./process.ts";
import { checkProxy, proxyConfigOf } from "./proxy-content.ts";
import { tunnelConfigOf } from "./proxy-tunnel.ts";
import { mirrorOf, requestOf, resolverFor } from "./request.ts";
import { responseOf } from "./response.ts";
import { flagOf, type Scope, wordOf } from "./scope.ts";

/** The settings of a block. */
export function settingsOf(scope: Scope, lowering: Lowering): LocationSettings {
  return {
    content: contentOf(scope, lowering),
    internal: scope.last("internal") !== undefined,
    root: rootOf(scope, lowering),
    index: indexOf(scope),
    autoindex: autoindexOf(scope),
    tryFiles: tryFilesOf(scope),
    errorPages: errorPagesOf(scope),
    recursiveErrorPages: flagOf(scope, "recursive_error_pages", false),
    access: accessOf(scope, lowering),
    limits: limitsOf(scope),
    realIp: realIpOf(scope),
    referers: referersOf(scope),
    mirror: mirrorOf(scope),
    request: requestOf(scope, lowering),
    response: responseOf(scope),
    filters: filtersOf(scope, lowering),
    types: typesOf(scope, lowering),
    logs: accessLogsOf(scope, lowering),
    logNotFound: flagOf(scope, "log_not_found", true),
    logSubrequests: flagOf(scope, "log_subrequest", false),
    errorLog: errorLogsOf(scope, lowering.options),
    cache: cacheUseOf(scope, lowering),
    resolver: resolverFor(scope),
    postAction: postActionOf(scope),
  };
}

function postActionOf(scope: Scope): string | null {
  const uri = wordOf(scope, "post_action", "off");
  return uri === "off" ? null : uri;
}

/** What makes the response. */
function contentOf(scope: Scope, lowering: Lowering): ContentConfig {
  const directive = handlerOf(scope);
  // nginx reads them whether they are used or not.
  if (directive?.name !== "proxy_pass" && scope.directives.some(({ name }) => name.startsWith("proxy_")))
    checkProxy(scope, lowering);
  switch (directive?.name) {
    case undefined:
      return flagOf(scope, "random_index", false) ? { kind: "random-index" } : { kind: "files" };
    case "proxy_pass":
      return proxyConfigOf(scope, directive!, lowering);
    case "tunnel_pass":
      return tunnelConfigOf(scope, directive!, lowering);
    case "stub_status":
      return { kind: "status-page" };
    case "empty_gif":
      return { kind: "empty-gif" };
    default:
      return { kind: "unsupported", why: `"${directive!.name}" is not supported: ${whyRefused(directive!)}` };
  }
}

/** The last directive of a block that makes responses; an `if` and a limit_except have that of their location. */
function handlerOf(scope: Scope): Directive | undefined {
  const own = scope.directives.findLast(({ name }) => HANDLERS.has(name));
  if (own || !scope.parent || (scope.kind !== "if" && scope.kind !== "limit_except")) return own;
  return handlerOf(scope.parent);
}

/** Names of directives that make responses, those that are refused too. */
const HANDLERS: ReadonlySet<string> = new Set([
  ...["proxy_pass", "tunnel_pass", "stub_status", "empty_gif"],
  ...["fastcgi_pass", "uwsgi_pass", "scgi_pass", "grpc_pass", "memcached_pass", "perl", "flv", "mp4"],
  ...["dav_methods"],
]);

function whyRefused({ name }: Directive): string {
  return DIRECTIVES.get(name)?.find(({ status }) => status === "refused")?.why ?? "it is not done yet";
}
