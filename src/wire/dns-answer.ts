// A DNS response with all that it says: the code by its name, each address and alias with its owner and TTL. A resolver
// needs less (dns-message.ts); who looks for what is wrong with a name needs what was answered, whatever the code.
import { readAddress, readName } from "./dns-message.ts";

/** One address or alias. */
export interface DnsRecord {
  readonly owner: string;
  readonly type: "A" | "AAAA" | "CNAME";
  readonly value: string;
  readonly ttlSeconds: number;
}

/** A response to a question for addresses. */
export interface DnsAnswerMessage {
  readonly id: number;
  /** "NOERROR", "NXDOMAIN", "SERVFAIL" …; "RCODE12" where the number has no name. */
  readonly rcode: string;
  readonly truncated: boolean;
  /** The name and the number of the type that were asked for; null = the question is not repeated, as some errors do. */
  readonly asked: { readonly name: string; readonly type: number } | null;
  readonly records: readonly DnsRecord[];
  /** The records could not all be read. */
  readonly broken: boolean;
}

/** Numbers of the types that are read. */
export const DNS_TYPES = { A: 1, CNAME: 5, AAAA: 28 } as const;

const RCODES = [
  "NOERROR",
  "FORMERR",
  "SERVFAIL",
  "NXDOMAIN",
  "NOTIMP",
  "REFUSED",
  "YXDOMAIN",
  "YXRRSET",
  "NXRRSET",
  "NOTAUTH",
  "NOTZONE",
];
const HEADER_BYTES = 12;
const RECORD_BYTES = 10;
const RESPONSE = 0x8000;
const TRUNCATED = 0x0200;
const OPCODE = 0x7800;
const INTERNET = 1;
/** More are not looked at. */
const RECORDS_MAX = 200;

/** Reads a response; null = it is none. */
export function readDnsAnswer(bytes: Buffer): DnsAnswerMessage | null {
  if (bytes.length < HEADER_BYTES) return null;
  const flags = bytes.readUInt16BE(2);
  if ((flags & RESPONSE) === 0 || (flags & OPCODE) !== 0) return null;
  const code = flags & 0xf;
  const head = {
    id: bytes.readUInt16BE(0),
    rcode: RCODES[code] ?? `RCODE${code}`,
    truncated: (flags & TRUNCATED) !== 0,
  };
  const questions = bytes.readUInt16BE(4);
  if (questions === 0) return { ...head, asked: null, records: [], broken: false };
  const name = questions === 1 ? readName(bytes, HEADER_BYTES) : null;
  if (!name || name.end + 4 > bytes.length) return null;
  const asked = { name: name.name, type: bytes.readUInt16BE(name.end) };
  return { ...head, asked, ...readRecords(bytes, name.end + 4, Math.min(bytes.readUInt16BE(6), RECORDS_MAX)) };
}

function readRecords(bytes: Buffer, from: number, count: number): Pick<DnsAnswerMessage, "records" | "broken"> {
  const records: DnsRecord[] = [];
  let at = from;
  for (let read = 0; read < count; read++) {
    const owner = readName(bytes, at);
    if (!owner || owner.end + RECORD_BYTES > bytes.length) return { records, broken: true };
    const number = bytes.readUInt16BE(owner.end);
    const length = bytes.readUInt16BE(owner.end + 8);
    const dataAt = owner.end + RECORD_BYTES;
    at = dataAt + length;
    if (at > bytes.length) return { records, broken: true };
    if (bytes.readUInt16BE(owner.end + 2) !== INTERNET) continue;
    const type = (["A", "AAAA", "CNAME"] as const).find((one) => DNS_TYPES[one] === number);
    if (!type) continue;
    const value = type === "CNAME" ? readName(bytes, dataAt)?.name : readAddress(bytes.subarray(dataAt, at));
    if (value === undefined || value === null) return { records, broken: true };
    // A TTL with the highest bit set counts as none (RFC 2181 §8).
    const ttlSeconds = Math.max(0, bytes.readInt32BE(owner.end + 4));
    records.push({ owner: owner.name, type, value, ttlSeconds });
  }
  return { records, broken: false };
}
