// Names to addresses by DNS servers that the configuration names (`resolver`): what getaddrinfo cannot be told. Answers
// are kept for as long as their records say. One question is asked for all who want the same name at the same time.
//
// - The servers take turns, one question each. Who does not answer in time is not asked again: the next one is.
// - A and AAAA records are asked for at once, over one socket: an error of either is an error, what only one has is an
//   answer. An alias without addresses is followed.
// - A response that is not to the question (wrong id, other name) is passed over, one that is cut is asked for over TCP.
// - Each wait has its own deadline; errors are not kept.
import { randomInt } from "node:crypto";
import dgram from "node:dgram";
import net from "node:net";
import { beginEvent, eventTime, Timed, wheel } from "../std/clock.ts";
import type { Ms } from "../std/units.ts";
import { type DnsResponse, type DnsService, type DnsType, dnsQuestion, readDnsResponse } from "../wire/dns-message.ts";

/** After so long the next server is asked. */
const ASK_AGAIN_MS: Ms = 5_000;
/** Aliases of one name; more are a circle. */
const ALIASES_MAX = 50;
/** Names may come from requests: of those that are kept the oldest goes. */
const NAMES_MAX = 10_000;
/** An answer is worth keeping though nobody waits any more, but not more sockets than this. */
const SOCKETS_FOR_NOBODY_MAX = 64;

/** Sockets that wait for answers. */
let sockets = 0;

export interface DnsSettings {
  /** "10.0.0.1:53", "[::1]:53". */
  readonly servers: readonly string[];
  /** How long answers are kept; 0 = as their records say. */
  readonly validMs: Ms;
  readonly ipv4: boolean;
  readonly ipv6: boolean;
}

export type DnsResult =
  | {
      readonly ok: true;
      /** IPv4 first. */
      readonly addresses: readonly string[];
      /** Where services were asked for. */
      readonly services: readonly DnsService[];
      /** For so many seconds it will not be asked for again. */
      readonly ttl: number;
    }
  /** A code of node:dns. */
  | { readonly ok: false; readonly code: string };

type What = "addresses" | "services";

const CODES: Readonly<Record<number, string>> = { 2: "ESERVFAIL", 3: "ENOTFOUND", 4: "ENOTIMP", 5: "EREFUSED" };

/** What is known of a name. */
interface Entry {
  readonly key: string;
  readonly name: string;
  readonly what: What;
  /** The answer holds to the end of this second; -1 = there is none. */
  validS: number;
  addresses: readonly string[];
  services: readonly DnsService[];
  alias: string | null;
  question: Question | null;
  readonly waiting: Set<DnsLookup>;
}

const nowS = (): number => Math.floor(eventTime() / 1000);

/** A wait for a name. */
export class DnsLookup extends Timed {
  readonly #client: DnsClient;
  readonly #what: What;
  readonly #done: (result: DnsResult) => void;
  #at: Entry | null = null;
  #aliases = 0;

  constructor(client: DnsClient, what: What, timeoutMs: Ms, done: (result: DnsResult) => void) {
    super();
    this.#client = client;
    this.#what = what;
    this.#done = done;
    wheel.set(this, eventTime() + timeoutMs);
  }

