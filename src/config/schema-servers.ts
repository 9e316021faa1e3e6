// Virtual servers in goodgate.yaml: servers with their names and listeners, locations, and what they share. A block's
// settings are those of the block around it with what it says laid over: groups (mappings such as `request`) key by
// key, everything else whole. What answers (proxy.to, content …) and try-files hold in their own block only.
import * as z from "zod/mini";
import { errorOf, formatAddress, isProblem, parseAddress } from "./address.ts";
import type { Address } from "./config.ts";
import { field, mapping } from "./fields.ts";
import {
  bytes,
  count,
  duration,
  type Form,
  file,
  fileText,
  flag,
  list,
  orNothing,
  orOff,
  orShort,
  plain,
  size,
  textForm,
  words,
} from "./forms.ts";
import { type Change, groupPart, optional, type Part, part, type RecordForm, record } from "./forms-record.ts";
import { type BlockChange, block } from "./schema-servers-block.ts";
import { logFormat } from "./schema-servers-logs.ts";
import { locationMatch, serverName } from "./schema-servers-names.ts";
import { type FileStep, steps } from "./schema-servers-rewrite.ts";
import { cache, charsetMap, variables, zones } from "./schema-servers-tables.ts";
import { tlsVersions } from "./schema-shared.ts";
import type { HeadRules, LocationMatch, ServerName, ServersConfig, ServerTlsConfig } from "./servers.ts";

export interface FileListen {
  readonly address: Address;
  /** null = the first server of an address is. */
  readonly isDefault: boolean | null;
  readonly tls: boolean;
  readonly proxyProtocol: boolean;
  readonly backlog: number | null;
  readonly ipv6Only: boolean | null;
}

export interface FileLocation {
  readonly match: LocationMatch;
  /** null = where a path that ends with a slash is proxied. */
  readonly redirectBare: boolean | null;
  readonly rewrite: readonly FileStep[];
  readonly limitExcept: { readonly methods: readonly string[]; readonly settings: BlockChange } | null;
  readonly locations: readonly FileLocation[];
  readonly change: BlockChange;
}

export interface FileServer {
  readonly names: readonly ServerName[];
  /** null = the first of the names. */
  readonly name: string | null;
  readonly listen: readonly FileListen[];
  readonly tls: ServerTlsConfig | null;
  readonly rewrite: readonly FileStep[];
  readonly locations: readonly FileLocation[];
  readonly head: Change<HeadRules>;
  readonly change: BlockChange;
}

export interface FileDefaults {
  readonly head: Change<HeadRules>;
  readonly change: BlockChange;
}

export const head = record<HeadRules>({
  timeoutMs: part("timeout", duration, "For a whole request head; 408 after it.", 60_000),
  bufferBytes: part("buffer", bytes, "First buffer of a head.", 1024),
  largeBuffers: part(
    "large-buffers",
    record<HeadRules["largeBuffers"]>({
      count: part("count", count(1), "How many."),
      bytes: part("size", size, "How large each."),
    }),
    "Further buffers: a line or a field has room in one, the head in all of them.",
    { count: 4, bytes: 8192 },
  ),
  fieldsMax: part("fields", count(1), "Number of fields.", 1000),
  ignoreInvalid: part(
    "ignore-invalid",
    flag,
    "Whether fields with invalid names are passed over; otherwise 400.",
    true,
  ),
  underscores: part("underscores", flag, "Whether names may have underscores.", false),
  mergeSlashes: part("merge-slashes", flag, "Whether several slashes in a path are one.", true),
});

const address: Form<Address> = textForm(
  'an address such as ":8080"',
  (written) => {
    // nginx takes sockets by names that are relative to the folder of the process.
    if (/^unix:[^/]/.test(written)) return { kind: "unix", path: written.slice("unix:".length) };
    const result = parseAddress(written);
    return isProblem(result) ? errorOf(result.message, result.hint) : result;
  },
  formatAddress,
  { unit: "address" },
);

