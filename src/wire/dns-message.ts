// DNS messages (RFC 1035) as far as a resolver of names needs them: a question out; addresses, aliases and services
// (SRV, RFC 2782) in. Names are byte text in lower case, without the dot at the end. A response that contradicts itself
// is no answer: it may come from anybody, so that it is passed over and the right one awaited.

/** What can be asked for. */
export type DnsType = "A" | "AAAA" | "SRV";

const NUMBERS: Readonly<Record<DnsType, number>> = { A: 1, AAAA: 28, SRV: 33 };
const CNAME = 5;
const INTERNET = 1;
const HEADER_BYTES = 12;
/** Type, class, TTL and length of a record. */
const RECORD_BYTES = 10;
const LABEL_BYTES_MAX = 63;
/** Recursion is desired. */
const QUESTION_FLAGS = 0x0100;
const TRUNCATED = 0x0200;
/** Response, opcode, and bits that are zero; a response to a standard query has 0x8000. */
const KIND_BITS = 0xf870;
const RESPONSE = 0x8000;
/** FORMERR: whoever sent it has not read the question. */
const MALFORMED = 1;
/** The last of the codes that say something of the name. */
const REFUSED = 5;
/** Pointers of one name; more are a circle. */
const POINTERS_MAX = 128;

/** A service: lowest priority first, larger weights more often. */
export interface DnsService {
  readonly priority: number;
  readonly weight: number;
  readonly port: number;
  readonly name: string;
}

/** A response, read. */
export interface DnsResponse {
  readonly id: number;
  /** 0 = no error; 2 server failure, 3 no such name, 4 not implemented, 5 refused. */
  readonly code: number;
  readonly truncated: boolean;
  readonly name: string;
  readonly type: DnsType;
  /** Records in the answer, of whatever type. */
  readonly records: number;
  readonly addresses: readonly string[];
  readonly alias: string | null;
  readonly services: readonly DnsService[];
  /** Of all records the shortest, in seconds. */
  readonly ttl: number;
}

/** A question; null = no name that can be asked for. */
export function dnsQuestion(id: number, name: string, type: DnsType): Buffer | null {
  const labels = name.split(".");
  if (labels.some(({ length }) => length === 0 || length > LABEL_BYTES_MAX)) return null;
  const bytes = Buffer.alloc(HEADER_BYTES + name.length + 2 + 4);
  bytes.writeUInt16BE(id, 0);
  bytes.writeUInt16BE(QUESTION_FLAGS, 2);
  bytes.writeUInt16BE(1, 4);
  let at = HEADER_BYTES;
  for (const label of labels) {
    bytes[at++] = label.length;
    at += bytes.write(label, at, "latin1");
  }
  at++;
  bytes.writeUInt16BE(NUMBERS[type], at);
  bytes.writeUInt16BE(INTERNET, at + 2);
  return bytes;
}

/** Reads a response; a text = why it is none. */
export function readDnsResponse(bytes: Buffer): DnsResponse | string {
  if (bytes.length < HEADER_BYTES) return "short DNS response";
  const flags = bytes.readUInt16BE(2);
  if ((flags & KIND_BITS) !== RESPONSE) return "invalid DNS response";
  const code = flags & 0xf;
  if (code === MALFORMED || code > REFUSED) return `DNS error ${code}`;
  if (bytes.readUInt16BE(4) !== 1) return "invalid number of questions in DNS response";
  const asked = readName(bytes, HEADER_BYTES);
  if (!asked || asked.end + 4 > bytes.length) return "short DNS response";
  const number = bytes.readUInt16BE(asked.end);
  const type = (["A", "AAAA", "SRV"] as const).find((one) => NUMBERS[one] === number);
  if (!type || bytes.readUInt16BE(asked.end + 2) !== INTERNET) return "unknown query type or class in DNS response";
  const records = bytes.readUInt16BE(6);
  const truncated = (flags & TRUNCATED) !== 0;
  const head = { id: bytes.readUInt16BE(0), code, truncated, name: asked.name, type, records };
  if (truncated || code !== 0) return { ...head, ...NOTHING };
  const answer = readRecords(bytes, asked.end + 4, records, type);
  return typeof answer === "string" ? answer : { ...head, ...answer };
}

