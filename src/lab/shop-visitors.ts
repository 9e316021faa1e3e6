// Visitors of the demo's shop: requests over real sockets to the gateway's listener, so many a second, on kept
// connections: mostly pages, some of the JSON interface, now and then an order. What they saw is counted as they saw
// it: an answer, an error page, a cut. Nobody waits for anybody: a visitor who waits does not hold up the next, until
// FLIGHT_MAX of them wait; then who comes is turned away and counted.
import { Agent, request } from "node:http";
import { PRODUCTS } from "./shop-goods.ts";

/** Of all requests. */
const ORDERS_SHARE = 0.06;
const TICK_MS = 50;
/** Patience of a visitor. */
const PATIENCE_MS = 20_000;
const FLIGHT_MAX = 2_000;
const CONNECTIONS_MAX = 256;
export const VISITORS_MAX = 500;
/** A wait that a visitor notices. */
const SLOW_FROM_MS = 1_000;

/** What visitors saw since the start. */
export interface Seen {
  readonly requests: number;
  /** Answers below 500. */
  readonly fine: number;
  /** Answers of 500 and more. */
  readonly errors: number;
  /** No answer, or one that broke off. */
  readonly cut: number;
  /** Answers that took longer than a second. */
  readonly slow: number;
  /** Not sent, since too many were waiting. */
  readonly turnedAway: number;
}

const PAGES = [
  "/",
  "/",
  "/",
  ...PRODUCTS.map(({ id }) => `/product/${id}`),
  "/cart",
  "/api/products",
  "/api/products",
  "/api/cart",
];

/** The visitors of one shop. */
export class Visitors {
  readonly #where: () => { readonly host: string; readonly port: number };
  readonly #random: () => number;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS_MAX, keepAliveMsecs: 1_000 });
  readonly #seen = { requests: 0, fine: 0, errors: 0, cut: 0, slow: 0, turnedAway: 0 };
  #perSecond = 0;
  #due = 0;
  #flight = 0;
  #tickedAt = 0;
  #timer: NodeJS.Timeout | null = null;

  /** `where` = a listener of the gateway. */
  constructor(where: () => { readonly host: string; readonly port: number }, random: () => number = Math.random) {
    this.#where = where;
    this.#random = random;
  }

  /** Visitors per second, 0 to VISITORS_MAX. */
  get perSecond(): number {
    return this.#perSecond;
  }
  set perSecond(perSecond: number) {
    this.#perSecond = Math.min(VISITORS_MAX, Math.max(0, perSecond));
    if (this.#perSecond === 0) this.stop();
    else if (this.#timer === null) {
      this.#tickedAt = performance.now();
      this.#timer = setInterval(() => this.#tick(), TICK_MS);
    }
  }

  get seen(): Seen {
    return { ...this.#seen };
  }

  /** Nobody comes any more; who is there ends their visit. */
  stop(): void {
    if (this.#timer) clearInterval(this.#timer);
    this.#timer = null;
    this.#due = 0;
  }

  close(): void {
    this.stop();
    this.#perSecond = 0;
    this.#agent.destroy();
  }

  #tick(): void {
    const at = performance.now();
    // Who was late (the process was busy) does not come in a crowd: at most a quarter of a second of them at once.
    const elapsedMs = Math.min(250, at - this.#tickedAt);
    this.#tickedAt = at;
    // Uneven, as people come, and right on the average.
    this.#due += (this.#perSecond * elapsedMs * 2 * this.#random()) / 1000;
    for (; this.#due >= 1; this.#due--) this.#visit();
  }

  #visit(): void {
    if (this.#flight >= FLIGHT_MAX) {
      this.#seen.turnedAway++;
      return;
    }
    this.#seen.requests++;
    this.#flight++;
    const startedAt = performance.now();
    const orders = this.#random() < ORDERS_SHARE;
    const pick = <T>(all: readonly T[]): T => all[Math.floor(this.#random() * all.length)]!;
    const body = orders ? JSON.stringify({ items: { [pick(PRODUCTS).id]: 1 } }) : "";
    let over = false;
    const ended = (how: "fine" | "errors" | "cut"): void => {
      if (over) return;
      over = true;
      this.#flight--;
      this.#seen[how]++;
      if (how === "fine" && performance.now() - startedAt > SLOW_FROM_MS) this.#seen.slow++;
    };
    const sent = request(
      {
        ...this.#where(),
        agent: this.#agent,
        method: orders ? "POST" : "GET",
        path: orders ? "/api/orders" : pick(PAGES),
        timeout: PATIENCE_MS,
        headers: {
          Host: "shop.example",
          "User-Agent": "goodgate-demo-visitor",
          Accept: orders ? "application/json" : "text/html,*/*",
          ...(orders ? { "Content-Type": "application/json", "Content-Length": Buffer.byteLength(body) } : {}),
        },
      },
      (response) => {
        const status = response.statusCode ?? 0;
        response.on("end", () => ended(status >= 500 ? "errors" : "fine"));
        response.on("close", () => ended("cut"));
        response.on("error", () => ended("cut"));
        response.resume();
      },
    );
    sent.on("timeout", () => sent.destroy(new Error("no answer")));
    sent.on("error", () => ended("cut"));
    sent.end(body);
  }
}
