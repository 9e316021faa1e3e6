// TCP (or a Unix socket) to the first of several addresses that answers: RFC 8305, "happy eyeballs".
// The families take turns; the next address is tried after a quarter of a second without an answer, or at once when
// one fails; the first connection wins and the others are destroyed before a byte is sent on them. One deadline is
// over all. Node's own autoSelectFamily does it inside a lookup and hides what each address said; here the failure
// keeps all of it.
import net from "node:net";
import { connectFailure, deadlineFailure } from "../failure/classify.ts";
import type { Evidence, Failure } from "../failure/failure.ts";
import { now, Timed, wheel } from "../std/clock.ts";
import type { Ms } from "../std/units.ts";

/** RFC 8305 §5: the recommended connection attempt delay. */
const ATTEMPT_DELAY_MS: Ms = 250;

/** Where to connect: no names any more. */
export type Destination =
  | { readonly kind: "tcp"; readonly ip: string; readonly port: number }
  | { readonly kind: "unix"; readonly path: string };

/** Makes the `onread` option of one socket; called anew for each address that is tried. */
export interface SocketReader {
  onRead(): net.OnReadOpts;
}

export type ConnectResult =
  | { readonly ok: true; readonly socket: net.Socket; readonly address: string }
  | { readonly ok: false; readonly failure: Failure };

export interface ConnectOptions {
  /** Over all addresses together. */
  readonly deadlineMs: Ms;
  readonly attemptDelayMs?: Ms;
  /** null = the socket gives plain "data" events. */
  readonly reader: SocketReader | null;
  /** Where to connect from; missing = the system chooses. A Unix socket has no such thing. */
  readonly local?: LocalAddress | undefined;
  /** TCP's own probes (SO_KEEPALIVE). */
  readonly probes?: boolean | undefined;
}

/** An address of this machine; port 0 = any. */
export interface LocalAddress {
  readonly ip: string;
  readonly port: number;
}

/** "10.0.0.1:3000", "[::1]:80", "unix:/run/app.sock". */
export function destinationText(destination: Destination): string {
  if (destination.kind === "unix") return `unix:${destination.path}`;
  const { ip, port } = destination;
  return ip.includes(":") ? `[${ip}]:${port}` : `${ip}:${port}`;
}

/**
 * The order to try addresses in: the families take turns, beginning with that of the first (RFC 8305 §4); within
 * a family `turn` says which comes first, so that connections spread over the addresses of a name.
 */
export function inOrderToTry(addresses: readonly string[], turn: number): readonly string[] {
  const first = addresses[0];
  if (first === undefined || addresses.length === 1) return addresses;
  const preferredIsV6 = first.includes(":");
  const preferred = rotated(
    addresses.filter((address) => address.includes(":") === preferredIsV6),
    turn,
  );
  const other = rotated(
    addresses.filter((address) => address.includes(":") !== preferredIsV6),
    turn,
  );
  const ordered: string[] = [];
  for (let i = 0; i < preferred.length || i < other.length; i++) {
    for (const address of [preferred[i], other[i]]) if (address !== undefined) ordered.push(address);
  }
  return ordered;
}

function rotated(addresses: readonly string[], turn: number): readonly string[] {
  if (addresses.length < 2) return addresses;
  const by = turn % addresses.length;
  return [...addresses.slice(by), ...addresses.slice(0, by)];
}

/**
 * Connects to the first destination that answers (there is at least one). `done` is called once, never before this
 * returns, and within the socket's "connect" event: no byte can have been read yet.
 */
export function connectFirst(
  destinations: readonly Destination[],
  options: ConnectOptions,
  done: (result: ConnectResult) => void,
): ConnectRace {
  const race = new ConnectRace(destinations, options, done);
  race.start();
  return race;
}

interface Candidate {
  readonly destination: Destination;
  readonly socket: net.Socket;
  /** What it said; null = nothing yet. */
  error: unknown;
  readonly onConnect: () => void;
  readonly onError: (error: Error) => void;
}

/** The attempts of one connectFirst, until one of them wins. */
export class ConnectRace extends Timed {
  readonly #destinations: readonly Destination[];
  readonly #options: ConnectOptions;
  readonly #done: (result: ConnectResult) => void;
  readonly #candidates: Candidate[] = [];
  readonly #startedAt: Ms = now();
  #over = false;

  constructor(destinations: readonly Destination[], options: ConnectOptions, done: (result: ConnectResult) => void) {
    super();
    this.#destinations = destinations;
    this.#options = options;
    this.#done = done;
  }

  start(): void {
    this.#tryNext();
  }

