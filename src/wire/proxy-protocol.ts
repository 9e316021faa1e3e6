// The PROXY protocol, versions 1 and 2 (its specification is HAProxy's doc/proxy-protocol.txt): what a proxy before us
// says of the client, in front of everything else on a connection. It is read out of what has come so far: a sender has
// to send it at once, but a network may cut it anywhere, so a beginning that can still become a head is waited for.
// TLVs are kept as bytes and looked up when they are asked for.
import type { Bytes } from "../std/units.ts";

/** What the head said of the connection that the proxy has accepted. */
export interface ProxiedConnection {
  readonly address: string;
  readonly port: number;
  readonly serverAddress: string;
  readonly serverPort: number;
  /** Type, length, value; one behind the other. */
  readonly tlvs: Buffer;
}

export type ProxyProtocolResult =
  /** `connection` null = the proxy speaks for itself, or of something that is no TCP connection. `size`: bytes of the head. */
  | { readonly ok: true; readonly connection: ProxiedConnection | null; readonly size: Bytes }
  /** In the words of nginx. */
  | { readonly ok: false; readonly problem: string };

/** A head of version 1 has at most 107 bytes; one of version 2 may be longer, by its TLVs. */
export const PROXY_HEAD_BYTES_MAX: Bytes = 4096;
const V1_BYTES_MAX = 107;

const SIGNATURE = Buffer.from("\r\n\r\n\0\r\nQUIT\n", "latin1");
const V2_HEAD = 16;
const NO_TLVS = Buffer.alloc(0);

/** Reads a head at the beginning of `bytes`; undefined = it is not whole yet. */
export function readProxyHead(bytes: Buffer): ProxyProtocolResult | undefined {
  const known = Math.min(bytes.length, SIGNATURE.length);
  if (bytes.length === 0) return undefined;
  if (bytes.compare(SIGNATURE, 0, known, 0, known) === 0) {
    return bytes.length < V2_HEAD ? undefined : readV2(bytes);
  }
  const line = bytes.toString("latin1", 0, V1_BYTES_MAX);
  const end = line.indexOf("\r\n");
  if (end < 0 && bytes.length < V1_BYTES_MAX && !/[\r\n]./s.test(line) && mayBecomeV1(line)) return undefined;
  return readV1(line, end);
}

const V1 = "PROXY ";
const UNKNOWN = "PROXY UNKNOWN";

function mayBecomeV1(line: string): boolean {
  return line.length < V1.length ? V1.startsWith(line) : line.startsWith(V1);
}

function readV1(line: string, end: number): ProxyProtocolResult {
  if (end >= 0 && line.startsWith(UNKNOWN)) return { ok: true, connection: null, size: end + 2 };
  const match =
    end < 0 ? null : /^PROXY TCP[46] ([\da-fA-F:.]*) ([\da-fA-F:.]*) (\d{1,5}) (\d{1,5})$/.exec(line.slice(0, end));
  const [, address = "", serverAddress = "", from, to] = match ?? [];
  const [port, serverPort] = [Number(from), Number(to)];
  if (!match || port > 65_535 || serverPort > 65_535) {
    return { ok: false, problem: `broken header: "${line.replace(/[\r\n].*$/s, "")}"` };
  }
  return { ok: true, connection: { address, port, serverAddress, serverPort, tlvs: NO_TLVS }, size: end + 2 };
}

const PROXY_COMMAND = 1;
const STREAM = 1;
const INET = 1;
const INET6 = 2;

function readV2(bytes: Buffer): ProxyProtocolResult | undefined {
  const version = bytes[12]! >> 4;
  if (version !== 2) return { ok: false, problem: `unknown PROXY protocol version: ${version}` };
  const size = V2_HEAD + bytes.readUInt16BE(14);
  if (size > PROXY_HEAD_BYTES_MAX) return { ok: false, problem: "header is too large" };
  if (bytes.length < size) return undefined;
  const family = bytes[13]! >> 4;
  const transport = bytes[13]! & 0x0f;
  const isStream = (bytes[12]! & 0x0f) === PROXY_COMMAND && transport === STREAM;
  const addressBytes = family === INET ? 4 : family === INET6 ? 16 : 0;
  if (!isStream || addressBytes === 0) return { ok: true, connection: null, size };
  const portsAt = V2_HEAD + 2 * addressBytes;
  if (portsAt + 4 > size) return { ok: false, problem: "broken header: addresses are cut" };
  const text = (from: number): string => addressText(bytes.subarray(from, from + addressBytes));
  const connection = {
    address: text(V2_HEAD),
    serverAddress: text(V2_HEAD + addressBytes),
    port: bytes.readUInt16BE(portsAt),
    serverPort: bytes.readUInt16BE(portsAt + 2),
    tlvs: Buffer.from(bytes.subarray(portsAt + 4, size)),
  };
  return { ok: true, connection, size };
}

/** IPv6 in its one spelling (RFC 5952). */
function addressText(bytes: Buffer): string {
  if (bytes.length === 4) return bytes.join(".");
  const groups: string[] = [];
  for (let at = 0; at < bytes.length; at += 2) groups.push(bytes.readUInt16BE(at).toString(16));
  return new URL(`http://[${groups.join(":")}]`).hostname.slice(1, -1);
}

const TLV_TYPES: { readonly [name: string]: number } = { alpn: 1, authority: 2, unique_id: 5, ssl: 0x20, netns: 0x30 };
const SSL_TLV_TYPES: { readonly [name: string]: number } = {
  version: 0x21,
  cn: 0x22,
  cipher: 0x23,
  sig_alg: 0x24,
  key_alg: 0x25,
};
/** Bits and the result of the verification, before the TLVs inside. */
const SSL_HEAD = 5;

/** A TLV by its name ("alpn", "ssl_cn", "0xea"), as byte text; undefined = it is not there. */
export function tlvOf(tlvs: Buffer, name: string): string | undefined {
  if (!name.startsWith("ssl_")) return valueIn(tlvs, typeOf(name, TLV_TYPES))?.toString("latin1");
  const ssl = valueIn(tlvs, TLV_TYPES["ssl"]);
  if (!ssl || ssl.length < SSL_HEAD) return undefined;
  const inner = name.slice(4);
  if (inner === "verify") return String(ssl.readUInt32BE(1));
  return valueIn(ssl.subarray(SSL_HEAD), typeOf(inner, SSL_TLV_TYPES))?.toString("latin1");
}

function typeOf(name: string, types: { readonly [name: string]: number }): number | undefined {
  return /^0x[\da-f]+$/i.test(name) ? Number(name) : types[name];
}

function valueIn(tlvs: Buffer, type: number | undefined): Buffer | undefined {
  let at = 0;
  while (at + 3 <= tlvs.length) {
    const end = at + 3 + tlvs.readUInt16BE(at + 1);
    if (end > tlvs.length) return undefined;
    if (tlvs[at] === type) return tlvs.subarray(at + 3, end);
    at = end;
  }
  return undefined;
}
