// A TCP connection as two kernels and a network make it: each direction takes bytes up to its window, carries them late
// and in pieces that are nobody's writes, and may be cut at any byte. What one side has written and the network has
// taken arrives although that side closes; a reset overtakes nothing, and what it meets on the other side is seen by the
// next read or write there. A packet to a side that is gone is answered by a reset.
import type { Dice } from "./dice.ts";
import type { Scheduler } from "./scheduler.ts";

/** What the kernel of one side tells of the other. */
export interface LinkEnd {
  onArrived(bytes: Buffer): void;
  onFin(): void;
  onReset(): void;
  /** The window has opened. */
  onRoom(): void;
}

/** What the network does to one direction; bytes count from the first. */
export interface Weather {
  readonly lagMs: number;
  readonly gapMs: number;
  /** Bytes that may be under way, or have arrived and not been read. */
  readonly windowBytes: number;
  /** It takes longer than what requests in this world may take otherwise. */
  readonly slow: boolean;
  /** How small the pieces are: 0 = as they come, 1 = often single bytes. */
  readonly splits: number;
  readonly fault: { readonly atByte: number; readonly kind: FaultKind; readonly forMs: number } | null;
}

export type FaultKind = "reset" | "stall" | "black-hole" | "crash";

/** One direction. */
class Pipe {
  readonly #scheduler: Scheduler;
  readonly #dice: Dice;
  readonly #weather: Weather;
  readonly #link: Link;
  readonly #to: Side;
  #parts: Buffer[] = [];
  #bytes = 0;
  #carried = 0;
  #planned = false;
  #fin: "none" | "asked" | "sent" = "none";
  #reset = false;
  #silent = false;
  #faultDone = false;
  /** Arrived there, and not read yet. */
  unread = 0;
  #wantsRoom = false;

  constructor(scheduler: Scheduler, dice: Dice, weather: Weather, link: Link, to: Side) {
    this.#scheduler = scheduler;
    this.#dice = dice;
    this.#weather = weather;
    this.#link = link;
    this.#to = to;
  }

  get carried(): number {
    return this.#carried;
  }

  /** Nothing goes through any more, and nobody is told. */
  get silent(): boolean {
    return this.#silent;
  }