  /** Ends it; `done` is not called any more. */
  cancel(): void {
    if (!this.#over) this.#end(null);
  }

  override onDeadline(at: Ms): void {
    if (at < this.#startedAt + this.#options.deadlineMs) {
      this.#tryNext();
      return;
    }
    const silent = this.#candidates.find((candidate) => candidate.error === null) ?? this.#candidates[0]!;
    const evidence = this.#evidence(silent);
    evidence.deadlineMs = this.#options.deadlineMs;
    this.#finish({ ok: false, failure: deadlineFailure("connect", evidence) }, null);
  }

  #tryNext(): void {
    const destination = this.#destinations[this.#candidates.length]!;
    const socket = openSocket(destination, this.#options);
    const candidate: Candidate = {
      destination,
      socket,
      error: null,
      onConnect: () => this.#won(candidate),
      onError: (error) => this.#lost(candidate, error),
    };
    socket.on("connect", candidate.onConnect);
    socket.on("error", candidate.onError);
    this.#candidates.push(candidate);
    const deadlineAt = this.#startedAt + this.#options.deadlineMs;
    const more = this.#candidates.length < this.#destinations.length;
    const nextAt = more ? now() + (this.#options.attemptDelayMs ?? ATTEMPT_DELAY_MS) : Infinity;
    wheel.set(this, Math.min(deadlineAt, nextAt));
  }

  #won(candidate: Candidate): void {
    const { socket } = candidate;
    if (meetsItself(candidate.destination, socket)) {
      socket.destroy();
      return this.#lost(candidate, Object.assign(new Error("nothing listens"), { code: "ECONNREFUSED" }));
    }
    socket.off("connect", candidate.onConnect);
    socket.off("error", candidate.onError);
    this.#finish({ ok: true, socket, address: destinationText(candidate.destination) }, candidate);
  }

  #lost(candidate: Candidate, error: Error): void {
    candidate.error = error;
    if (this.#over) return;
    if (this.#candidates.length < this.#destinations.length) {
      this.#tryNext();
      return;
    }
    if (this.#candidates.some((other) => other.error === null)) return;
    const errors = this.#candidates.map((other) => other.error);
    const told = errors.length > 1 ? new AggregateError(errors) : error;
    this.#finish({ ok: false, failure: connectFailure(told, "connect", this.#evidence(candidate)) }, null);
  }

  #finish(result: ConnectResult, winner: Candidate | null): void {
    this.#end(winner);
    this.#done(result);
  }

  #end(winner: Candidate | null): void {
    this.#over = true;
    wheel.remove(this);
    for (const candidate of this.#candidates) if (candidate !== winner) candidate.socket.destroy();
  }

  #evidence(candidate: Candidate): Evidence {
    const evidence: Evidence = {
      address: destinationText(candidate.destination),
      waitedMs: now() - this.#startedAt,
    };
    if (this.#candidates.length > 1) evidence.detail = this.#candidates.map(outcomeText).join(", ");
    return evidence;
  }
}

/** Opens one socket; whatever goes wrong is its "error" event. */
function openSocket(destination: Destination, { reader, local, probes }: ConnectOptions): net.Socket {
  const from = local ? { localAddress: local.ip, ...(local.port > 0 ? { localPort: local.port } : {}) } : {};
  const where =
    destination.kind === "unix"
      ? { path: destination.path }
      : { host: destination.ip, port: destination.port, ...from };
  const onread = reader?.onRead();
  // Half-open, so that the end of the upstream's bytes does not cut what is still being sent to it.
  const more = { ...(probes ? { keepAlive: true } : {}), ...(onread ? { onread } : {}) };
  return net.connect({ ...where, allowHalfOpen: true, noDelay: true, ...more });
}

function outcomeText(candidate: Candidate): string {
  const { code = "failed" } = (candidate.error ?? { code: "no answer" }) as NodeJS.ErrnoException;
  return `${destinationText(candidate.destination)} ${code}`;
}

/** From here on the system takes ports for its own ends of connections (Linux: 32768, others less or more). */
const EPHEMERAL_PORT_MIN = 1024;

/**
 * Whether a connection has met itself (TCP's simultaneous open): where nothing listens on a port of this machine, a
 * connect may be given that very port for its own end, and succeeds. Who connects again and again gets there.
 */
export function meetsItself(destination: Destination, socket: net.Socket): boolean {
  if (destination.kind !== "tcp" || destination.port < EPHEMERAL_PORT_MIN) return false;
  if (!destination.ip.startsWith("127.") && destination.ip !== "::1") return false;
  return socket.localPort === destination.port && socket.localAddress === socket.remoteAddress;
}