const listenFull = record<FileListen>({
  address: part("address", address, "Where to listen."),
  isDefault: part(
    "default",
    orNothing(flag),
    "Whether requests for names of no server come here. Default: the first server of an address.",
    null,
  ),
  tls: part("tls", flag, "Whether TLS is terminated here, by the rules of the server that is asked for.", false),
  proxyProtocol: part("proxy-protocol", flag, "Whether connections begin with a PROXY protocol head.", false),
  backlog: part("backlog", orNothing(count(1)), "Connections that wait in the kernel.", null),
  ipv6Only: part("ipv6-only", orNothing(flag), "Whether [::] takes no IPv4.", null),
});

const listen: Form<FileListen> = orShort<FileListen, Address>(
  listenFull,
  address,
  "an address, or a mapping with address",
  {
    widen: (only) => ({ ...listenFull.standard, address: only }),
    narrow: (full) => (Object.keys(listenFull.write(full) as object).length === 1 ? full.address : undefined),
  },
);

const tls = record<ServerTlsConfig>({
  certificates: part(
    "certificates",
    list(
      record<ServerTlsConfig["certificates"][number]>({
        cert: part("cert", fileText, "PEM file of the certificate with its chain."),
        key: part("key", fileText, "PEM file of its key."),
      }),
      "a mapping with cert and key",
    ),
    "Certificates, of different kinds of keys; with variables they are chosen per handshake.",
    [],
  ),
  passwordFile: part("password-file", orNothing(file), "Passphrases of keys, one a line.", null),
  protocols: part("protocols", tlsVersions, "Versions of TLS.", ["TLSv1.2", "TLSv1.3"]),
  ciphers: part("ciphers", plain, "OpenSSL's list of ciphers.", "HIGH:!aNULL:!MD5"),
  preferServerCiphers: part("prefer-server-ciphers", flag, "Whether their order counts.", false),
  curves: part("curves", plain, "Curves of keys.", "auto"),
  dhparam: part("dhparam", orNothing(file), "PEM file with Diffie-Hellman parameters.", null),
  rejectHandshake: part("reject", flag, "Whether all handshakes are refused.", false),
  verifyClient: part(
    "verify-client",
    words("off", "on", "optional", "optional-no-ca"),
    "Whether clients have to show a certificate.",
    "off",
  ),
  verifyDepth: part("verify-depth", count(), "Certificates between theirs and a trusted one.", 1),
  clientCa: part("client-ca", orNothing(file), "PEM file of CAs that are named to clients and trusted.", null),
  trustedCa: part("trusted-ca", orNothing(file), "PEM file of CAs that are trusted.", null),
  crl: part("crl", orNothing(file), "PEM file of revoked certificates.", null),
  sessionTimeoutMs: part("session-timeout", duration, "How long sessions can be taken up again.", 300_000),
  sessionTickets: part("session-tickets", flag, "Whether clients keep them as tickets.", true),
  sessionTicketKeys: part("session-ticket-keys", list(file, "a file"), "Keys of tickets.", []),
  sessionCache: part("session-cache", words("shared", "none", "off"), "Where sessions are kept.", "none"),
  alpn: part("alpn", list(plain, "a protocol"), "Protocols that are agreed on.", ["http/1.1", "http/1.0", "http/0.9"]),
  handshakeTimeoutMs: part("handshake-timeout", duration, "For a handshake.", 60_000),
});

const limitExcept: Form<FileLocation["limitExcept"]> = {
  schema: z.pipe(
    mapping({
      methods: field(
        list(plain, "a method").schema,
        "Methods that the settings of the location are for; GET stands for HEAD, too.",
      ),
      settings: z.optional(field(block.changes, "Settings of a block for all other methods.", { unit: "mapping" })),
    }),
    z.transform(({ methods, settings }) => ({ methods, settings: settings ?? {} })),
  ) as unknown as z.ZodMiniType<FileLocation["limitExcept"]>,
  write: (value) =>
    value && { methods: list(plain, "a method").write(value.methods), settings: block.writeChange(value.settings) },
  visit: (raw, path, see) =>
    block.visit?.((raw as { settings?: unknown } | null)?.settings, [...path, "settings"], see),
};

