// An origin: a process that listens at one address, restarts and crashes, and an application that counts what reaches it
// and answers well or in each of the ways in which applications fail. It judges what it is sent: requests whole and as
// the client meant them, one at a time.
import type { Dice } from "./dice.ts";
import type { Link } from "./link.ts";
import { bodyFor, chunk, type Framing, type MessageHead, MessageReader } from "./message.ts";
import { Peer, type PeerUser } from "./peer.ts";
import type { Delivery } from "./requests.ts";
import type { Planned } from "./scheduler.ts";
import { HEALTH_PATH } from "./settings.ts";
import type { World } from "./world.ts";

/** What a connect meets: a listener, nobody, or silence. */
export type Doorway = "open" | "refused" | "silent";

/** How the application keeps connections. */
interface Habits {
  readonly answerMs: number;
  readonly idleMs: number;
  readonly hint: boolean;
  readonly usesMax: number;
}

export class Origin {
  readonly label: string;
  readonly world: World;
  readonly dice: Dice;
  readonly habits: Habits;
  readonly connections = new Set<OriginConnection>();
  doorway: Doorway = "open";

  constructor(world: World, label: string) {
    this.world = world;
    this.label = label;
    this.dice = world.dice.fork();
    const { dice } = this;
    this.habits = {
      answerMs: dice.spread(0.1, 200),
      idleMs: dice.chance(0.3) ? Infinity : dice.spread(100, 10_000),
      hint: dice.chance(0.5),
      usesMax: dice.chance(0.7) ? Infinity : dice.whole(1, 20),
    };
  }

  accept(link: Link): void {
    this.connections.add(new OriginConnection(this, link));
  }

  /** The process ends: its connections with it, in order or not. */
  stop(doorway: Doorway): void {
    const how = this.dice.pick(["fin", "reset"] as const);
    this.world.scheduler.trace(`${this.label} stops (${how}), ${doorway}`);
    this.doorway = doorway;
    for (const connection of [...this.connections]) connection.crash(how);
  }

  start(): void {
    this.world.scheduler.trace(`${this.label} starts`);
    this.doorway = "open";
  }
}

const BAD = {
  "die-before": 3,
  "die-in-head": 1,
  "die-in-body": 3,
  early: 2,
  hang: 1,
  slow: 2,
  "slow-body": 1,
  error: 3,
  garbage: 0.5,
  surplus: 0.5,
  interim: 1,
};
type Behaviour = keyof typeof BAD | "well";

const ERRORS = [500, 502, 503, 503, 504, 404];
const FRAMINGS = { length: 6, chunked: 3, close: 1 };

/** One connection to an origin. */
class OriginConnection implements PeerUser {
  readonly #origin: Origin;
  readonly #world: World;
  readonly #dice: Dice;
  readonly #peer: Peer;
  readonly #reader: MessageReader;
  readonly #planned = new Set<Planned>();
  #idle: Planned | null = null;
  #uses = 0;
  /** A request was begun, and its answer is not out. */
  #busy = false;
  #answered = false;
  #whole = false;
  #behaviour: Behaviour = "well";
  #delivery: Delivery | null = null;
  #finished = false;

  constructor(origin: Origin, link: Link) {
    this.#origin = origin;
    this.#world = origin.world;
    this.#dice = origin.dice;
    this.#peer = new Peer(link, this);
    link.onFault = (kind) => {
      if (kind === "crash") this.crash(this.#dice.pick(["fin", "reset"] as const));
    };
    this.#reader = new MessageReader(
      requestFraming,
      (head) => this.#begin(head),
      (head, body) => this.#complete(head, body),
    );
    this.#awaitNext();
  }

  /** The network has swallowed it: its end will never be heard of. */
  get lost(): boolean {
    return this.#peer.link.silent;
  }

