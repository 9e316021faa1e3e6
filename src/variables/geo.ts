// geo: from an address to a value. Blocks: the longest prefix wins, found by one look-up per prefix length that occurs.
// Ranges: of those that overlap the later wins; they are made disjoint at load and found by binary search.
// What is no address (a Unix socket, a text that does not parse) counts as 255.255.255.255.
import type { VariableConfig } from "../config/servers.ts";
import { compileAddressSet } from "../wire/address-set.ts";
import { realAddress } from "../wire/real-address.ts";
import { masked, parseBlock, parseIp, unmapped } from "./ip.ts";
import type { CompiledText, Subject, Variable } from "./subject.ts";

type GeoConfig = Extract<VariableConfig, { readonly kind: "geo" }>;

/** The variable of a geo block; its result is not kept. */
export function geoVariable(config: GeoConfig, text: (text: string) => CompiledText): Variable {
  const address = addressOf(config, text);
  if (config.ranges.length > 0) {
    const ranges = new DisjointRanges(config.ranges);
    return (subject) => ranges.find(asNumber(address(subject))) ?? config.default;
  }
  const blocks = new BlockMap<string>();
  for (const { block, value } of config.entries) blocks.set(block, value);
  return (subject) => blocks.find(address(subject)) ?? config.default;
}

const NO_ADDRESS = "\xff\xff\xff\xff";

/** Bytes of the address that is looked up. */
function addressOf(config: GeoConfig, text: (text: string) => CompiledText): (subject: Subject) => string {
  const source = text(config.source);
  const bytesOf = (address: string): string => unmapped(parseIp(address) ?? NO_ADDRESS);
  if (config.proxies.length === 0) return (subject) => bytesOf(source.render(subject));
  const rules = { trusted: compileAddressSet(config.proxies), recursive: config.proxyRecursive, everyLine: true };
  return (subject) => {
    const peer = source.render(subject);
    const forwarded = subject.header("x-forwarded-for");
    return bytesOf((forwarded !== undefined && realAddress(peer, [forwarded], rules)?.address) || peer);
  };
}

/** Values by blocks of addresses. */
export class BlockMap<Value> {
  /** By bytes of an address (4 or 16), then by prefix length, longest first. */
  readonly #families = new Map<number, { readonly bits: number; readonly values: Map<string, Value> }[]>();

  /** "10.0.0.0/8"; a block that was set before is replaced. False = it is no block. */
  set(block: string, value: Value): boolean {
    const parsed = parseBlock(block);
    if (parsed === undefined) return false;
    const { bytes, bits } = parsed;
    let lengths = this.#families.get(bytes.length);
    if (lengths === undefined) {
      lengths = [];
      this.#families.set(bytes.length, lengths);
    }
    let length = lengths.find((candidate) => candidate.bits === bits);
    if (length === undefined) {
      length = { bits, values: new Map() };
      lengths.push(length);
      lengths.sort((a, b) => b.bits - a.bits);
    }
    length.values.set(bytes, value);
    return true;
  }

  /** The value of the longest block that has the address. */
  find(address: string): Value | undefined {
    const bytes = unmapped(address);
    const lengths = this.#families.get(bytes.length);
    if (lengths === undefined) return undefined;
    for (const { bits, values } of lengths) {
      const found = values.get(masked(bytes, bits));
      if (found !== undefined) return found;
    }
    return undefined;
  }
}

function asNumber(bytes: string): number {
  // Ranges are of IPv4 only.
  if (bytes.length !== 4) return 0xffffffff;
  return bytes.charCodeAt(0) * 2 ** 24 + (bytes.charCodeAt(1) << 16) + (bytes.charCodeAt(2) << 8) + bytes.charCodeAt(3);
}

class DisjointRanges {
  /** Where each segment begins; it ends where the next begins. */
  readonly #starts: Float64Array;
  readonly #values: (string | undefined)[];

  constructor(ranges: GeoConfig["ranges"]) {
    const numbers = ranges.flatMap(({ from, to, value }) => {
      const first = parseIp(from);
      const last = parseIp(to);
      return first?.length === 4 && last?.length === 4
        ? [{ first: asNumber(first), after: asNumber(last) + 1, value }]
        : [];
    });
    this.#starts = Float64Array.from(new Set(numbers.flatMap(({ first, after }) => [first, after]))).sort();
    this.#values = new Array<string | undefined>(this.#starts.length).fill(undefined);
    // Later ranges first; a segment that has its value is stepped over by the chain of the next free ones.
    const free = Array.from({ length: this.#starts.length + 1 }, (_, index) => index);
    for (const { first, after, value } of numbers.toReversed()) {
      const end = this.#segmentOf(after);
      for (let at = nextFree(free, this.#segmentOf(first)); at < end; at = nextFree(free, at)) {
        this.#values[at] = value;
        free[at] = at + 1;
      }
    }
  }

  find(address: number): string | undefined {
    return this.#values[this.#segmentOf(address)];
  }

  /** The last segment that begins at or before `address`; -1 = it is before all. */
  #segmentOf(address: number): number {
    let low = -1;
    let high = this.#starts.length;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (this.#starts[middle]! <= address) low = middle;
      else high = middle;
    }
    return low;
  }
}

function nextFree(free: number[], from: number): number {
  let at = from;
  while (free[at] !== at) {
    free[at] = free[free[at]!]!;
    at = free[at]!;
  }
  return at;
}