type Own<T> = Omit<T, "change" | "head">;

/** Locations are read and written by the form below. */
const innerLocations: Form<readonly FileLocation[]> = {
  schema: z.lazy(() => locations.schema) as unknown as z.ZodMiniType<readonly FileLocation[]>,
  write: (all) => (all.length === 0 ? "off" : locations.write(all)),
  visit: (raw, path, see) => locations.visit?.(raw, path, see),
  words: { unit: "list of mappings" },
};

const rewritePart = part("rewrite", steps, "Program that runs first: steps in order.", []);
const locationsPart: Part<readonly FileLocation[]> = part(
  "locations",
  innerLocations,
  "Locations, as in a server.",
  [],
);

const ownOfLocation = record<Own<FileLocation>>({
  match: part(
    "location",
    locationMatch,
    "Paths: `/a/` as a beginning, `= /a` exactly, `^~ /a/` as a beginning before which no regular expression is asked, `~ \\.php$` or `~* \\.png$` as a regular expression, `@name` for internal redirects. Exact comes first, then the first regular expression, then the longest beginning.",
  ),
  redirectBare: part(
    "redirect-bare",
    orNothing(flag),
    "Whether `/a` is redirected to `/a/`. Default: where a path with a slash at the end is proxied.",
    null,
  ),
  rewrite: rewritePart,
  limitExcept: part("limit-except", orNothing(limitExcept), "Other settings for other methods.", null),
  locations: locationsPart,
});

const headPart = groupPart(
  "head",
  head,
  "How request heads are read; those of the default server hold until a server is chosen.",
);

const ownOfServer = record<Own<FileServer>>({
  names: part(
    "names",
    list(serverName, "a host name"),
    "Host names: exact, `*.example.com`, `.example.com` (both), `www.example.*`, or a regular expression (`~ ^www\\d+`).",
    [{ kind: "exact", name: "" }],
  ),
  name: part("name", orNothing(plain), "What `{$server_name}` is. Default: the first name.", null),
  listen: part("listen", list(listen, "an address"), "Addresses to listen on.", [
    { ...listenFull.standard, address: { kind: "tcp", host: "", port: 8080 } },
  ]),
  tls: part("tls", orOff(tls), "Certificates and rules of TLS for listeners with tls: true.", null),
  rewrite: rewritePart,
  locations: locationsPart,
});

/** A mapping that has its own keys and those of a block. */
function withBlock<O extends object, T>(
  own: RecordForm<O>,
  required: readonly string[],
  make: (own: O, change: BlockChange, raw: Readonly<Record<string, unknown>>) => T,
  more: Record<string, z.ZodMiniType> = {},
): z.ZodMiniType<T> {
  const missing = z.transform((raw: Record<string, unknown>, context): T => {
    const key = required.find((each) => raw[each] === undefined);
    if (key === undefined) return make({ ...own.standard, ...own.changeOf(raw) } as O, block.changeOf(raw), raw);
    context.issues.push({ code: "custom", input: raw, message: `"${key}" is missing` });
    return z.NEVER;
  });
  return z.pipe(mapping({ ...own.shape, ...more, ...block.shape }), missing as never) as unknown as z.ZodMiniType<T>;
}

const location: Form<FileLocation> = {
  schema: withBlock<Own<FileLocation>, FileLocation>(ownOfLocation, ["location"], (own, change) => ({
    ...own,
    change,
  })),
  write: ({ change, ...own }) => ordered(ownOfLocation.write(own), block.writeChange(change)),
  visit: (raw, path, see) => {
    ownOfLocation.visit?.(raw, path, see);
    block.visit?.(raw, path, see);
  },
};

const locations = list(location, "a mapping with location");
const headShape = { head: headPart.form.schema as unknown as z.ZodMiniType };
const headZod = { head: z.optional(field(headShape.head, headPart.description)) as unknown as z.ZodMiniType };
const changeOfHead = (raw: Readonly<Record<string, unknown>>) => (raw["head"] ?? {}) as Change<HeadRules>;

