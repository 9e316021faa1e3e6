// A real little web shop for the demo: pages, forms, JSON, uploads, server-sent events, a WebSocket. It is a handler on
// the lab's server, so each fault of the table can strike it. Several shops of one company know each other: any of
// them serves any request, and the lab page at one can break another.
import type { LabResponse } from "./answer.ts";
import { isFromOtherSite } from "./control.ts";
import type { LabRequest } from "./fault.ts";
import { FAULTS, type FaultName, isFaultName } from "./faults.ts";
import { json, pauseUnlessGone } from "./good.ts";
import type { Field } from "./request.ts";
import { type Lab, startLab } from "./server.ts";
import { addToCart, type Cart, cartCents, cartCookie, PRODUCTS, productOf, readCart, stockAt } from "./shop-goods.ts";
import {
  BREAKS,
  cartPage,
  chatPage,
  labPage,
  listPage,
  missingPage,
  orderedPage,
  productPage,
  type Served,
  uploadPage,
} from "./shop-pages.ts";
import { readUpload } from "./upload.ts";
import { webSocketResponse } from "./websocket.ts";

const FORM_BYTES_MAX = 65_536;
const UPLOAD_BYTES_MAX = 32 * 1024 * 1024;
const STOCK_EVERY_MS = 1_000;
/** What a slow shop takes for a page, at least and at most; its health check knows nothing of it. */
const SLOW_MS = [1_500, 4_000] as const;
/** The answer to a click goes out before its shop breaks. */
const BREAK_AFTER_MS = 150;

export interface Order {
  readonly id: string;
  readonly shop: string;
  readonly cents: number;
}

/** What the shops of one demo share. */
export interface Company {
  readonly shops: Map<string, Shop>;
  /** Every order that was taken: one line per POST that arrived. */
  readonly orders: Order[];
}

export interface ShopOptions {
  readonly name: string;
  readonly host?: string;
  readonly port?: number;
  readonly company?: Company;
}

/** A running shop. */
export interface Shop {
  readonly name: string;
  readonly port: number;
  readonly address: string;
  readonly lab: Lab;
  /** "fine", or what is wrong with it now: "down", "slow", the name of a fault. */
  readonly state: string;
  /**
   * Strikes every request for the time (Infinity = until it is mended); refuse, crash and restart: nothing listens for
   * that time; slow: its pages take seconds; none mends.
   */
  breakWith(fault: FaultName | "restart" | "slow" | "none", forMs: number): void;
  close(): Promise<void>;
}

/** Starts a shop; port 0 (the default) takes a free one. */
export async function startShop(options: ShopOptions): Promise<Shop> {
  const company = options.company ?? { shops: new Map(), orders: [] };
  const lab = await startLab({
    host: options.host ?? "127.0.0.1",
    port: options.port ?? 0,
    handler: async (request) => {
      if (slow && !SPARED.test(request.path)) await pauseUnlessGone(slowMs(), request.gone);
      return respond(request, shop, company);
    },
  });
  let mend: NodeJS.Timeout | undefined;
  let slow = false;
  const shop: Shop = {
    name: options.name,
    lab,
    get port() {
      return lab.port;
    },
    get address() {
      return lab.address;
    },
    get state() {
      return lab.listening ? (lab.standing ?? (slow ? "slow" : "fine")) : "down";
    },
    breakWith(fault, forMs) {
      clearTimeout(mend);
      lab.setFault(null);
      slow = false;
      if (fault === "refuse" || fault === "crash" || fault === "restart") return lab.crash(forMs);
      // What lies down comes back for whatever is asked of it next.
      if (!lab.listening) lab.crash(0);
      if (fault === "none") return;
      if (fault === "slow") slow = true;
      else lab.setFault(fault);
      if (forMs === Number.POSITIVE_INFINITY) return;
      mend = setTimeout(() => {
        lab.setFault(null);
        slow = false;
      }, forMs);
    },
    close() {
      clearTimeout(mend);
      company.shops.delete(options.name);
      return lab.close();
    },
  };
  company.shops.set(options.name, shop);
  return shop;
}

