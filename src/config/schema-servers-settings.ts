// What a block of virtual servers (server, location, `if`) says, but for proxying (schema-servers-proxy.ts) and what
// changes bodies (schema-servers-filters.ts). Standard values are nginx's where they decide how a request is answered;
// where files and logs are is ours, and says nothing of the machine.
import * as z from "zod/mini";
import {
  count,
  duration,
  type Form,
  file,
  fileText,
  flag,
  list,
  mapped,
  orOff,
  orShort,
  pairs,
  plain,
  size,
  text,
  words,
} from "./forms.ts";
import { groupPart, part, record } from "./forms-record.ts";
import { tagged } from "./forms-tagged.ts";
import { access, limits, realIp, referers } from "./schema-servers-access.ts";
import { filters } from "./schema-servers-filters.ts";
import { accessLog, errorLog } from "./schema-servers-logs.ts";
import { cacheUse } from "./schema-servers-proxy.ts";
import { resolver } from "./schema-servers-resolver.ts";
import { response } from "./schema-servers-response.ts";
import type {
  AutoindexConfig,
  ErrorPageConfig,
  LocationSettings,
  RequestRules,
  RootConfig,
  Text,
  TryFilesConfig,
  TypesConfig,
} from "./servers.ts";

/** The alias takes the place of the prefix of the location where it is written. */
export const OWN_PREFIX = -2;

const links = {
  disableSymlinks: part(
    "symlinks",
    words("off", "on", "if-not-owner"),
    "Whether links are followed: `on` refuses all, `if-not-owner` those to files of others.",
    "off" as const,
  ),
  symlinksFrom: part("symlinks-from", orOff(text), "Beginning of the path in which links are not looked for.", null),
};

const rootFull = tagged<RootConfig>("kind", {
  root: record<Omit<RootConfig, "kind">>({
    path: part("path", fileText, "Folder that the path of the request is looked for in."),
    prefixLength: part("root-prefix", count(0, 0), "Always 0.", 0),
    ...links,
  }),
  alias: record<Omit<RootConfig, "kind">>({
    path: part("alias", fileText, "Folder that takes the place of the location's prefix."),
    prefixLength: part(
      "prefix-length",
      count(-2),
      "Length of that prefix. Default: that of this location; -1 stands for none.",
      OWN_PREFIX,
    ),
    ...links,
  }),
});

const root: Form<RootConfig> = orShort(rootFull, fileText, "a folder, or a mapping with path or alias", {
  widen: (path): RootConfig => ({ kind: "root", path, prefixLength: 0, disableSymlinks: "off", symlinksFrom: null }),
  narrow: ({ kind, path, disableSymlinks, symlinksFrom }) =>
    kind === "root" && disableSymlinks === "off" && symlinksFrom === null ? path : undefined,
});

const autoindex = record<AutoindexConfig>({
  format: part("format", words("html", "json", "jsonp", "xml"), "Form of the listing.", "html"),
  exactSize: part("exact-size", flag, "Sizes in bytes instead of rounded ones.", true),
  localTime: part("local-time", flag, "Times in the zone of the machine instead of UTC.", false),
});

/** The last of the list may be a status: "=404". */
const tryFiles: Form<TryFilesConfig> = mapped(
  list(text, "a path"),
  (all): TryFilesConfig => {
    const last = all.at(-1) ?? "=404";
    const status = /^=(\d+)$/.exec(last)?.[1];
    return { paths: all.slice(0, -1), last: status === undefined ? last : { status: Number(status) } };
  },
  ({ paths, last }) => [...paths, typeof last === "string" ? last : `=${last.status}`],
);

const pageStatus: Form<number | "of-page" | null> = {
  schema: z.union([z.int(), z.literal("of-page")]) as unknown as z.ZodMiniType<number | "of-page" | null>,
  write: (value) => value ?? undefined,
};

const errorPage = record<ErrorPageConfig>({
  statuses: part("on", list(count(300, 599), "a status"), "Statuses of responses that the page takes the place of."),
  to: part("to", text, "Path, named location (`@name`) or URL of the page."),
  status: part(
    "as",
    pageStatus,
    "Status that the client gets; `of-page` is that of the page. Default: the one of the error.",
    null,
  ),
});

const mirror = record<NonNullable<LocationSettings["mirror"]>>({
  uris: part("to", list(plain, "a path"), "Paths that requests are sent to besides."),
  body: part("body", flag, "Whether bodies are sent, too.", true),
});

