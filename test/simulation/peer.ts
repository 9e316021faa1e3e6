// The other end of a simulated connection, where a client or an origin is: bytes as they arrive, and a queue of what it
// writes. It reads at once unless it is told to stop.
import type { Link, LinkEnd } from "./link.ts";

export interface PeerUser {
  onBytes(bytes: Buffer): void;
  /** The gateway has ended its direction. */
  onFin(): void;
  onReset(): void;
}

export class Peer implements LinkEnd {
  readonly link: Link;
  readonly #user: PeerUser;
  #queue: Buffer[] = [];
  #finWanted = false;
  #inbox: Buffer[] = [];
  #paused = false;
  #finUnread = false;
  /** Nothing is sent or heard any more. */
  gone = false;

  constructor(link: Link, user: PeerUser) {
    this.link = link;
    this.#user = user;
    link.join("peer", this);
  }

  send(data: string | Buffer): void {
    if (this.gone || this.#finWanted) return;
    this.#queue.push(typeof data === "string" ? Buffer.from(data, "latin1") : data);
    this.onRoom();
  }

  /** Ends its direction behind what is queued. */
  end(): void {
    this.#finWanted = true;
    this.onRoom();
  }

  /** Closes in order; what is queued beyond the window is lost. */
  close(): void {
    this.#leave("fin");
  }

  reset(): void {
    this.#leave("reset");
  }

  #leave(how: "fin" | "reset"): void {
    if (this.gone) return;
    this.gone = true;
    this.link.leave("peer", how);
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    const inbox = this.#inbox;
    this.#inbox = [];
    for (const bytes of inbox) this.onArrived(bytes);
    if (this.#finUnread) this.onFin();
  }

  get paused(): boolean {
    return this.#paused;
  }

  /** Everything that was sent has gone into the window. */
  get flushed(): boolean {
    return this.#queue.length === 0;
  }

  onRoom(): void {
    const pipe = this.link.from("peer");
    while (!this.gone && this.#queue.length > 0) {
      const part = this.#queue[0]!;
      const taken = pipe.accept(part);
      if (taken < part.length) {
        this.#queue[0] = part.subarray(taken);
        return;
      }
      this.#queue.shift();
    }
    if (this.#finWanted && !this.gone) pipe.fin();
  }

  onArrived(bytes: Buffer): void {
    if (this.gone) return;
    if (this.#paused) {
      this.#inbox.push(bytes);
      return;
    }
    this.link.from("gateway").read(bytes.length);
    this.#user.onBytes(bytes);
  }

  onFin(): void {
    if (this.gone) return;
    if (this.#paused) {
      this.#finUnread = true;
      return;
    }
    this.#finUnread = false;
    this.#user.onFin();
  }

  onReset(): void {
    if (this.gone) return;
    this.gone = true;
    this.#user.onReset();
  }
}
