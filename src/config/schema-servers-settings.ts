// What a block of virtual servers (server, location, `if`) says, but for proxying (schema-servers-proxy.ts) and what
// changes bodies (schema-servers-filters.ts). Standard values are nginx's where they decide how a request is answered;
// where files and logs are is ours, and says nothing of the machine.
import * as z from "zod/mini";
import { errorOf } from "./address.ts";
import {
  count,
  duration,
  type Form,
  file,
  fileText,
  flag,
  list,
  mapped,
  nameOf,
  orOff,
  orShort,
  pairs,
  pattern,
  plain,
  size,
  text,
  textForm,
  words,
} from "./forms.ts";
import { groupPart, part, record } from "./forms-record.ts";
import { tagged } from "./forms-tagged.ts";
import { filters } from "./schema-servers-filters.ts";
import { accessLog, errorLevel, errorLog } from "./schema-servers-logs.ts";
import { cacheUse } from "./schema-servers-proxy.ts";
import { serverName } from "./schema-servers-names.ts";
import { resolver } from "./schema-servers-resolver.ts";
import type {
  AccessConfig,
  AutoindexConfig,
  ErrorPageConfig,
  ExpiresConfig,
  LimitsConfig,
  LocationSettings,
  RealIpConfig,
  ReferersConfig,
  RequestRules,
  ResponseRules,
  RootConfig,
  SecureLinkConfig,
  TryFilesConfig,
  Text,
  TypesConfig,
  VisitorIdConfig,
} from "./servers.ts";

/** The alias takes the place of the prefix of the location where it is written. */
export const OWN_PREFIX = -2;

const links = {
  disableSymlinks: part("symlinks", words("off", "on", "if-not-owner"), "Whether links are followed: `on` refuses all, `if-not-owner` those to files of others.", "off" as const),
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
    prefixLength: part("prefix-length", count(-2), "Length of that prefix. Default: that of this location; -1 stands for none.", OWN_PREFIX),
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
  status: part("as", pageStatus, "Status that the client gets; `of-page` is that of the page. Default: the one of the error.", null),
});

const accessRule = textForm(
  '"allow ADDRESS" or "deny ADDRESS"',
  (written) => {
    const match = /^(allow|deny) (\S+)$/.exec(written);
    return match ? { allow: match[1] === "allow", from: match[2]! } : errorOf(`"${written}" is no rule`, 'write "allow 10.0.0.0/8", "deny all"');
  },
  ({ allow, from }) => `${allow ? "allow" : "deny"} ${from}`,
);

const secureLink = tagged<SecureLinkConfig>("kind", {
  md5: record<{ md5: string; link: string }>({
    md5: part("md5", text, "Text whose MD5 is compared."),
    link: part("link", text, "The hash, a comma, and when the link expires."),
  }),
  secret: record<{ secret: string }>({ secret: part("secret", plain, "Secret before the path.") }),
});

const access = record<AccessConfig>({
  satisfy: part("satisfy", words("all", "any"), "Whether a request has to pass all of these, or any.", "all"),
  rules: part("rules", list(accessRule, "a rule"), "Addresses that may (`allow 10.0.0.0/8`) or may not (`deny all`); the first that fits decides.", []),
  basic: part(
    "basic",
    orOff(
      record<NonNullable<AccessConfig["basic"]>>({
        realm: part("realm", text, "Name that browsers show; `off` turns it off."),
        file: part("file", fileText, "File with names and hashes of passwords."),
        folder: part("folder", plain, "Where a file that comes out relative is, with a slash.", "") as never,
      }),
    ),
    "Name and password.",
    null,
  ),
  request: part("request", orOff(mapped(plain, (uri) => ({ uri }), ({ uri }) => uri)), "Path that is asked whether the request may pass.", null),
  requestSets: part(
    "request-sets",
    mapped<readonly (readonly [string, string])[], AccessConfig["requestSets"]>(
      pairs(text, { unit: "variable: text", key: "captured" }),
      (all) => all.map(([variable, value]) => ({ variable, value })),
      (all) => all.map(({ variable, value }) => [variable, value] as const),
    ),
    "Variables that are set when that has been answered.",
    [],
  ),
  delayMs: part("delay", duration, "How long a refusal for a wrong password waits.", 0),
  secureLink: part("secure-link", orOff(secureLink), "What `{$secure_link}` checks.", null) as never,
});

const never = { schema: z.literal("never") as unknown as z.ZodMiniType<number>, write: () => "never" };
const delayAbove: Form<number> = {
  schema: z.union([z.pipe(never.schema, z.transform(() => Number.POSITIVE_INFINITY)), z.int()]) as unknown as z.ZodMiniType<number>,
  write: (value) => (value === Number.POSITIVE_INFINITY ? "never" : value),
};