  /** Goes on with the name that the last one stands for. */
  follow(name: string): void {
    this.#at = null;
    let entry = this.#client.entryFor(name, this.#what);
    while (entry.validS >= nowS() && entry.alias !== null) {
      if (this.#aliases++ >= ALIASES_MAX) return this.end({ ok: false, code: "ENOTFOUND" });
      entry = this.#client.entryFor(entry.alias, this.#what);
    }
    if (entry.validS >= nowS()) return this.end(resultOf(entry));
    this.#at = entry;
    entry.waiting.add(this);
    this.#client.ask(entry);
  }

  /** The name that it waits for is another's alias. */
  followAlias(name: string): void {
    if (this.#aliases++ >= ALIASES_MAX) this.end({ ok: false, code: "ENOTFOUND" });
    else this.follow(name);
  }

  end(result: DnsResult): void {
    this.cancel();
    this.#done(result);
  }

  cancel(): void {
    wheel.remove(this);
    const entry = this.#at;
    this.#at = null;
    if (!entry?.waiting.delete(this) || entry.waiting.size > 0 || sockets <= SOCKETS_FOR_NOBODY_MAX) return;
    entry.question?.giveUp();
  }

  override onDeadline(): void {
    this.end({ ok: false, code: "ETIMEOUT" });
  }
}

function resultOf(entry: Entry): DnsResult {
  const { addresses, services } = entry;
  return { ok: true, addresses, services, ttl: Math.max(0, entry.validS - nowS()) };
}

/** The names of one `resolver`. */
export class DnsClient {
  readonly settings: DnsSettings;
  readonly #entries = new Map<string, Entry>();
  #turn = 0;

  constructor(settings: DnsSettings) {
    this.settings = settings;
  }

  /** Addresses of a name. Calls back once: at once where they are known. */
  lookUp(name: string, timeoutMs: Ms, done: (result: DnsResult) => void): DnsLookup {
    return this.#begin(name, "addresses", timeoutMs, done);
  }

  /** Services (SRV) of a name. */
  lookUpServices(name: string, timeoutMs: Ms, done: (result: DnsResult) => void): DnsLookup {
    return this.#begin(name, "services", timeoutMs, done);
  }

  #begin(name: string, what: What, timeoutMs: Ms, done: (result: DnsResult) => void): DnsLookup {
    const lookup = new DnsLookup(this, what, timeoutMs, done);
    lookup.follow(name.replace(/\.$/, "").toLowerCase());
    return lookup;
  }

  entryFor(name: string, what: What): Entry {
    const key = `${what} ${name}`;
    const known = this.#entries.get(key);
    if (known) return known;
    const entry: Entry = {
      key,
      name,
      what,
      validS: -1,
      addresses: [],
      services: [],
      alias: null,
      question: null,
      waiting: new Set(),
    };
    this.#makeRoom();
    this.#entries.set(key, entry);
    return entry;
  }

  #makeRoom(): void {
    if (this.#entries.size < NAMES_MAX) return;
    for (const [key, { question }] of this.#entries) {
      if (question) continue;
      this.#entries.delete(key);
      return;
    }
  }

  /** Asks for a name, unless that is being done. */
  ask(entry: Entry): void {
    if (entry.question) return;
    const { ipv4, ipv6, servers } = this.settings;
    const addressTypes: DnsType[] = [...(ipv4 ? (["A"] as const) : []), ...(ipv6 ? (["AAAA"] as const) : [])];
    const types = entry.what === "services" ? (["SRV"] as const) : addressTypes;
    const question = new Question(entry, types, servers, this.#turn++ % servers.length, (code) =>
      this.#answered(entry, code),
    );
    entry.question = question;
    if (question.possible) question.send();
    else this.#answered(entry, 3);
  }

  #answered(entry: Entry, code: number): void {
    const question = entry.question!;
    question.close();
    entry.question = null;
    const waiting = [...entry.waiting];
    entry.waiting.clear();
    if (code !== 0) {
      this.#entries.delete(entry.key);
      for (const lookup of waiting) lookup.end({ ok: false, code: CODES[code] ?? "ESERVFAIL" });
      return;
    }
    const { validMs } = this.settings;
    entry.validS = nowS() + (validMs > 0 ? Math.floor(validMs / 1000) : question.ttl);
    entry.addresses = question.addresses;
    entry.services = question.services;
    entry.alias = question.alias;
    for (const lookup of waiting) {
      if (entry.alias === null) lookup.end(resultOf(entry));
      else lookup.followAlias(entry.alias);
    }
  }
}

/** One record type of a question. */
interface Part {
  readonly type: DnsType;
  readonly id: number;
  readonly bytes: Buffer | null;
  overTcp: boolean;
  /** null = not answered yet. */
  addresses: readonly string[] | null;
}

/** A name that is being asked for. */
class Question extends Timed {
  readonly #entry: Entry;
  readonly #servers: readonly string[];
  readonly #parts: readonly Part[];
  readonly #done: (code: number) => void;
  #server: number;
  #udp: dgram.Socket | null = null;
  #tcp: net.Socket | null = null;
  #code = 0;
  services: readonly DnsService[] = [];
  alias: string | null = null;
  ttl = 0xffff_ffff;

