// Who may come to a block of virtual servers, and how often: rules, passwords, requests that ask, rates, connections.
import * as z from "zod/mini";
import { errorOf } from "./address.ts";
import {
  count,
  duration,
  type Form,
  fileText,
  flag,
  list,
  mapped,
  nameOf,
  orOff,
  pairs,
  pattern,
  plain,
  text,
  textForm,
  words,
} from "./forms.ts";
import { part, record } from "./forms-record.ts";
import { tagged } from "./forms-tagged.ts";
import { errorLevel } from "./schema-servers-logs.ts";
import { serverName } from "./schema-servers-names.ts";
import type { AccessConfig, LimitsConfig, RealIpConfig, ReferersConfig, SecureLinkConfig } from "./servers.ts";

const accessRule = textForm(
  '"allow ADDRESS" or "deny ADDRESS"',
  (written) => {
    const match = /^(allow|deny) (\S+)$/.exec(written);
    return match
      ? { allow: match[1] === "allow", from: match[2]! }
      : errorOf(`"${written}" is no rule`, 'write "allow 10.0.0.0/8", "deny all"');
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

/** Who may. */
export const access = record<AccessConfig>({
  satisfy: part("satisfy", words("all", "any"), "Whether a request has to pass all of these, or any.", "all"),
  rules: part(
    "rules",
    list(accessRule, "a rule"),
    "Addresses that may (`allow 10.0.0.0/8`) or may not (`deny all`); the first that fits decides.",
    [],
  ),
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
  request: part(
    "request",
    orOff(
      mapped(
        plain,
        (uri) => ({ uri }),
        ({ uri }) => uri,
      ),
    ),
    "Path that is asked whether the request may pass.",
    null,
  ),
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
  schema: z.union([
    z.pipe(
      never.schema,
      z.transform(() => Number.POSITIVE_INFINITY),
    ),
    z.int(),
  ]) as unknown as z.ZodMiniType<number>,
  write: (value) => (value === Number.POSITIVE_INFINITY ? "never" : value),
};

/** Bounds of rates and of requests at work. */
export const limits = record<LimitsConfig>({
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

/** Where the client's address comes from. */
export const realIp = record<RealIpConfig>({
  from: part(
    "from",
    list(plain, "an address"),
    "Addresses and CIDR blocks of proxies whose word is believed; `unix:` for Unix sockets.",
  ),
  header: part("header", plain, "Field that has the address, or `proxy_protocol`.", "x-real-ip"),
  recursive: part("recursive", flag, "Whether addresses of such proxies in the field are passed over.", false),
});

/** What referers are valid. */
export const referers = record<ReferersConfig>({
  none: part("none", flag, "Whether requests without a referer are valid.", false),
  blocked: part("blocked", flag, "Whether a referer without a scheme is valid.", false),
  names: part("names", list(serverName, "a host name"), "Hosts that are valid.", []),
  uris: part(
    "uris",
    list(
      record<ReferersConfig["uris"][number]>({
        name: part("name", plain, "Host."),
        uri: part("uri", plain, "Beginning of the path."),
      }),
      "a mapping with name and uri",
    ),
    "Hosts with the beginning of a path that are valid.",
    [],
  ),
  patterns: part("patterns", list(pattern, "a regular expression"), "Regular expressions of what is valid.", []),
});
