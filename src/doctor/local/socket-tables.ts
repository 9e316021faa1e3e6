// The tables of sockets: /proc/net/tcp, tcp6 and unix, which need no rights and no program. Of a socket that listens,
// rx_queue is the number of connections that wait to be accepted; how many may wait, and whether an IPv6 socket takes
// IPv4 too, only `ss` says. Addresses are in the machine's byte order, a word of 32 bits at a time.
import { endianness } from "node:os";
import { formatIp } from "../../wire/ip-address.ts";

/** A TCP socket that listens. */
export interface TcpListener {
  readonly family: 4 | 6;
  /** "127.0.0.1", "::". */
  readonly host: string;
  readonly port: number;
  readonly inode: number;
  readonly uid: number;
  /** Connections that wait to be accepted. */
  readonly waiting: number;
}

/** A Unix stream socket that listens. */
export interface UnixListener {
  /** As it was bound; "@name" = abstract. */
  readonly path: string;
  readonly inode: number;
}

const LISTEN = "0A";
const LINES_MAX = 200_000;
const SO_ACCEPTCON = 0x10000;

/** Listening sockets of /proc/net/tcp or tcp6. Lines that cannot be read are left out. */
export function readTcpTable(text: string, family: 4 | 6): TcpListener[] {
  const found: TcpListener[] = [];
  for (const line of text.split("\n", LINES_MAX)) {
    const words = line.trim().split(/\s+/);
    if (words[3] !== LISTEN) continue;
    const local = /^([0-9A-Fa-f]{8}|[0-9A-Fa-f]{32}):([0-9A-Fa-f]{4})$/.exec(words[1] ?? "");
    const queue = /:([0-9A-Fa-f]{8})$/.exec(words[4] ?? "");
    const uid = Number(words[7]);
    const inode = Number(words[9]);
    if (!local?.[1] || !local[2] || !Number.isInteger(inode)) continue;
    const host = addressOf(local[1], family);
    if (host === null) continue;
    const waiting = queue?.[1] === undefined ? 0 : Number.parseInt(queue[1], 16);
    found.push({ family, host, port: Number.parseInt(local[2], 16), inode, uid, waiting });
  }
  return found;
}

/** "0100007F" → "127.0.0.1". */
function addressOf(hex: string, family: 4 | 6): string | null {
  if (hex.length !== (family === 4 ? 8 : 32)) return null;
  const words = new Uint32Array(4);
  for (let i = 0; i < hex.length / 8; i++) {
    const word = Number.parseInt(hex.slice(i * 8, i * 8 + 8), 16);
    words[family === 4 ? 3 : i] = endianness() === "LE" ? swapped(word) : word;
  }
  return formatIp(words, family);
}

const swapped = (word: number): number =>
  ((word & 0xff) * 0x100_0000 + ((word >>> 8) & 0xff) * 0x1_0000 + ((word >>> 16) & 0xff) * 0x100 + (word >>> 24)) >>>
  0;

/** Listening stream sockets of /proc/net/unix. */
export function readUnixTable(text: string): UnixListener[] {
  const found: UnixListener[] = [];
  for (const line of text.split("\n", LINES_MAX)) {
    const match =
      /^\S+: [0-9A-Fa-f]+ [0-9A-Fa-f]+ ([0-9A-Fa-f]{8}) 000[15] [0-9A-Fa-f]{2}\s+(\d+) (\S[^\n]{0,4095})$/.exec(line);
    if (!match?.[1] || !match[3] || (Number.parseInt(match[1], 16) & SO_ACCEPTCON) === 0) continue;
    found.push({ path: match[3], inode: Number(match[2]) });
  }
  return found;
}

/** One line of `ss -ltneH` or `ss -lxneH`. */
export interface SsLine {
  readonly address: string;
  readonly inode: number;
  readonly waiting: number;
  readonly max: number;
  /** An IPv6 socket that takes IPv6 only. */
  readonly v6only: boolean;
}

/** What ss says of listening sockets, by inode. Its columns: state, Recv-Q (waiting), Send-Q (how many may wait). */
export function readSs(text: string): Map<number, SsLine> {
  const found = new Map<number, SsLine>();
  for (const line of text.split("\n", LINES_MAX)) {
    const match = /^(?:u_\S+\s+)?LISTEN\s+(\d+)\s+(\d+)\s+(\S+)(?:\s+(\d+))?/.exec(line);
    if (!match) continue;
    // Of a Unix socket "ino:" is the file's; the socket's own stands behind the path.
    const inode = Number(line.startsWith("u_") ? match[4] : /\bino:(\d+)/.exec(line)?.[1]);
    if (!Number.isInteger(inode)) continue;
    const address = match[3] ?? "";
    found.set(inode, {
      address,
      inode,
      waiting: Number(match[1]),
      max: Number(match[2]),
      v6only: /\bv6only:1\b/.test(line) || /^\[::\]:/.test(address),
    });
  }
  return found;
}

/** TcpExtListenOverflows: connections that were dropped because an accept queue was full, since the machine started. */
export function listenOverflows(netstat: string): number | null {
  const [, names = "", values = ""] = /^TcpExt: ([^\n]*)\nTcpExt: ([^\n]*)/m.exec(netstat) ?? [];
  const at = names.split(" ").indexOf("ListenOverflows");
  const value = Number(values.split(" ")[at]);
  return at === -1 || !Number.isFinite(value) ? null : value;
}