  constructor(
    entry: Entry,
    types: readonly DnsType[],
    servers: readonly string[],
    server: number,
    done: (code: number) => void,
  ) {
    super();
    this.#entry = entry;
    this.#servers = servers;
    this.#server = server;
    this.#done = done;
    this.#parts = types.map((type) => {
      const id = randomInt(0x1_0000);
      return { type, id, bytes: dnsQuestion(id, entry.name, type), overTcp: false, addresses: null };
    });
  }

  /** Whether the name can be asked for. */
  get possible(): boolean {
    return this.#parts.every(({ bytes }) => bytes !== null);
  }

  get addresses(): readonly string[] {
    return this.#parts.flatMap(({ addresses }) => addresses ?? []);
  }

  /** Asks the server whose turn it is for what is not known yet. */
  send(): void {
    this.#closeSockets();
    wheel.set(this, eventTime() + ASK_AGAIN_MS);
    const left = this.#parts.filter(({ addresses }) => addresses === null);
    const overUdp = left.filter(({ overTcp }) => !overTcp);
    if (overUdp.length > 0) this.#sendUdp(overUdp);
    for (const part of left) if (part.overTcp) this.#sendTcp(part);
  }

  #sendUdp(parts: readonly Part[]): void {
    const { host, port, isV6 } = serverOf(this.#servers[this.#server]!);
    const socket = dgram.createSocket(isV6 ? "udp6" : "udp4");
    this.#udp = socket;
    sockets++;
    socket.unref();
    socket.on("message", (bytes) => this.#received(bytes, false));
    // Nobody listens there, or nothing leads there: the next server is asked when its time has come.
    socket.on("error", () => this.#closeUdp(socket));
    socket.connect(port, host, () => {
      if (this.#udp !== socket) return;
      for (const { bytes } of parts) socket.send(bytes!);
    });
  }

  #sendTcp({ bytes }: Part): void {
    const length = Buffer.alloc(2);
    length.writeUInt16BE(bytes!.length, 0);
    this.#tcp ??= this.#openTcp();
    this.#tcp.write(Buffer.concat([length, bytes!]));
  }

  #openTcp(): net.Socket {
    const { host, port } = serverOf(this.#servers[this.#server]!);
    const socket = net.connect(port, host);
    socket.unref();
    let read: Buffer = Buffer.alloc(0);
    socket.on("data", (bytes) => {
      read = Buffer.concat([read, bytes]);
      while (this.#tcp === socket && read.length >= 2 && read.length >= 2 + read.readUInt16BE(0)) {
        const end = 2 + read.readUInt16BE(0);
        this.#received(read.subarray(2, end), true);
        read = read.subarray(end);
      }
    });
    socket.on("error", () => socket.destroy());
    return socket;
  }

  #received(bytes: Buffer, overTcp: boolean): void {
    beginEvent();
    const response = readDnsResponse(bytes);
    if (typeof response === "string" || response.name !== this.#entry.name) return;
    const part = this.#parts.find(({ type, id }) => type === response.type && id === response.id);
    if (!part || part.addresses !== null) return;
    if (response.truncated) {
      if (overTcp || part.overTcp) return;
      part.overTcp = true;
      wheel.set(this, eventTime() + ASK_AGAIN_MS);
      return this.#sendTcp(part);
    }
    this.#take(part, response);
  }

  #take(part: Part, response: DnsResponse): void {
    part.addresses = response.addresses;
    this.#code ||= response.code;
    if (response.code === 0 && response.records > 0) {
      this.ttl = Math.min(this.ttl, response.ttl);
      this.services = response.services;
    }
    if (this.#parts.some(({ addresses }) => addresses === null)) return;
    const found = this.addresses.length > 0 || this.services.length > 0;
    // Of two answers without an address the last one says whether there is an alias.
    this.alias = found ? null : response.alias;
    if (this.#code === 0 && !found && this.alias === null) this.#code = 3;
    this.#done(this.#code);
  }

  override onDeadline(): void {
    if (this.#entry.waiting.size === 0) return this.giveUp();
    this.#server = (this.#server + 1) % this.#servers.length;
    this.send();
  }

  /** Nobody waits for it. */
  giveUp(): void {
    this.close();
    this.#entry.question = null;
  }

  close(): void {
    wheel.remove(this);
    this.#closeSockets();
  }

  #closeSockets(): void {
    if (this.#udp) this.#closeUdp(this.#udp);
    this.#tcp?.destroy();
    this.#tcp = null;
  }

  #closeUdp(socket: dgram.Socket): void {
    if (this.#udp !== socket) return;
    this.#udp = null;
    sockets--;
    socket.close();
  }
}

function serverOf(text: string): { readonly host: string; readonly port: number; readonly isV6: boolean } {
  const colon = text.lastIndexOf(":");
  const host = text.slice(0, colon).replace(/^\[|\]$/g, "");
  return { host, port: Number(text.slice(colon + 1)), isV6: net.isIPv6(host) };
}