/** Pages that are no part of the shop. */
const SPARED = /^\/(?:healthz$|lab(?:\/|$))/;

function slowMs(): number {
  const [least, most] = SLOW_MS;
  return least + Math.random() * (most - least);
}

async function respond(request: LabRequest, shop: Shop, company: Company): Promise<LabResponse | null> {
  const cart = readCart(request.header("cookie"));
  const served: Served = { shop: shop.name, address: shop.address, cart };
  const { path, query } = request;
  if (path === "/healthz") return { status: 200, headers: [["Cache-Control", "no-store"]], body: "ok\n" };
  if (path.startsWith("/api/")) return respondJson(request, shop, company, cart);
  if (path === "/events") return stockEvents(request, shop);
  if (path === "/chat") return chat(request, served);
  if (path === "/lab/break") return breakShop(request, company);
  if (request.method === "POST") return respondToForm(request, served, shop, company);
  if (path === "/") return html(listPage(served));
  if (path === "/cart") return html(cartPage(served));
  if (path === "/upload") return html(uploadPage(served, null));
  if (path === "/thanks") return html(orderedPage(served, query.get("order") ?? "", query.get("name") ?? ""));
  if (path === "/lab" || path === "/lab/") {
    const note = query.has("broke") ? `${query.get("broke")}: ${query.get("fault")}` : "";
    return html(labPage(served, [...company.shops.values()], note));
  }
  if (path.startsWith("/lab/")) return null;
  const product = productOf(/^\/product\/([a-z]+)$/.exec(path)?.[1] ?? "");
  return product ? html(productPage(served, product)) : html(missingPage(served), 404);
}

function html(body: string, status = 200, headers: readonly Field[] = []): LabResponse {
  const fields: Field[] = [["Content-Type", "text/html; charset=utf-8"], ["Cache-Control", "no-store"], ...headers];
  return { status, headers: fields, body };
}

function seeOther(location: string, headers: readonly Field[] = []): LabResponse {
  return { status: 303, headers: [["Location", location], ...headers] };
}

const TOO_LARGE: LabResponse = { status: 413, headers: [["Connection", "close"]], body: "too large\n" };

async function respondToForm(
  request: LabRequest,
  served: Served,
  shop: Shop,
  company: Company,
): Promise<LabResponse | null> {
  const { path } = request;
  if (path === "/upload") {
    const upload = await readUpload(request, UPLOAD_BYTES_MAX);
    if (upload === null) return TOO_LARGE;
    const accept = request.header("accept") ?? "";
    return accept.includes("text/html") ? html(uploadPage(served, upload)) : json(upload);
  }
  if (path !== "/cart" && path !== "/checkout") return path.startsWith("/lab/") ? null : html(missingPage(served), 404);
  const body = await request.body.collect(FORM_BYTES_MAX);
  if (body === null) return TOO_LARGE;
  const form = new URLSearchParams(body.toString());
  if (path === "/cart") {
    const id = form.get("product") ?? "";
    if (!productOf(id)) return html(missingPage(served), 422);
    const cart = addToCart(served.cart, id, form.get("pieces") === "-1" ? -1 : 1);
    return seeOther("/cart", [["Set-Cookie", cartCookie(cart)]]);
  }
  if (served.cart.size === 0) return seeOther("/cart");
  const order = takeOrder(shop, company, cartCents(served.cart));
  const name = (form.get("name") ?? "").slice(0, 80);
  const to = "/thanks?" + new URLSearchParams({ order: order.id, name }).toString();
  return seeOther(to, [["Set-Cookie", cartCookie(new Map())]]);
}

function takeOrder(shop: Shop, company: Company, cents: number): Order {
  const order = { id: `${shop.name}-${company.orders.length + 1}`, shop: shop.name, cents };
  company.orders.push(order);
  return order;
}

