// What Connection and Upgrade say (RFC 9110 §7.6.1, §7.8). Connection may take fields out of a message, but none that
// frames it, routes it, or is the gateway's own word to the next hop (CVE-2024-45410).
import type { Ms } from "../std/units.ts";
import { FIELD_CONNECTION, FIELD_KEEP_ALIVE } from "./fields.ts";
import { type Fields, fieldValue, fieldValues, hasField, MARK, type ResponseHead } from "./head.ts";
import { listElements } from "./list.ts";

/** The options of the Connection fields. */
export interface ConnectionOptions {
  readonly close: boolean;
  readonly keepAlive: boolean;
  readonly upgrade: boolean;
  /** Lower-case field names to remove; null = none. */
  readonly nominated: readonly string[] | null;
}

const CLOSE: ConnectionOptions = { close: true, keepAlive: false, upgrade: false, nominated: null };
const KEEP_ALIVE: ConnectionOptions = { close: false, keepAlive: true, upgrade: false, nominated: null };

/** Options that are no fields to remove, fields that are always removed, and fields beyond Connection's reach. */
const NOT_NOMINATED = new Set([
  "close",
  "connection",
  "keep-alive",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
  "content-length",
  "date",
  "forwarded",
  "host",
  "proxy-status",
  "via",
  "x-real-ip",
  "x-request-id",
]);
const OWN_PREFIX = "x-forwarded-";
const TOKEN = /^[!#$%&'*+.^_`|~0-9a-z-]+$/;

/** Reads the Connection fields of a head that has at least one. */
export function connectionOptions(fields: Fields): ConnectionOptions {
  const { marks, text } = fields;
  let value = "";
  for (let k = 0; k < marks.length; k += MARK) {
    if (marks[k] !== FIELD_CONNECTION) continue;
    const more = text.slice(marks[k + 3], marks[k + 4]);
    value = value === "" ? more : `${value},${more}`;
  }
  if (value === "keep-alive") return KEEP_ALIVE;
  if (value === "close") return CLOSE;
  value = value.toLowerCase();
  if (value === "keep-alive") return KEEP_ALIVE;
  return value === "close" ? CLOSE : readOptions(value);
}

function readOptions(lowerValue: string): ConnectionOptions {
  const options = new Set(listElements(lowerValue));
  const nominated = [...options].filter(
    (option) => !NOT_NOMINATED.has(option) && !option.startsWith(OWN_PREFIX) && TOKEN.test(option),
  );
  return {
    close: options.has("close"),
    keepAlive: options.has("keep-alive"),
    upgrade: options.has("upgrade"),
    nominated: nominated.length > 0 ? nominated : null,
  };
}

/**
 * The protocols that Upgrade offers, "" where none may be forwarded. An offer of h2c is none: behind its 101 the
 * gateway would carry requests that it neither sees nor routes.
 */
export function upgradeOffer(fields: Fields): string {
  const offer = fieldValues(fields, "upgrade").join(", ");
  return PROTOCOLS.test(offer) && !H2C.test(offer) ? offer : "";
}

const PROTOCOLS = /^[!#$%&'*+.^_`|~0-9a-z/-]+(?:[ \t]*,[ \t]*[!#$%&'*+.^_`|~0-9a-z/-]+)*$/i;
const H2C = /(?:^|,)[ \t]*h2c?[ \t]*(?:,|$)/i;

/** "Keep-Alive: timeout=5" in milliseconds (RFC 2068 §19.7.1.1); 0 = not said. Node's servers and Apache say it. */
export function keepAliveTimeoutMs(head: ResponseHead): Ms {
  if (!hasField(head, FIELD_KEEP_ALIVE)) return 0;
  const seconds = /(?:^|[\s,])timeout=(\d{1,6})/i.exec(fieldValue(head, "keep-alive") ?? "")?.[1];
  return seconds === undefined ? 0 : Number(seconds) * 1000;
}
