// A client: sends its requests one after the other or all at once, in pieces, and reads the answers, or leaves, stops
// reading, dawdles. It judges what it gets: whole where it looks whole, in order, and the answer to what was asked.
import type { Dice } from "./dice.ts";
import type { Link } from "./link.ts";
import { bodyFor, chunk, type Framing, type MessageHead, MessageReader } from "./message.ts";
import { Peer, type PeerUser } from "./peer.ts";
import type { Outcome, RequestRecord } from "./requests.ts";
import type { World } from "./world.ts";

const MANNERS = {
  dawdles: 2,
  "stops-sending": 1,
  "stops-reading": 1.5,
  "reads-slowly": 2,
  closes: 3,
  resets: 2,
  "half-closes": 2,
};
type Manners = keyof typeof MANNERS | "good";

/** What a bad line may take longer. */
const SLOW_MS = 60_000;

export class Client implements PeerUser {
  readonly #world: World;
  readonly #dice: Dice;
  readonly #peer: Peer;
  readonly #reader: MessageReader;
  readonly #requests: readonly RequestRecord[];
  readonly #manners: Manners;
  readonly #pipelined: boolean;
  /** Requests before this one have their outcome. */
  #settled = 0;
  /** Requests before this one were begun to be sent. */
  #begun = 0;
  /** The last byte of the last request that was begun has been written. */
  #sentWhole = true;
  #lastCloses = false;
  #readBytes = 0;
  #stopAt: number;
  #over = false;
  /** The network has done what no deadline allows for. */
  #excused = false;
  #stalled = false;
  #extraMs = 0;

