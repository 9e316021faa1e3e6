// How the simulated gateway opens connections: `dial` of src/net/dial.ts without a network. A connect takes a round trip
// and meets what is at the address at that moment: a listener, nobody, or silence until the deadline.
import { connectFailure, deadlineFailure } from "../../src/failure/classify.ts";
import type { OnRead } from "../../src/net/connection.ts";
import type { DialHandle, DialResult, DialTarget, SocketReader } from "../../src/net/dial.ts";
import { now, Timed, wheel } from "../../src/std/clock.ts";
import { systemError } from "./socket.ts";
import type { World } from "./world.ts";

/** Errors that a connect may meet whoever listens. */
const RARE_ERRORS = ["ENETUNREACH", "EHOSTUNREACH", "EMFILE", "ECONNRESET", "ETIMEDOUT", "EADDRNOTAVAIL"];

/** `dial` for the gateway of one world. */
export function dialIn(world: World) {
  return (target: DialTarget, reader: SocketReader | null, done: (result: DialResult) => void): DialHandle => {
    const dialling = new SimulatedDial(world, target, reader, done);
    dialling.start();
    return dialling;
  };
}

class SimulatedDial extends Timed implements DialHandle {
  readonly #world: World;
  readonly #target: DialTarget;
  readonly #reader: SocketReader | null;
  readonly #done: (result: DialResult) => void;
  readonly phase = "connect";
  readonly #startedAt = now();
  readonly #label: string;
  #over = false;

  constructor(world: World, target: DialTarget, reader: SocketReader | null, done: (result: DialResult) => void) {
    super();
    this.#world = world;
    this.#target = target;
    this.#reader = reader;
    this.#done = done;
    const { address } = target;
    this.#label = address.kind === "tcp" ? `${address.host}:${address.port}` : address.path;
  }

  start(): void {
    const { dice, climate, scheduler } = this.#world;
    wheel.set(this, this.#startedAt + this.#target.timeouts.connectMs);
    const rare = dice.chance(climate.faults / 20) ? dice.pick(RARE_ERRORS) : null;
    scheduler.after(2 * dice.spread(0.02, climate.lagMsMax), () => this.#arrived(rare));
  }

  cancel(): void {
    this.#over = true;
    wheel.remove(this);
  }

  #arrived(rare: string | null): void {
    if (this.#over) return;
    const origin = this.#world.origins.get(this.#label);
    if (origin?.doorway === "silent") return;
    if (!origin || origin.doorway === "refused" || rare) return this.#failed(rare ?? "ECONNREFUSED");
    const onread = this.#reader && this.#world.dice.chance(0.7) ? (this.#reader.onRead() as OnRead) : null;
    const { link, socket } = this.#world.connect("origin", this.#label, onread);
    origin.accept(link);
    const connectedAt = now();
    const timings = { startedAt: this.#startedAt, resolvedAt: this.#startedAt, connectedAt, securedAt: 0 };
    const reads = onread ? "onread" : "events";
    this.#finish({ ok: true, socket: socket.asSocket, reads, address: this.#label, timings });
  }

  #failed(code: string): void {
    const evidence = { address: this.#label, waitedMs: now() - this.#startedAt };
    this.#finish({ ok: false, failure: connectFailure(systemError(code, "connect"), "connect", evidence) });
  }

  override onDeadline(at: number): void {
    const { connectMs } = this.#target.timeouts;
    const evidence = { address: this.#label, waitedMs: at - this.#startedAt, deadlineMs: connectMs };
    this.#finish({ ok: false, failure: deadlineFailure("connect", evidence) });
  }

  #finish(result: DialResult): void {
    this.#over = true;
    wheel.remove(this);
    this.#done(result);
  }
}