  /** Takes what the window has room for; returns how many bytes that is. */
  accept(bytes: Buffer): number {
    if (this.#reset) return bytes.length;
    const room = Math.max(0, this.#weather.windowBytes - this.#bytes - this.unread);
    const taken = Math.min(room, bytes.length);
    if (taken > 0) {
      this.#parts.push(Buffer.from(bytes.subarray(0, taken)));
      this.#bytes += taken;
      this.#plan(this.#weather.lagMs);
    }
    if (taken < bytes.length) this.#wantsRoom = true;
    return taken;
  }

  fin(): void {
    if (this.#fin !== "none") return;
    this.#fin = "asked";
    this.#plan(this.#weather.lagMs);
  }

  /** Ends it by a reset behind a part of what is under way. */
  reset(): void {
    if (this.#reset) return;
    this.#reset = true;
    const kept = this.#dice.chance(0.5) ? this.#bytes : this.#dice.whole(0, this.#bytes);
    this.#parts = kept > 0 ? [Buffer.concat(this.#parts).subarray(0, kept)] : [];
    this.#bytes = kept;
    this.#plan(this.#weather.lagMs);
  }

  /** Bytes were read on the other side. */
  read(bytes: number): void {
    this.unread -= bytes;
    if (!this.#wantsRoom || this.#silent) return;
    this.#wantsRoom = false;
    this.#scheduler.after(this.#weather.lagMs, () => this.#link.end(other(this.#to))?.onRoom());
  }

  #plan(delayMs: number): void {
    if (this.#planned || this.#silent) return;
    this.#planned = true;
    this.#scheduler.after(delayMs * this.#dice.between(0.9, 1.2), () => {
      this.#planned = false;
      this.#carry();
    });
  }

  #carry(): void {
    if (this.#silent) return;
    if (this.#bytes > 0) {
      const stop = this.#nextFault();
      if (stop === 0) return this.#strike();
      this.#deliver(Math.min(this.#pieceBytes(), stop));
      // The end may come with the last bytes, or later.
      if (this.#bytes > 0 || this.#dice.chance(0.5)) {
        if (this.#bytes > 0 || this.#reset || this.#fin === "asked") this.#plan(this.#weather.gapMs);
        return;
      }
    }
    if (this.#reset) {
      this.#silent = true;
      this.#link.resetArrived(this.#to);
    } else if (this.#fin === "asked") {
      this.#fin = "sent";
      this.#link.end(this.#to)?.onFin();
    }
  }

  #pieceBytes(): number {
    if (!this.#dice.chance(this.#weather.splits)) return this.#bytes;
    if (this.#dice.chance(0.3)) return 1;
    return Math.min(this.#bytes, this.#dice.spreadWhole(1, Math.max(2, this.#bytes)));
  }

  /** Bytes until something happens. */
  #nextFault(): number {
    const { fault } = this.#weather;
    return !fault || this.#faultDone ? Infinity : Math.max(0, fault.atByte - this.#carried);
  }

  #strike(): void {
    const { kind, forMs } = this.#weather.fault!;
    this.#faultDone = true;
    if (kind === "crash" && this.#to === "gateway") {
      // What the process had not sent is never sent.
      this.#parts = [];
      this.#bytes = 0;
    }
    this.#link.onFault(kind);
    if (kind === "crash" && this.#bytes > 0) return this.#plan(0);
    if (kind === "stall") return this.#plan(forMs);
    if (kind === "black-hole") return this.#link.silence();
    if (kind === "reset") this.#link.cut();
  }

  #deliver(count: number): void {
    const all = this.#parts.length === 1 ? this.#parts[0]! : Buffer.concat(this.#parts);
    const piece = all.subarray(0, count);
    this.#parts = count < all.length ? [all.subarray(count)] : [];
    this.#bytes -= count;
    this.#carried += count;
    const end = this.#link.end(this.#to);
    if (!end) return this.#link.answeredByReset(other(this.#to));
    this.unread += count;
    end.onArrived(piece);
    if (this.#wantsRoom) this.read(0);
  }

  hush(): void {
    this.#silent = true;
  }
}

export type Side = "gateway" | "peer";

const other = (side: Side): Side => (side === "gateway" ? "peer" : "gateway");

/** One connection between the gateway and a client or an origin. */
export class Link {
  readonly label: string;
  readonly slow: boolean;
  readonly toGateway: Pipe;
  readonly toPeer: Pipe;
  /** Hears of faults of the network; "crash" is left to it. */
  onFault: (kind: FaultKind) => void = () => {};
  #gateway: LinkEnd | null = null;
  #peer: LinkEnd | null = null;
  readonly #scheduler: Scheduler;

  constructor(scheduler: Scheduler, dice: Dice, label: string, toGateway: Weather, toPeer: Weather) {
    this.#scheduler = scheduler;
    this.label = label;
    this.slow = toGateway.slow || toPeer.slow;
    this.toGateway = new Pipe(scheduler, dice, toGateway, this, "gateway");
    this.toPeer = new Pipe(scheduler, dice, toPeer, this, "peer");
  }

  join(side: Side, end: LinkEnd): void {
    if (side === "gateway") this.#gateway = end;
    else this.#peer = end;
  }

  end(side: Side): LinkEnd | null {
    return side === "gateway" ? this.#gateway : this.#peer;
  }

  /** The network no longer carries anything. */
  get silent(): boolean {
    return this.toGateway.silent && this.toPeer.silent;
  }

  /** The direction in which `side` sends. */
  from(side: Side): Pipe {
    return side === "gateway" ? this.toPeer : this.toGateway;
  }

  /** Closes one side: in order, or, where it has not read what arrived, by a reset. */
  leave(side: Side, how: "fin" | "reset"): void {
    const unread = this.from(other(side)).unread > 0;
    if (side === "gateway") this.#gateway = null;
    else this.#peer = null;
    const pipe = this.from(side);
    if (how === "reset" || unread) pipe.reset();
    else pipe.fin();
  }

  /** A packet has met a side that is gone. */
  answeredByReset(to: Side): void {
    this.from(other(to)).reset();
  }

  resetArrived(at: Side): void {
    this.#scheduler.trace(`${this.label} reset at ${at}`);
    this.end(at)?.onReset();
  }

  /** Something between the two resets both. */
  cut(): void {
    this.toGateway.reset();
    this.toPeer.reset();
  }

  silence(): void {
    this.toGateway.hush();
    this.toPeer.hush();
  }
}