type Answer = Pick<DnsResponse, "addresses" | "alias" | "services" | "ttl">;

const NOTHING: Answer = { addresses: [], alias: null, services: [], ttl: 0 };

function readRecords(bytes: Buffer, from: number, records: number, type: DnsType): Answer | string {
  const addresses: string[] = [];
  const services: DnsService[] = [];
  let alias: string | null = null;
  let ttl = 0xffff_ffff;
  let at = from;
  for (let count = 0; count < records; count++) {
    const owner = readName(bytes, at);
    if (!owner) return "short DNS response";
    at = owner.end;
    if (at + RECORD_BYTES >= bytes.length) return "short DNS response";
    const kind = bytes.readUInt16BE(at);
    if (bytes.readUInt16BE(at + 2) !== INTERNET) return "unexpected RR class in DNS response";
    // A TTL with the highest bit set counts as none (RFC 2181 §8).
    ttl = Math.min(ttl, Math.max(0, bytes.readInt32BE(at + 4)));
    const length = bytes.readUInt16BE(at + 8);
    at += RECORD_BYTES;
    if (at + length > bytes.length) return "short DNS response";
    if (kind === NUMBERS.A || kind === NUMBERS.AAAA) {
      const address = readAddress(bytes.subarray(at, at + length));
      if (kind !== NUMBERS[type] || address === null || length !== (kind === NUMBERS.A ? 4 : 16))
        return "invalid address record in DNS response";
      addresses.push(address);
    } else if (kind === CNAME) {
      const target = readName(bytes, at);
      if (!target) return "invalid name in DNS response";
      alias = target.name;
    } else if (kind === NUMBERS.SRV && type === "SRV") {
      const target = length > 6 ? readName(bytes, at + 6) : null;
      if (!target) return "invalid SRV record in DNS response";
      const [priority, weight, port] = [0, 2, 4].map((offset) => bytes.readUInt16BE(at + offset)) as [
        number,
        number,
        number,
      ];
      services.push({ priority, weight, port, name: target.name });
    }
    at += length;
  }
  return { addresses, alias, services, ttl };
}

/** The address in the data of an A or AAAA record; null = it has another length. */
export function readAddress(bytes: Buffer): string | null {
  if (bytes.length === 4) return bytes.join(".");
  if (bytes.length !== 16) return null;
  const groups = Array.from({ length: 8 }, (_, index) => bytes.readUInt16BE(2 * index).toString(16));
  return compressed(groups);
}

/** The longest run of zeros, of two groups at least, becomes "::" (RFC 5952). */
function compressed(groups: readonly string[]): string {
  let best = { from: 0, length: 1 };
  for (let from = 0; from < groups.length; ) {
    let to = from;
    while (groups[to] === "0") to++;
    if (to - from > best.length) best = { from, length: to - from };
    from = to + 1;
  }
  if (best.length < 2) return groups.join(":");
  return `${groups.slice(0, best.from).join(":")}::${groups.slice(best.from + best.length).join(":")}`;
}

/** A name, and where what follows it begins; null = it leads out of the message, or in a circle. */
export function readName(bytes: Buffer, from: number): { readonly name: string; readonly end: number } | null {
  const labels: string[] = [];
  let end = -1;
  let pointers = 0;
  for (let at = from; ; ) {
    const length = bytes[at];
    if (length === undefined) return null;
    if (length === 0) return { name: labels.join("."), end: end < 0 ? at + 1 : end };
    if ((length & 0xc0) !== 0) {
      const low = bytes[at + 1];
      if (low === undefined || (length & 0xc0) !== 0xc0 || ++pointers > POINTERS_MAX) return null;
      if (end < 0) end = at + 2;
      at = ((length & 0x3f) << 8) | low;
      continue;
    }
    if (at + 1 + length > bytes.length) return null;
    labels.push(bytes.toString("latin1", at + 1, at + 1 + length).toLowerCase());
    at += 1 + length;
  }
}
