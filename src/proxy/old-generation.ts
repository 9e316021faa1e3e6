// Exchanges of a configuration that a reload has replaced go on under it. The bound: what streams or tunnels and has
// moved no byte over a whole drain period is closed, so that a forgotten WebSocket does not keep a generation (its
// certificates, pools and logs) for ever. What moves goes on; what still waits for its response head has the
// deadlines of its route.
import { eventTime, Timed, wheel } from "../std/clock.ts";
import type { Bytes, Ms } from "../std/units.ts";
import type { ClientConnection } from "./client-connection.ts";
import type { Exchange } from "./exchange.ts";
import type { Runtime } from "./runtime.ts";

/** Whether anything still runs is looked up at least this often. */
const LOOK_MS_MAX: Ms = 1_000;

/** One configuration that has been replaced, until its last exchange ends. */
export class OldGeneration extends Timed {
  readonly #runtime: Runtime;
  readonly #connections: ReadonlySet<ClientConnection>;
  readonly #periodMs: Ms;
  /** Bytes that each exchange had moved when it was looked at last. */
  #moved = new Map<Exchange, Bytes>();
  /** Resolves when nothing runs under it any more. */
  readonly ended: Promise<void>;
  #onEnded: () => void = () => {};
  /** When what has not moved is closed next. */
  #judgedAt: Ms;

  constructor(runtime: Runtime, connections: ReadonlySet<ClientConnection>, periodMs: Ms) {
    super();
    this.#runtime = runtime;
    this.#connections = connections;
    this.#periodMs = periodMs;
    this.#judgedAt = eventTime();
    this.ended = new Promise((resolve) => {
      this.#onEnded = resolve;
    });
    this.#look();
  }

  override onDeadline(): void {
    this.#look();
  }

  #look(): void {
    const judges = eventTime() >= this.#judgedAt;
    if (judges) this.#judgedAt = eventTime() + this.#periodMs;
    const moved = new Map<Exchange, Bytes>();
    for (const { exchange } of this.#connections) {
      if (exchange?.runtime !== this.#runtime) continue;
      const bytes = exchange.bytesReceived + exchange.bytesSent;
      const before = this.#moved.get(exchange);
      if (judges && exchange.respondedAt > 0 && before === bytes) close(exchange);
      else moved.set(exchange, judges ? bytes : (before ?? -1));
    }
    this.#moved = moved;
    if (moved.size === 0) this.#onEnded();
    else wheel.set(this, Math.min(this.#judgedAt, eventTime() + LOOK_MS_MAX));
  }
}

/** Ends a stream or tunnel that is quiet: nobody has failed, so the record names no cause. */
function close(exchange: Exchange): void {
  const { attempt, client } = exchange;
  if (attempt?.tunnel) return attempt.tunnel.idle();
  exchange.aborted = true;
  attempt?.complete(false);
  exchange.attempt = null;
  exchange.end(false);
  client.abort();
}