  constructor(world: World, link: Link, requests: readonly RequestRecord[]) {
    this.#world = world;
    this.#dice = world.dice.fork();
    this.#requests = requests;
    this.#manners = this.#dice.chance(world.climate.badClients) ? this.#dice.weighted(MANNERS) : "good";
    this.#pipelined = requests.length > 1 && this.#dice.chance(0.15);
    this.#stopAt = this.#manners === "stops-reading" ? this.#dice.spreadWhole(1, 20_000) : Infinity;
    if (link.slow) this.#extraMs = SLOW_MS;
    this.#peer = new Peer(link, this);
    link.onFault = (kind) => {
      this.#stalled = true;
      if (kind === "stall") this.#extraMs += 8_000;
      else this.#excused = true;
    };
    this.#reader = new MessageReader(
      (head) => this.#framingOf(head),
      () => {},
      (head, body) => this.#onResponse(head, body),
    );
  }

  get label(): string {
    return this.#peer.link.label;
  }

  start(): void {
    this.#sendNext();
  }

  #sendNext(): void {
    if (this.#over || this.#peer.gone) return;
    const request = this.#requests[this.#begun];
    if (!request) return;
    this.#begun++;
    this.#sentWhole = false;
    this.#world.scheduler.trace(`${this.label} asks ${request.method} ${request.path} (${this.#manners})`);
    const parts = this.#partsOf(request);
    const pieces = this.#manners === "stops-sending" ? parts.slice(0, this.#dice.whole(1, parts.length)) : parts;
    let delay = 0;
    for (const part of pieces) {
      this.#after(delay, () => this.#peer.send(part));
      if (this.#manners === "dawdles") delay += this.#dice.spread(50, 3_000);
      else if (this.#dice.chance(0.2)) delay += this.#dice.spread(0.01, 100);
    }
    this.#after(delay, () => this.#sent(request, pieces.length === parts.length));
  }

  /** The request as it goes out; with Expect the body would wait, and does for a while. */
  #partsOf(request: RequestRecord): Buffer[] {
    const body = bodyFor(`up${request.id}`, request.bodyBytes);
    let head = `${request.method} ${request.path} HTTP/1.${request.minor}\r\nHost: shop.example\r\nX-Request-Id: ${request.id}\r\n`;
    if (request.close) head += "Connection: close\r\n";
    if (request.keyed) head += `Idempotency-Key: "k${request.id}"\r\n`;
    if (request.expect) head += "Expect: 100-continue\r\n";
    if (request.chunked) head += "Transfer-Encoding: chunked\r\n";
    else if (body.length > 0 || request.method === "POST") head += `Content-Length: ${body.length}\r\n`;
    const count = this.#dice.chance(0.6) ? 1 : this.#dice.whole(2, 4);
    const pieces: Buffer[] = [];
    for (let i = 0; i < count; i++) {
      const piece = body.subarray(Math.floor((i * body.length) / count), Math.floor(((i + 1) * body.length) / count));
      if (piece.length > 0) pieces.push(request.chunked ? chunk(piece) : piece);
    }
    if (request.chunked) pieces.push(Buffer.from("0\r\n\r\n"));
    const whole = Buffer.concat([Buffer.from(`${head}\r\n`, "latin1"), ...pieces]);
    if (this.#dice.chance(0.3) || this.#manners === "dawdles") return cutAnywhere(this.#dice, whole);
    return [Buffer.from(`${head}\r\n`, "latin1"), ...pieces];
  }

  #sent(request: RequestRecord, whole: boolean): void {
    this.#sentWhole = whole;
    if (this.#begun === this.#requests.length && this.#manners === "half-closes") this.#peer.end();
    if (this.#manners === "closes" || this.#manners === "resets") {
      this.#after(this.#dice.spread(0.1, 3_000), () => this.#leave("left"));
    }
    this.#watch(request);
    if (this.#pipelined && whole) this.#sendNext();
  }

  /** Looks whether the request has its outcome when every wait is over. */
  #watch(request: RequestRecord): void {
    const index = this.#requests.indexOf(request);
    const before = Math.max(1, index - this.#settled + 1);
    const limitMs = this.#world.longestMs() * before + this.#extraMs;
    this.#world.scheduler.after(limitMs, () => {
      if (request.outcome || this.#over) return;
      if (this.#excused || this.#peer.paused) return this.#leave("left");
      if (this.#extraMs > 0) {
        this.#extraMs = 0;
        return this.#watch(request);
      }
      this.#world.violated(`request ${request.id} has no outcome after ${Math.round(limitMs)} ms`);
    });
  }

  onBytes(bytes: Buffer): void {
    this.#reader.push(bytes);
    if (this.#reader.problem !== "") {
      this.#world.violated(`the client cannot read: ${this.#reader.problem}`);
      return;
    }
    this.#readBytes += bytes.length;
    if (this.#readBytes >= this.#stopAt) {
      this.#stopAt = Infinity;
      this.#peer.pause();
      this.#after(this.#dice.spread(1_000, 30_000), () => this.#leave("left"));
    } else if (this.#manners === "reads-slowly" && this.#dice.chance(0.3)) {
      const pauseMs = this.#dice.spread(1, 1_500);
      this.#extraMs += pauseMs;
      this.#peer.pause();
      this.#after(pauseMs, () => this.#peer.resume());
    }
  }

  #framingOf(head: MessageHead): Framing {
    const status = statusOf(head);
    const request = this.#requests[this.#settled];
    if (status < 200 || status === 204 || status === 304 || request?.method === "HEAD") return 0;
    if (head.fields.get("transfer-encoding") === "chunked") return "chunked";
    const length = head.fields.get("content-length");
    return length === undefined ? "until-close" : Number(length);
  }

  #onResponse(head: MessageHead, body: Buffer): void {
    const status = statusOf(head);
    if (status < 200) return;
    const request = this.#requests[this.#settled];
    if (!request || this.#settled >= this.#begun) {
      this.#world.violated(`${this.label}: "${head.line}" answers nothing that was asked`);
      return;
    }
    request.status = status;
    this.#world.checkResponse(request, head, body);
    this.#settle(request, "answered");
    this.#lastCloses = head.fields.get("connection") === "close" || request.minor === 0 || request.close;
    if (this.#over || this.#peer.gone) return;
    if (this.#lastCloses || this.#settled === this.#requests.length || !this.#sentWhole) {
      this.#after(this.#dice.spread(0.1, 500), () => this.#leave("left"));
    } else if (!this.#pipelined || this.#begun === this.#settled) {
      const think = this.#dice.chance(0.3) ? this.#dice.spread(10, 8_000) : this.#dice.spread(0.1, 50);
      this.#after(think, () => this.#sendNext());
    }
  }

  #settle(request: RequestRecord, outcome: Outcome): void {
    this.#world.settle(request, outcome);
    this.#settled++;
  }

  onFin(): void {
    const cut = !this.#reader.ended();
    // A body that ends with the connection may have been the last answer: then nothing is left here.
    this.#connectionOver(cut ? "a cut answer" : "an end");
    this.#peer.close();
  }

  onReset(): void {
    this.#connectionOver("a reset");
  }

  #connectionOver(how: string): void {
    if (this.#over) return;
    const open = this.#requests[this.#settled];
    if (open && this.#begun > this.#settled) this.#judgeCut(open, how);
    this.#finish("cut");
  }

  /**
   * A first request that was sent whole gets an answer: an error is one, silence is none. And what the gateway thinks it
   * has answered arrives, unless the client is to blame, or the network.
   */
  #judgeCut(request: RequestRecord, how: string): void {
    const world = this.#world;
    // The reset of a later response that had to be cut may meet those before it on their way.
    const later = this.#requests.slice(this.#settled + 1, this.#begun);
    if (this.#excused || this.#stalled || later.some((one) => world.wasCut(one))) return;
    const { within } = this.#reader;
    if (world.isAnswered(request) && this.#manners === "good")
      return world.violated(`request ${request.id} was answered, and the answer cut (${how} in ${within})`);
    if (within !== "nothing" || this.#settled > 0 || this.#manners !== "good" || !this.#sentWhole) return;
    if (!world.wasCut(request)) world.violated(`request ${request.id} was met by ${how} instead of an answer`);
  }

  #leave(outcome: Outcome): void {
    if (this.#over) return;
    this.#finish(outcome);
    if (this.#manners === "resets") this.#peer.reset();
    else this.#peer.close();
  }

  #finish(outcome: Outcome): void {
    this.#over = true;
    for (const request of this.#requests.slice(this.#settled, this.#begun)) this.#world.settle(request, outcome);
    // What was not begun is sent on another connection.
    const rest = this.#requests.slice(this.#begun);
    if (rest.length > 0) this.#world.arriveAfter(this.#dice.spread(0.1, 1_000), rest);
    this.#settled = this.#requests.length;
  }

  #after(delayMs: number, action: () => void): void {
    this.#world.scheduler.after(delayMs, () => {
      if (!this.#over) action();
    });
  }
}

function statusOf(head: MessageHead): number {
  return Number(head.line.split(" ")[1]);
}

function cutAnywhere(dice: Dice, whole: Buffer): Buffer[] {
  const parts: Buffer[] = [];
  for (let at = 0; at < whole.length; ) {
    const size = parts.length >= 8 ? whole.length : dice.spreadWhole(1, whole.length);
    parts.push(whole.subarray(at, at + size));
    at += size;
  }
  return parts;
}
