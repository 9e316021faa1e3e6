// Trailer fields (RFC 9110 §6.5). What frames, routes or guards a message must stand before its body: as a trailer it
// would reach a reader that merges trailers into the head after the decision was made. Such fields are left out.
import { wireError } from "./error.ts";
import { MARK, type WireError } from "./head.ts";
import { INVALID, scan, scanFields, takeMarks } from "./scan.ts";

const FIELDS_MAX = 100;

const NOT_IN_TRAILERS: ReadonlySet<string> = new Set([
  "authorization",
  "cache-control",
  "connection",
  "content-encoding",
  "content-length",
  "content-range",
  "content-type",
  "cookie",
  "expect",
  "forwarded",
  "host",
  "if-match",
  "if-modified-since",
  "if-none-match",
  "if-range",
  "if-unmodified-since",
  "keep-alive",
  "location",
  "max-forwards",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-connection",
  "range",
  "set-cookie",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
  "vary",
  "via",
  "www-authenticate",
  "x-real-ip",
  "x-request-id",
]);
const OWN_PREFIX = "x-forwarded-";

/** The fields of a trailer section (with the empty line that ends it) that may go on, or what is wrong with it. */
export function readTrailers(section: string): string | WireError {
  const bytes = Buffer.from(section, "latin1");
  const end = scanFields(bytes, 0, bytes.length, 0, FIELDS_MAX);
  if (end === INVALID) return wireError("bad-trailer", scan.error!.detail, 0);
  if (end !== bytes.length) return wireError("bad-trailer", "not a list of fields", 0);
  const marks = takeMarks();
  let kept = "";
  for (let k = 0; k < marks.length; k += MARK) {
    const name = section.slice(marks[k + 1], marks[k + 2]);
    const lowerName = name.toLowerCase();
    if (NOT_IN_TRAILERS.has(lowerName) || lowerName.startsWith(OWN_PREFIX)) continue;
    kept += `${name}: ${section.slice(marks[k + 3], marks[k + 4])}\r\n`;
  }
  return kept;
}