const server: Form<FileServer> = {
  schema: withBlock<Own<FileServer>, FileServer>(
    ownOfServer,
    [],
    (own, change, raw) => ({ ...own, change, head: changeOfHead(raw) }),
    headZod,
  ),
  write: ({ change, head: ofHead, ...own }) =>
    ordered(ownOfServer.write(own), { ...headOf(ofHead), ...block.writeChange(change) }),
  visit: (raw, path, see) => {
    ownOfServer.visit?.(raw, path, see);
    block.visit?.(raw, path, see);
  },
};

function headOf(change: Change<HeadRules>): Record<string, unknown> {
  const written = head.writeChange(change);
  return Object.keys(written).length === 0 ? {} : { head: written };
}

/** What a block matches first, what it says then, what is within last. */
function ordered(own: unknown, rest: Record<string, unknown>): Record<string, unknown> {
  const { rewrite, locations: inner, "limit-except": except, ...first } = own as Record<string, unknown>;
  const last = { rewrite, "limit-except": except, locations: inner };
  const written = Object.fromEntries(Object.entries(last).filter(([, value]) => value !== undefined));
  return { ...first, ...rest, ...written };
}

const NOTHING = record<object>({} as never);

const defaults: Form<FileDefaults> = {
  schema: withBlock<object, FileDefaults>(
    NOTHING,
    [],
    (_, change, raw) => ({ change, head: changeOfHead(raw) }),
    headZod,
  ),
  write: ({ change, head: ofHead }) => ({ ...headOf(ofHead), ...block.writeChange(change) }),
  visit: (raw, path, see) => block.visit?.(raw, path, see),
};

const product: Form<ServersConfig["product"]> = textForm(
  'a name such as "goodgate/1.0"',
  (written) => {
    const [name = "", version = ""] = written.split("/");
    return { name, version };
  },
  ({ name, version }) => (version === "" ? name : `${name}/${version}`),
);

/** The sections of virtual servers. */
export interface FileServers {
  readonly servers: readonly FileServer[];
  readonly defaults: FileDefaults;
  readonly variables: ServersConfig["variables"];
  readonly zones: ServersConfig["zones"];
  readonly caches: ServersConfig["caches"];
  readonly formats: ServersConfig["formats"];
  readonly charsetMaps: NonNullable<ServersConfig["charsetMaps"]>;
  readonly product: ServersConfig["product"];
  readonly certificatesFrom?: string;
}

const PRODUCT = { name: "goodgate", version: "" } as const;

/** The table of the sections, which stand at the top of the file. */
export const serversSections = record<FileServers>({
  defaults: part(
    "server-defaults",
    defaults,
    "Settings of a block that hold in every server: the block around all of them.",
    { head: {}, change: {} },
  ),
  variables: part("variables", variables, "Variables that the file defines, by name: maps, networks and shares.", []),
  zones: part("zones", zones, "Counters that `limits` name.", []),
  caches: part(
    "caches",
    list(cache, "a mapping with name and path"),
    "Where responses are kept that `cache` names.",
    [],
  ),
  formats: part(
    "formats",
    list(logFormat, "a mapping with name and text"),
    "Formats of access logs of virtual servers.",
    [],
  ),
  charsetMaps: part(
    "charset-maps",
    list(charsetMap, "a mapping with from and to"),
    "How one charset becomes another.",
    [],
  ),
  product: part("product", product, "What Server says.", PRODUCT),
  certificatesFrom: optional(
    "certificates-from",
    plain,
    "Folder of certificates whose names come out of variables, with a slash at the end.",
  ),
  servers: part(
    "servers",
    list(server, "a mapping with names and locations"),
    "Virtual servers, instead of routes: the Host field chooses one, the path a location in it. A block says only what differs from the block around it: groups are taken key by key, everything else whole.",
    [],
  ),
});
