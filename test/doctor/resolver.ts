// A DNS server on UDP for tests: a zone of a few names, each with its addresses, an alias, a code or silence; what the
// zone does not have does not exist (NXDOMAIN). It answers at any port, and at port 53 of a loopback address of its own
// where the test may, so that resolv.conf can name it.
import { createSocket, type RemoteInfo, type Socket } from "node:dgram";

export interface ZoneEntry {
  readonly a?: readonly string[];
  readonly aaaa?: readonly string[];
  readonly cname?: string;
  /** 2 = SERVFAIL, 5 = REFUSED. */
  readonly code?: number;
  readonly silent?: true;
}

/** Name in lower case → what it is; "*" = every other name. */
export type Zone = Readonly<Record<string, ZoneEntry>>;

export interface TestResolver {
  /** "127.0.0.1:5353" */
  readonly address: string;
  readonly host: string;
  readonly port: number;
  /** Names that were asked for, in order. */
  readonly asked: string[];
  close(): Promise<void>;
}

const TYPES = { a: 1, cname: 5, aaaa: 28 } as const;
const NO_SUCH_NAME = 3;
const TTL_SECONDS = 60;

/** Answers for the zone. */
export async function startResolver(zone: Zone, host = "127.0.0.1", port = 0): Promise<TestResolver> {
  const socket = createSocket("udp4");
  const asked: string[] = [];
  socket.on("message", (query, from) => answer(socket, zone, query, from, asked));
  await new Promise<void>((resolve, reject) => socket.once("error", reject).bind(port, host, resolve));
  const bound = socket.address().port;
  return {
    address: `${host}:${bound}`,
    host,
    port: bound,
    asked,
    close: () => new Promise((resolve) => socket.close(() => resolve())),
  };
}

function answer(socket: Socket, zone: Zone, query: Buffer, from: RemoteInfo, asked: string[]): void {
  const end = questionEnd(query);
  if (end === 0) return;
  const name = nameAt(query, 12);
  asked.push(name);
  const entry = zone[name] ?? zone["*"];
  if (entry?.silent) return;
  const found = entry ? recordsOf(zone, name, query.readUInt16BE(end - 4)) : { records: [], code: NO_SUCH_NAME };
  const reply = Buffer.concat([query.subarray(0, end), ...found.records]);
  reply[2] = (query[2]! & 0x79) | 0x80;
  reply[3] = 0x80 | found.code;
  reply.fill(0, 6, 12);
  reply.writeUInt16BE(found.records.length, 6);
  socket.send(reply, from.port, from.address);
}

/** Records of a type, through aliases; an alias to nowhere is NXDOMAIN with the alias in it (RFC 2308 §2.1). */
function recordsOf(zone: Zone, name: string, type: number): { records: Buffer[]; code: number } {
  const records: Buffer[] = [];
  let owner = name;
  for (let steps = 0; steps < 8; steps++) {
    const entry = zone[owner] ?? zone["*"];
    if (!entry) return { records, code: NO_SUCH_NAME };
    if (entry.code !== undefined) return { records: [], code: entry.code };
    if (entry.cname === undefined) {
      if (type === TYPES.a) records.push(...(entry.a ?? []).map((text) => record(owner, TYPES.a, bytes4(text))));
      if (type === TYPES.aaaa)
        records.push(...(entry.aaaa ?? []).map((text) => record(owner, TYPES.aaaa, bytes16(text))));
      return { records, code: 0 };
    }
    records.push(record(owner, TYPES.cname, nameBytes(entry.cname)));
    if (type === TYPES.cname) return { records, code: 0 };
    owner = entry.cname;
  }
  return { records: [], code: 2 };
}

function record(owner: string, type: number, data: Buffer): Buffer {
  const head = Buffer.alloc(10);
  head.writeUInt16BE(type, 0);
  head.writeUInt16BE(1, 2);
  head.writeUInt32BE(TTL_SECONDS, 4);
  head.writeUInt16BE(data.length, 8);
  return Buffer.concat([nameBytes(owner), head, data]);
}

const bytes4 = (text: string): Buffer => Buffer.from(text.split(".").map(Number));

/** Addresses of tests are written with at most one "::". */
function bytes16(text: string): Buffer {
  const [left = [], right = []] = text.split("::").map((half) => half.split(":").filter((group) => group !== ""));
  const groups = [...left, ...new Array<string>(8 - left.length - right.length).fill("0"), ...right];
  return Buffer.from(groups.map((group) => group.padStart(4, "0")).join(""), "hex");
}

const nameBytes = (name: string): Buffer =>
  Buffer.concat([
    ...name.split(".").map((label) => Buffer.concat([Buffer.from([label.length]), Buffer.from(label)])),
    Buffer.from([0]),
  ]);

function nameAt(message: Buffer, from: number): string {
  const labels: string[] = [];
  for (let at = from; message[at]; at += message[at]! + 1)
    labels.push(message.toString("latin1", at + 1, at + 1 + message[at]!));
  return labels.join(".").toLowerCase();
}

/** Where the first question ends; 0 = there is none. */
function questionEnd(message: Buffer): number {
  if (message.length < 17) return 0;
  let at = 12;
  while (at < message.length && message[at] !== 0) at += message[at]! + 1;
  return at + 5 <= message.length ? at + 5 : 0;
}
