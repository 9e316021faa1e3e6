// Heads as they go on. Fields keep their order and their case; those that belong to one connection only are left out
// (RFC 9110 §7.6.1), the framing is stated anew where it is not exactly as received, and what the gateway sets comes
// behind. Ordinary fields go out as slices of the received text, a run of them at a time; only where a line ended in a
// bare LF, or names are to be removed, is the head put together field by field.
import {
  FIELD_CONNECTION,
  FIELD_CONTENT_LENGTH,
  FIELD_EXPECT,
  FIELD_FORWARDED,
  FIELD_HOST,
  FIELD_KEEP_ALIVE,
  FIELD_PROXY_CONNECTION,
  FIELD_TE,
  FIELD_TRAILER,
  FIELD_TRANSFER_ENCODING,
  FIELD_UPGRADE,
  FIELD_VIA,
  FIELD_X_FORWARDED_FOR,
  FIELD_X_FORWARDED_HOST,
  FIELD_X_FORWARDED_PROTO,
  FIELD_X_REQUEST_ID,
  kindBit,
} from "./fields.ts";
import { CHUNKED, UNTIL_CLOSE } from "./framing.ts";
import { MARK, type RequestHead, type ResponseHead } from "./head.ts";

const CONTENT_LENGTH = kindBit(FIELD_CONTENT_LENGTH);
const TRAILER = kindBit(FIELD_TRAILER);
const HOST = kindBit(FIELD_HOST);
const EXPECT = kindBit(FIELD_EXPECT);

/** Fields of one connection. They go out only as the gateway states them. */
const HOP_BY_HOP =
  kindBit(FIELD_CONNECTION) |
  kindBit(FIELD_KEEP_ALIVE) |
  kindBit(FIELD_PROXY_CONNECTION) |
  kindBit(FIELD_TE) |
  kindBit(FIELD_TRANSFER_ENCODING) |
  kindBit(FIELD_UPGRADE);

/** What a gateway says of a request to the next hop: the received fields are replaced. */
export const FORWARDING_FIELDS: number =
  kindBit(FIELD_X_FORWARDED_FOR) |
  kindBit(FIELD_X_FORWARDED_PROTO) |
  kindBit(FIELD_X_FORWARDED_HOST) |
  kindBit(FIELD_FORWARDED) |
  kindBit(FIELD_VIA) |
  kindBit(FIELD_X_REQUEST_ID);

/** What the gateway decides about a request that goes on. */
export interface ForwardRequest {
  readonly method: string;
  /** Request target to send: path and query, or "*". */
  readonly target: string;
  /** Value of Host. */
  readonly host: string;
  /** Complete "Name: value\r\n" lines that the gateway sets. */
  readonly added: string;
  /** As in the head, or what became of it: 0, n or CHUNKED. */
  readonly bodyLength: number;
  /** Protocol to upgrade to; "" = none. */
  readonly upgrade: string;
  /** Lower-case names to remove; null = none. Host and the framing are out of its reach. */
  readonly drop: ReadonlySet<string> | null;
  /** Kinds (kindBit) whose received fields are removed because `added` has them; FORWARDING_FIELDS unless given. */
  readonly replaced?: number;
  /** False: "Connection: close" goes out. True unless given. */
  readonly keepAlive?: boolean;
}

/** What the gateway decides about a response that goes on. */
export interface ForwardResponse {
  /** n or CHUNKED or UNTIL_CLOSE; 0 = no body follows, and Content-Length stays as received (HEAD, 304). */
  readonly bodyLength: number;
  readonly keepAlive: boolean;
  /** Complete "Name: value\r\n" lines that the gateway sets. */
  readonly added: string;
  /** Lower-case names to remove; null = none. The framing is out of its reach. */
  readonly drop: ReadonlySet<string> | null;
  /** Protocol of a 101; "" = none. */
  readonly upgrade: string;
  /** The client speaks HTTP/1.0: it is told where the connection stays open. */
  readonly http10Client: boolean;
  /** Kinds (kindBit) whose received fields are removed; none unless given. */
  readonly replaced?: number;
}