const limits = record<LimitsConfig>({
  rate: part(
    "rate",
    list(
      record<LimitsConfig["rate"][number]>({
        zone: part("zone", nameOf("rate-zone"), "Name of a rate zone."),
        burst: part("burst", count(), "Requests above the rate that are let in.", 0),
        delayAbove: part("delay-above", delayAbove, "How many of them do not wait; `never`: none waits.", 0),
      }),
      "a mapping with zone",
    ),
    "Bounds of requests per second.",
    [],
  ),
  rateStatus: part("rate-status", count(400, 599), "Status of requests above the rate.", 503),
  rateDryRun: part("rate-dry-run", flag, "Requests above the rate are only logged.", false),
  rateLogLevel: part("rate-log-level", errorLevel, "Level of that line in the error log.", "error"),
  connections: part(
    "connections",
    list(
      record<LimitsConfig["connections"][number]>({
        zone: part("zone", nameOf("connections-zone"), "Name of a connections zone."),
        most: part("most", count(1), "Requests of one key at a time."),
      }),
      "a mapping with zone",
    ),
    "Bounds of requests at work.",
    [],
  ),
  connectionsStatus: part("connections-status", count(400, 599), "Status of requests above it.", 503),
  connectionsDryRun: part("connections-dry-run", flag, "Requests above it are only logged.", false),
  connectionsLogLevel: part("connections-log-level", errorLevel, "Level of that line in the error log.", "error"),
});

const realIp = record<RealIpConfig>({
  from: part("from", list(plain, "an address"), "Addresses and CIDR blocks of proxies whose word is believed; `unix:` for Unix sockets."),
  header: part("header", plain, "Field that has the address, or `proxy_protocol`.", "x-real-ip"),
  recursive: part("recursive", flag, "Whether addresses of such proxies in the field are passed over.", false),
});

const referers = record<ReferersConfig>({
  none: part("none", flag, "Whether requests without a referer are valid.", false),
  blocked: part("blocked", flag, "Whether a referer without a scheme is valid.", false),
  names: part("names", list(serverName, "a host name"), "Hosts that are valid.", []),
  uris: part(
    "uris",
    list(record<ReferersConfig["uris"][number]>({ name: part("name", plain, "Host."), uri: part("uri", plain, "Beginning of the path.") }), "a mapping with name and uri"),
    "Hosts with the beginning of a path that are valid.",
    [],
  ),
  patterns: part("patterns", list(pattern, "a regular expression"), "Regular expressions of what is valid.", []),
});

const mirror = record<NonNullable<LocationSettings["mirror"]>>({
  uris: part("to", list(plain, "a path"), "Paths that requests are sent to besides."),
  body: part("body", flag, "Whether bodies are sent, too.", true),
});

const request = record<RequestRules>({
  bodyBytesMax: part("body", size, "Request body; 413 above it.", 1_048_576),
  bodyBufferBytes: part("body-buffer", size, "Bodies above it go to a file.", 8192),
  bodyTimeoutMs: part("body-timeout", duration, "Between two reads of a body; 408 after it.", 60_000),
  bodyInFile: part("body-in-file", words("off", "on", "clean"), "Whether each body goes to a file, and whether that is taken away behind the request.", "off"),
  bodyTempPath: part("body-folder", file, "Folder of such files.", "body-files"),
  sendTimeoutMs: part("send-timeout", duration, "Between two writes of a response that make progress.", 60_000),
  keepAliveMs: part("keepalive", duration, "Between two requests of a connection.", 75_000),
  keepAliveHeaderMs: part("keepalive-header", duration, "What `Keep-Alive: timeout` says; 0s sends none.", 0),
  keepAliveRequests: part("keepalive-requests", count(), "Requests of a connection.", 1000),
  keepAliveTimeMs: part("keepalive-time", duration, "Age after which a connection is closed behind a request.", 3_600_000),
  keepAliveMinMs: part("keepalive-min", duration, "How long an idle connection is kept at least during an orderly end.", 0),
  keepAliveDisable: part("keepalive-disable", list(plain, "msie6 or safari"), "Browsers whose connections are not kept.", ["msie6"]),
  lingering: part("lingering", words("off", "on", "always"), "Whether what a client still sends is read before its connection is closed.", "on"),
  lingeringTimeMs: part("lingering-time", duration, "How long in all.", 30_000),
  lingeringTimeoutMs: part("lingering-timeout", duration, "How long for more.", 5000),
  resetTimedOut: part("reset-timed-out", flag, "Whether connections that took too long are reset.", false),
});

type AddedField = ResponseRules["addHeaders"][number];

const addedField = record<AddedField>({
  name: part("name", plain, "Name of the field."),
  value: part("value", text, "Its value; where it is empty the field is left out."),
  always: part("always", flag, "Whether responses of every status get it, not only good ones and redirects.", false),
});

const signedDuration: Form<number> = {
  schema: z.pipe(
    z.string(),
    z.transform((written, context): number => {
      const result = duration.schema.safeParse(written.replace(/^-/, ""));
      if (result.success) return written.startsWith("-") ? -result.data : result.data;
      for (const issue of result.error.issues) context.issues.push({ ...issue, input: written } as never);
      return z.NEVER;
    }),
  ) as unknown as z.ZodMiniType<number>,
  write: (ms) => (ms < 0 ? `-${duration.write(-ms)}` : duration.write(ms)),
  words: { unit: "duration" },
};

type ExpiresFull = Exclude<ExpiresConfig, { kind: "epoch" | "max" | "off" }>;