  onBytes(bytes: Buffer): void {
    this.#idle?.cancel();
    this.#reader.push(bytes);
    if (this.#reader.problem !== "") this.#world.violated(`the origin cannot read: ${this.#reader.problem}`);
  }

  onFin(): void {
    // The gateway half-closes at no time but to close; an answer that is under way is of no more use.
    this.#gone();
    this.#peer.close();
  }

  onReset(): void {
    this.#gone();
  }

  /** The process dies. */
  crash(how: "fin" | "reset"): void {
    if (this.#delivery && how === "fin") this.#delivery.endedInOrder = true;
    this.#gone();
    if (how === "fin") this.#peer.close();
    else this.#peer.reset();
  }

  #gone(): void {
    this.#finished = true;
    for (const planned of this.#planned) planned.cancel();
    this.#planned.clear();
    this.#idle?.cancel();
    this.#origin.connections.delete(this);
  }

  #after(delayMs: number, action: () => void): void {
    const planned = this.#world.scheduler.after(delayMs, () => {
      this.#planned.delete(planned);
      action();
    });
    this.#planned.add(planned);
  }

  #begin(head: MessageHead): void {
    if (this.#finished) return;
    if (this.#busy) this.#world.violated(`${head.line}: sent before the answer on this connection was out`);
    this.#busy = true;
    this.#answered = false;
    this.#whole = false;
    this.#uses++;
    this.#delivery = null;
    this.#behaviour = this.#dice.chance(this.#world.climate.badAnswers) ? this.#dice.weighted(BAD) : "well";
    if (isHealthCheck(head)) return;
    this.#delivery = this.#world.delivered(head, this.#origin.label);
    if (this.#behaviour === "early") this.#after(this.#thinkMs(), () => this.#answer(head));
    else if (head.fields.get("expect") && this.#dice.chance(0.9)) {
      this.#after(this.#thinkMs(), () => {
        if (!this.#answered && !this.#whole) this.#peer.send("HTTP/1.1 100 Continue\r\n\r\n");
      });
    }
  }

  #complete(head: MessageHead, body: Buffer): void {
    if (this.#finished) return;
    this.#whole = true;
    if (this.#delivery) this.#world.checkUpload(head, body);
    if (this.#answered && !this.#busy) return this.#awaitNext();
    if (this.#answered || this.#behaviour === "early") return;
    this.#after(this.#thinkMs(), () => this.#answer(head));
  }

  #thinkMs(): number {
    const { answerMs } = this.#origin.habits;
    if (this.#behaviour === "slow") return this.#dice.spread(300, 12_000);
    return this.#dice.spread(answerMs / 3, answerMs * 3);
  }

  #answer(head: MessageHead): void {
    this.#answered = true;
    const dice = this.#dice;
    switch (this.#behaviour) {
      case "hang":
        return;
      case "die-before":
        return this.crash(dice.pick(["fin", "reset"] as const));
      case "garbage":
        this.#peer.send(dice.pick(["hello\r\n\r\n", "HTTP/1.1 2oo OK\r\n\r\n", "\x15\x03\x03\x00\x02\x02\x28"]));
        return this.#after(1, () => this.crash("fin"));
      case "interim":
        this.#peer.send("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n");
        break;
      default:
    }
    this.#respond(head);
  }

  #respond(head: MessageHead): void {
    const dice = this.#dice;
    const bad = this.#behaviour;
    const length = dice.chance(0.15) ? dice.spreadWhole(1_000, this.#world.largeBytes) : dice.whole(0, 2_000);
    const framing = dice.weighted(FRAMINGS);
    const status = bad === "error" ? dice.pick(ERRORS) : dice.chance(0.03) ? 204 : 200;
    const close = framing === "close" || this.#uses >= this.#origin.habits.usesMax || dice.chance(0.02);
    const bodiless = status === 204 || head.line.startsWith("HEAD ");
    const key = this.#delivery?.key ?? "health";
    const data = key === "health" ? Buffer.from("all is well") : bodyFor(key, length);
    let text = `HTTP/1.1 ${status} Whatever\r\nX-Simulated: ${key};${data.length}\r\n`;
    if (framing === "length" && status !== 204) text += `Content-Length: ${data.length}\r\n`;
    else if (framing === "chunked" && status !== 204) text += "Transfer-Encoding: chunked\r\n";
    if (close) text += "Connection: close\r\n";
    else if (this.#origin.habits.hint)
      text += `Keep-Alive: timeout=${Math.ceil(Math.min(this.#origin.habits.idleMs, 60_000) / 1000)}\r\n`;
    text += "\r\n";
    if (framing === "close" && this.#delivery && !bodiless) this.#delivery.closeDelimited = true;
    const parts = bodiless ? [Buffer.from(text, "latin1")] : this.#partsOf(text, data, framing);
    if (bad === "surplus" && framing !== "close") parts.push(Buffer.concat([parts.pop()!, Buffer.from("surplus")]));
    this.#write(parts, close);
  }

  #partsOf(text: string, data: Buffer, framing: keyof typeof FRAMINGS): Buffer[] {
    const dice = this.#dice;
    const head = Buffer.from(text, "latin1");
    const pieces: Buffer[] = [];
    const count = dice.chance(0.6) ? 1 : dice.whole(2, 5);
    for (let i = 0; i < count; i++) {
      const piece = data.subarray(Math.floor((i * data.length) / count), Math.floor(((i + 1) * data.length) / count));
      if (piece.length > 0) pieces.push(framing === "chunked" ? chunk(piece) : piece);
    }
    if (framing === "chunked") pieces.push(Buffer.from("0\r\n\r\n"));
    if (pieces.length > 0 && dice.chance(0.7)) pieces[0] = Buffer.concat([head, pieces[0]!]);
    else pieces.unshift(head);
    return pieces;
  }

  #write(parts: Buffer[], close: boolean): void {
    const dice = this.#dice;
    const dies = this.#behaviour === "die-in-head" || this.#behaviour === "die-in-body";
    const first = parts[0]!;
    if (this.#behaviour === "die-in-head") parts = [first.subarray(0, dice.whole(1, 20))];
    else if (dies) parts = this.#cutInBody(parts);
    let delay = 0;
    for (const [index, part] of parts.entries()) {
      this.#after(delay, () => {
        this.#peer.send(part);
        if (index === parts.length - 1 && !dies) this.#answerOut(close);
      });
      delay += this.#behaviour === "slow-body" ? dice.spread(100, 6_000) : dice.spread(0.01, 30);
    }
    if (dies) this.#after(delay, () => this.crash(dice.pick(["fin", "reset"] as const)));
  }

  #cutInBody(parts: Buffer[]): Buffer[] {
    const all = Buffer.concat(parts);
    const headEnd = all.indexOf("\r\n\r\n") + 4;
    if (headEnd >= all.length) return [all.subarray(0, -2)];
    return [all.subarray(0, this.#dice.whole(headEnd, all.length - 1))];
  }

  #answerOut(close: boolean): void {
    this.#busy = false;
    if (close) {
      this.#peer.end();
      return;
    }
    if (this.#whole) this.#awaitNext();
  }

  #awaitNext(): void {
    const { idleMs } = this.#origin.habits;
    this.#idle?.cancel();
    if (idleMs === Infinity) return;
    this.#idle = this.#world.scheduler.after(idleMs, () => {
      this.#gone();
      this.#peer.close();
    });
  }
}

function requestFraming(head: MessageHead): Framing {
  if (head.fields.has("transfer-encoding")) return "chunked";
  return Number(head.fields.get("content-length") ?? 0);
}

function isHealthCheck(head: MessageHead): boolean {
  return head.line.split(" ")[1] === HEALTH_PATH;
}