/** A request head for the next hop. */
export function forwardRequestHead(head: RequestHead, f: ForwardRequest): string {
  let removed = HOP_BY_HOP | HOST | (f.replaced ?? FORWARDING_FIELDS);
  if (head.minor === 0) removed |= EXPECT;
  let framing = "";
  if (f.bodyLength === CHUNKED) {
    removed |= CONTENT_LENGTH;
    framing = "Transfer-Encoding: chunked\r\n";
  } else {
    removed |= TRAILER;
    if (f.bodyLength !== head.bodyLength || !head.plainLength) {
      removed |= CONTENT_LENGTH;
      if (f.bodyLength > 0 || (head.seen & CONTENT_LENGTH) !== 0) {
        framing = `Content-Length: ${f.bodyLength}\r\n`;
      }
    }
  }
  return (
    `${f.method} ${f.target} HTTP/1.1\r\nHost: ${f.host}\r\n` +
    keptFields(head, removed, f.drop) +
    framing +
    connectionField(f.upgrade, f.keepAlive === false ? "close" : "") +
    f.added +
    "\r\n"
  );
}

/** A final response head, or a 101, for the client. */
export function forwardResponseHead(head: ResponseHead, f: ForwardResponse): string {
  let removed = HOP_BY_HOP | (f.replaced ?? 0);
  let framing = "";
  if (f.bodyLength === CHUNKED) {
    removed |= CONTENT_LENGTH;
    framing = "Transfer-Encoding: chunked\r\n";
  } else {
    removed |= TRAILER;
    // With contentLength -1 the fields say nothing that holds: there are none, or a 1xx or 204 has them.
    const length = f.bodyLength > 0 ? f.bodyLength : head.contentLength;
    if (f.bodyLength === UNTIL_CLOSE || length < 0) removed |= CONTENT_LENGTH;
    else if (length !== head.contentLength || !head.plainLength) {
      removed |= CONTENT_LENGTH;
      framing = `Content-Length: ${length}\r\n`;
    }
  }
  // RFC 9110 §15.5.22: a 426 says which protocol it wants.
  const upgrade = head.status === 426 ? head.upgrade : f.upgrade;
  const option = f.keepAlive ? (f.http10Client ? "keep-alive" : "") : head.status === 101 ? "" : "close";
  return (
    statusLine(head) + keptFields(head, removed, f.drop) + framing + connectionField(upgrade, option) + f.added + "\r\n"
  );
}

/** A sender states its own version (RFC 9110 §2.5), whatever the upstream's is. */
function statusLine(head: ResponseHead): string {
  return `HTTP/1.1 ${head.status} ${head.reason}\r\n`;
}

function connectionField(upgrade: string, option: string): string {
  if (upgrade !== "") return `Connection: ${option === "" ? "" : `${option}, `}upgrade\r\nUpgrade: ${upgrade}\r\n`;
  return option === "" ? "" : `Connection: ${option}\r\n`;
}

/** The received field lines without those of the kinds and names to be removed, and without those that Connection names. */
export function keptFields(
  head: RequestHead | ResponseHead,
  removed: number,
  drop: ReadonlySet<string> | null,
): string {
  const { text, marks } = head;
  if (marks.length === 0) return "";
  if (head.bareLf || drop !== null || head.nominated !== null) return rebuiltFields(head, removed, drop);
  const end = text.length - 2;
  if ((head.seen & removed) === 0) return text.slice(marks[1], end);
  let kept = "";
  let from = -1;
  for (let k = 0; k < marks.length; k += MARK) {
    if (((removed >> marks[k]!) & 1) === 0) {
      if (from < 0) from = marks[k + 1]!;
    } else if (from >= 0) {
      kept += text.slice(from, marks[k + 1]);
      from = -1;
    }
  }
  return from < 0 ? kept : kept + text.slice(from, end);
}

/** The same field by field: lines end in CRLF, and names can be removed. */
function rebuiltFields(head: RequestHead | ResponseHead, removed: number, drop: ReadonlySet<string> | null): string {
  const { text, marks } = head;
  const nominated = head.nominated ? new Set(head.nominated) : null;
  let kept = "";
  for (let k = 0; k < marks.length; k += MARK) {
    const kind = marks[k]!;
    if (((removed >> kind) & 1) !== 0) continue;
    // Framing is decided above, and by nobody else.
    if (kind !== FIELD_CONTENT_LENGTH) {
      const name = text.slice(marks[k + 1], marks[k + 2]).toLowerCase();
      if (drop?.has(name) || nominated?.has(name)) continue;
    }
    kept += text.slice(marks[k + 1], marks[k + 4]) + "\r\n";
  }
  return kept;
}