const request = record<RequestRules>({
  bodyBytesMax: part("body", size, "Request body; 413 above it.", 1_048_576),
  bodyBufferBytes: part("body-buffer", size, "Bodies above it go to a file.", 8192),
  bodyTimeoutMs: part("body-timeout", duration, "Between two reads of a body; 408 after it.", 60_000),
  bodyInFile: part(
    "body-in-file",
    words("off", "on", "clean"),
    "Whether each body goes to a file, and whether that is taken away behind the request.",
    "off",
  ),
  bodyTempPath: part("body-folder", file, "Folder of such files.", "body-files"),
  sendTimeoutMs: part("send-timeout", duration, "Between two writes of a response that make progress.", 60_000),
  keepAliveMs: part("keepalive", duration, "Between two requests of a connection.", 75_000),
  keepAliveHeaderMs: part("keepalive-header", duration, "What `Keep-Alive: timeout` says; 0s sends none.", 0),
  keepAliveRequests: part("keepalive-requests", count(), "Requests of a connection.", 1000),
  keepAliveTimeMs: part(
    "keepalive-time",
    duration,
    "Age after which a connection is closed behind a request.",
    3_600_000,
  ),
  keepAliveMinMs: part(
    "keepalive-min",
    duration,
    "How long an idle connection is kept at least during an orderly end.",
    0,
  ),
  keepAliveDisable: part(
    "keepalive-disable",
    list(plain, "msie6 or safari"),
    "Browsers whose connections are not kept.",
    ["msie6"],
  ),
  lingering: part(
    "lingering",
    words("off", "on", "always"),
    "Whether what a client still sends is read before its connection is closed.",
    "on",
  ),
  lingeringTimeMs: part("lingering-time", duration, "How long in all.", 30_000),
  lingeringTimeoutMs: part("lingering-timeout", duration, "How long for more.", 5000),
  resetTimedOut: part("reset-timed-out", flag, "Whether connections that took too long are reset.", false),
});

/** Extensions by type in the file, types by extension in the program. */
const byExtension: Form<TypesConfig["byExtension"]> = mapped(
  pairs(list(plain, "an extension"), { unit: "type: extensions" }),
  (all) => Object.fromEntries(all.flatMap(([type, extensions]) => extensions.map((extension) => [extension, type]))),
  (table) => {
    const types = new Map<string, string[]>();
    for (const [extension, type] of Object.entries(table)) types.set(type, [...(types.get(type) ?? []), extension]);
    return [...types];
  },
);

/** Types as the file has them: over the usual table, or over none. */
export interface FileTypes {
  readonly base: "none" | "common";
  readonly extensions: TypesConfig["byExtension"];
  readonly default: Text;
}

const types = record<FileTypes>({
  base: part(
    "base",
    words("none", "common"),
    "`common` is the table of the usual types, to which `extensions` are added.",
    "none",
  ),
  extensions: part("extensions", byExtension, "Media types, each with the extensions of its files.", {
    html: "text/html",
    gif: "image/gif",
    jpg: "image/jpeg",
  }),
  default: part("default", text, "Type of other files.", "text/plain"),
});

/** All of a block but its content. */
export const settings = record<
  Omit<LocationSettings, "content" | "filters" | "types"> & {
    readonly filters: (typeof filters)["standard"];
    readonly types: FileTypes;
  }
>({
  internal: part("internal", flag, "Whether only internal redirects come here; 404 for others.", false),
  root: part("root", root, "Folder of files; a mapping where links count, or with `alias`.", rootOf("html")),
  index: part("index", list(text, "a name"), "Files that a folder is answered with.", ["index.html"]),
  autoindex: part("autoindex", orOff(autoindex), "Listing of folders without one.", null),
  tryFiles: part(
    "try-files",
    orOff(tryFiles),
    "Paths that are looked for; the last is where to go on, or a status such as `=404`. It holds in its own block only.",
    null,
  ),
  errorPages: part(
    "error-pages",
    list(errorPage, "a mapping with on and to"),
    "Pages that take the place of errors.",
    [],
  ),
  recursiveErrorPages: part("recursive-error-pages", flag, "Whether errors of such pages have pages, too.", false),
  access: groupPart("access", access, "Who may."),
  limits: groupPart("limits", limits, "Bounds of rates and of requests at work."),
  realIp: part("real-ip", orOff(realIp), "Where the client's address comes from behind other proxies.", null),
  referers: part("referers", orOff(referers), "What `{$invalid_referer}` goes by.", null),
  mirror: part("mirror", orOff(mirror), "Where requests are sent besides.", null),
  request: groupPart("request", request, "Requests and connections of clients."),
  response: groupPart("response", response, "Responses to clients."),
  filters: groupPart("filters", filters, "Changes of bodies."),
  types: groupPart("types", types, "Media types of files."),
  logs: part("logs", list(accessLog, "a file, stdout or a mapping"), "Access logs.", []),
  logNotFound: part("log-not-found", flag, "Whether files that are missing are told in the error log.", true),
  logSubrequests: part("log-subrequests", flag, "Whether subrequests get lines, too.", false),
  errorLog: part("error-log", list(errorLog, "a file, stderr or a mapping"), "Error logs.", [
    { to: { kind: "stderr" }, level: "error" },
  ]),
  cache: part("cache", orOff(cacheUse), "Responses of upstreams that are kept.", null),
  resolver: part("resolver", orOff(resolver), "Who resolves names that requests bring.", null),
  postAction: part(
    "post-action",
    orOff(plain),
    "Path or `@name` of a request that is made behind the response.",
    null,
  ) as never,
});

function rootOf(path: string): RootConfig {
  return { kind: "root", path, prefixLength: 0, disableSymlinks: "off", symlinksFrom: null };
}