const expires: Form<ExpiresConfig | null> = orShort<ExpiresConfig | null, "epoch" | "max" | "off" | "unset">(
  tagged<ExpiresFull>("kind", {
    "after-access": record<{ ms: number }>({ ms: part("after", signedDuration, "From now.") }),
    "after-modified": record<{ ms: number }>({ ms: part("after-modified", signedDuration, "From the last change of the file.") }),
    daily: record<{ ms: number }>({ ms: part("daily", signedDuration, "Time of the day.") }),
    text: record<{ value: string; modified: boolean }>({
      value: part("text", text, "Text that gives one of these."),
      modified: part("modified", flag, "From the last change of the file.", false),
    }),
  }) as unknown as Form<ExpiresConfig | null>,
  words("epoch", "max", "off", "unset"),
  "epoch, max, off, unset or a mapping",
  {
    widen: (kind) => (kind === "unset" ? null : { kind }),
    narrow: (value) => (value === null ? "unset" : value.kind === "epoch" || value.kind === "max" || value.kind === "off" ? value.kind : undefined),
  },
);

const boundless: Form<number> = mapped(orOff(count()), (value) => value ?? -1, (value) => (value === -1 ? null : value));

const visitorExpires = orShort<VisitorIdConfig["expires"], "max" | "off">(
  duration as Form<VisitorIdConfig["expires"]>,
  words("max", "off"),
  "max, off or a duration",
  {
    widen: (word) => (word === "off" ? null : word),
    narrow: (value) => (value === null ? "off" : value === "max" ? value : undefined),
  },
);

const visitorId = record<VisitorIdConfig>({
  mode: part("mode", words("on", "v1", "log"), "How: `v1` counts as older programs did, `log` only reads what comes.", "on"),
  name: part("name", plain, "Name of the cookie.", "uid"),
  service: part("service", orOff(count()), "Number that tells servers apart; off takes their address.", null),
  domain: part("domain", plain, "Domain of the cookie.", ""),
  path: part("path", plain, "Path of the cookie.", "/"),
  expires: part("expires", visitorExpires, "How long it holds; off ends it with the session.", null),
  flags: part("flags", list(plain, "a flag"), "Flags such as `secure`, `httponly`, `samesite=lax`.", []),
  p3p: part("p3p", plain, "What P3P says.", ""),
  mark: part("mark", plain, "Character that cookies under the rules of today have.", ""),
});

const response = record<ResponseRules>({
  addHeaders: part("headers", list(addedField, "a mapping with name and value"), "Fields that are added.", []),
  addTrailers: part("trailers", list(addedField, "a mapping with name and value"), "Fields that are added behind the body.", []),
  expires: part("expires", expires, "What Expires and Cache-Control say.", null),
  absoluteRedirect: part("absolute-redirect", flag, "Whether redirects have scheme and host.", true),
  portInRedirect: part("port-in-redirect", flag, "Whether they have the port.", true),
  serverNameInRedirect: part("server-name-in-redirect", flag, "Whether they have the server's first name instead of the request's Host.", false),
  serverTokens: part("server-tokens", words("on", "off", "build"), "Whether Server has a version.", "on"),
  etag: part("etag", flag, "ETag of files.", true),
  ifModifiedSince: part("if-modified-since", words("off", "exact", "before"), "How If-Modified-Since is compared.", "exact"),
  chunked: part("chunked", flag, "Whether chunks are used where the length is not known.", true),
  rangesMax: part("ranges", boundless, "Ranges of a request; off sets no limit.", -1),
  limitRate: part("rate", text, "Bytes per second; 0 sets no limit.", "0"),
  limitRateAfter: part("rate-after", text, "Bytes that are sent before it holds.", "0"),
  refreshForMsie: part("refresh-for-msie", flag, "Whether old browsers get a page with a refresh instead of a redirect.", false),
  visitorId: part("visitor-id", orOff(visitorId), "Cookie that numbers visitors.", null) as never,
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
  base: part("base", words("none", "common"), "`common` is the table of the usual types, to which `extensions` are added.", "none"),
  extensions: part("extensions", byExtension, "Media types, each with the extensions of its files.", { html: "text/html", gif: "image/gif", jpg: "image/jpeg" }),
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
  tryFiles: part("try-files", orOff(tryFiles), "Paths that are looked for; the last is where to go on, or a status such as `=404`. It holds in its own block only.", null),
  errorPages: part("error-pages", list(errorPage, "a mapping with on and to"), "Pages that take the place of errors.", []),
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
  errorLog: part("error-log", list(errorLog, "a file, stderr or a mapping"), "Error logs.", [{ to: { kind: "stderr" }, level: "error" }]),
  cache: part("cache", orOff(cacheUse), "Responses of upstreams that are kept.", null),
  resolver: part("resolver", orOff(resolver), "Who resolves names that requests bring.", null),
  postAction: part("post-action", orOff(plain), "Path or `@name` of a request that is made behind the response.", null) as never,
});

function rootOf(path: string): RootConfig {
  return { kind: "root", path, prefixLength: 0, disableSymlinks: "off", symlinksFrom: null };
}