async function respondJson(request: LabRequest, shop: Shop, company: Company, cart: Cart): Promise<LabResponse> {
  const call = `${request.method} ${request.path}`;
  if (call === "GET /api/products")
    return json(PRODUCTS.map(({ id, name, text, cents }) => ({ id, name, text, cents })));
  if (call === "GET /api/cart")
    return json({ items: Object.fromEntries(cart), cents: cartCents(cart), shop: shop.name });
  if (call === "GET /api/orders") return json(company.orders);
  if (call !== "POST /api/orders" && call !== "POST /api/cart") return json({ error: "no such call" }, 404);
  const body = await request.body.collect(FORM_BYTES_MAX);
  if (body === null) return TOO_LARGE;
  const items = readItems(body);
  if (items === null) return json({ error: 'send {"items": {"field": 1}}' }, 422);
  if (call === "POST /api/orders") return json(takeOrder(shop, company, cartCents(items)), 201);
  const answer = json({ items: Object.fromEntries(items), cents: cartCents(items), shop: shop.name });
  return { ...answer, headers: [...(answer.headers ?? []), ["Set-Cookie", cartCookie(items)]] };
}

/** Reads {"items": {ID: PIECES}}; null = it is something else. */
function readItems(body: Buffer): Cart | null {
  let value: unknown;
  try {
    value = JSON.parse(body.toString());
  } catch {
    return null;
  }
  const items = typeof value === "object" && value !== null && "items" in value ? value.items : null;
  if (typeof items !== "object" || items === null) return null;
  let cart: Cart = new Map();
  for (const [id, pieces] of Object.entries(items)) {
    if (!productOf(id) || !Number.isInteger(pieces) || pieces < 1) return null;
    cart = addToCart(cart, id, pieces);
  }
  return cart.size > 0 ? cart : null;
}

/** Server-sent events: the stock of every product, each second, for as long as somebody listens. */
function stockEvents({ gone, header }: LabRequest, shop: Shop): LabResponse {
  let tick = Number(header("last-event-id") ?? 0);
  if (!Number.isSafeInteger(tick) || tick < 0) tick = 0;
  async function* events(): AsyncGenerator<string> {
    yield "retry: 1000\n\n";
    while (!gone.aborted) {
      tick++;
      const stock = Object.fromEntries(PRODUCTS.map((product) => [product.id, stockAt(product, tick)]));
      yield `id: ${tick}\nevent: stock\ndata: ${JSON.stringify({ shop: shop.name, stock })}\n\n`;
      await pauseUnlessGone(STOCK_EVERY_MS, gone);
    }
  }
  return {
    status: 200,
    headers: [
      ["Content-Type", "text/event-stream"],
      ["Cache-Control", "no-store"],
    ],
    body: events(),
  };
}

const ANSWERS = [
  "Gates are made to open. That is the hard part.",
  "Oak lasts longest. Larch is lighter.",
  "Measure between the posts, not between the hinges.",
  "It ships on Tuesday.",
];

function chat(request: LabRequest, served: Served): LabResponse {
  if (request.header("upgrade") === undefined) return html(chatPage(served));
  const { shop } = served;
  let asked = 0;
  return webSocketResponse(request, `${shop}: Good day. What should be kept in, or out?`, (text) => [
    `${shop}: You said “${text}”.`,
    `${shop}: ${ANSWERS[asked++ % ANSWERS.length]}`,
  ]);
}

async function breakShop(request: LabRequest, company: Company): Promise<LabResponse> {
  if (request.method !== "POST" || isFromOtherSite(request)) return json({ error: "POST it from the lab page" }, 403);
  const body = await request.body.collect(FORM_BYTES_MAX);
  const form = new URLSearchParams(body?.toString() ?? "");
  const shop = company.shops.get(form.get("shop") ?? "");
  const fault = form.get("fault") ?? "";
  const known = BREAKS.find((entry) => entry.fault === fault);
  const allowed = known || fault === "none" || (isFaultName(fault) && FAULTS[fault].how !== "listen");
  if (!shop || !allowed) return json({ error: "no such shop or fault" }, 404);
  setTimeout(() => shop.breakWith(fault as FaultName | "restart" | "none", known?.forMs ?? 10_000), BREAK_AFTER_MS);
  const to = "/lab?" + new URLSearchParams({ broke: shop.name, fault }).toString();
  return request.header("accept")?.includes("text/html") ? seeOther(to) : json({ shop: shop.name, fault });
}
