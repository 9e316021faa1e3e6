// The shop's pages: strings in, HTML out. Scripts are small and inline; every page works without them.
import { type Html, html } from "../std/html.ts";
import { faultRows } from "./control.ts";
import { page } from "./page.ts";
import { type Cart, cartCents, PRODUCTS, type Product, price, productOf } from "./shop-goods.ts";

/** What every page shows of the endpoint that served it. */
export interface Served {
  readonly shop: string;
  readonly address: string;
  readonly cart: Cart;
}

export interface ShopState {
  readonly name: string;
  readonly address: string;
  /** "fine", or what is wrong with it. */
  readonly state: string;
}

/** What can be done to an endpoint. */
export const BREAKS = [
  { label: "Refuse", fault: "refuse", forMs: 10_000 },
  { label: "Crash", fault: "crash", forMs: 3_000 },
  { label: "Restart", fault: "restart", forMs: 600 },
  { label: "Hang", fault: "stall-head", forMs: 10_000 },
  { label: "Reset", fault: "reset-after-request", forMs: 10_000 },
  { label: "Garbage", fault: "garbage-head", forMs: 10_000 },
  { label: "Cut bodies", fault: "short-body", forMs: 10_000 },
  { label: "Answer 500", fault: "app-500", forMs: 10_000 },
] as const;

function frame(served: Served, title: string, body: Html): string {
  let pieces = 0;
  for (const count of served.cart.values()) pieces += count;
  return page({
    title: title + " · Gate & Latch",
    body,
    header: html`<b>Gate &amp; Latch</b><nav><a href="/">Shop</a><a href="/chat">Help</a><a href="/upload">Send a photo</a><a href="/lab">Lab</a></nav>
<a href="/cart">Cart${pieces > 0 ? html` <span class="badge">${pieces}</span>` : ""}</a>`,
    footer: html`Served by <b>${served.shop}</b> at ${served.address}. A demonstration: nothing is sold here.`,
  });
}

/** A drawing of the gate: posts, bars, brace. */
function drawing({ bars, brace, hue, name }: Product): Html {
  const wood = `hsl(${hue} 45% 45%)`;
  const gap = 62 / (bars + 1);
  const lines: Html[] = [];
  for (let bar = 1; bar <= bars; bar++) lines.push(html`<path d="M36 ${Math.round(26 + bar * gap)}H164"/>`);
  const braces =
    brace === "none" ? "" : html`<path d="M40 88 160 32"/>${brace === "cross" ? html`<path d="M40 32 160 88"/>` : ""}`;
  return html`<svg viewBox="0 0 200 120" role="img" aria-label="${name}"><rect width="200" height="120" fill="hsl(${hue} 40% 90%)"/>
<path d="M0 98q50-10 100 0t100 0v22H0z" fill="hsl(${hue} 30% 78%)"/>
<g stroke="${wood}" stroke-width="6" stroke-linecap="round" fill="none"><path d="M34 20v82M166 20v82" stroke-width="9"/>${lines}${braces}</g></svg>`;
}

export function listPage(served: Served): string {
  const cards = PRODUCTS.map(
    (product) => html`<article class="card"><a href="/product/${product.id}">${drawing(product)}</a>
<a href="/product/${product.id}"><b>${product.name}</b></a><p>${product.text}</p>
<div class="row"><span class="price">${price(product.cents)}</span><span class="badge" data-stock="${product.id}">in stock</span></div></article>`,
  );
  return frame(
    served,
    "Gates",
    html`<h1>Gates that hold</h1><p class="soft">Stock is live, over server-sent events from <span id="source">…</span>.</p>
<div class="grid">${cards}</div>
<script>
const source = new EventSource("/events");
source.addEventListener("stock", (event) => {
  const { shop, stock } = JSON.parse(event.data);
  document.getElementById("source").textContent = shop;
  for (const [id, pieces] of Object.entries(stock)) {
    const badge = document.querySelector('[data-stock="' + id + '"]');
    if (badge) badge.textContent = pieces + " in stock";
  }
});
source.onerror = () => { document.getElementById("source").textContent = "nobody just now (connecting again)"; };
addEventListener("pagehide", () => source.close());
</script>`,
  );
}

export function productPage(served: Served, product: Product): string {
  return frame(
    served,
    product.name,
    html`<div class="hero"><div>${drawing(product)}</div><div><h1>${product.name}</h1><p>${product.text}</p>
<p class="price">${price(product.cents)}</p>
<form method="post" action="/cart"><input type="hidden" name="product" value="${product.id}"><button>Put in the cart</button></form></div></div>`,
  );
}

export function cartPage(served: Served): string {
  const { cart } = served;
  if (cart.size === 0)
    return frame(served, "Cart", html`<h1>Cart</h1><p>Nothing in it yet. <a href="/">Have a look around.</a></p>`);
  const rows = [...cart].map(([id, pieces]) => {
    const product = productOf(id)!;
    const button = (count: number, label: string) =>
      html`<form method="post" action="/cart"><input type="hidden" name="product" value="${id}"><input type="hidden" name="pieces" value="${count}"><button class="quiet" aria-label="${label}">${count > 0 ? "+" : "−"}</button></form>`;
    return html`<tr><td>${product.name}<td class="number">${pieces}<td><div class="row" style="justify-content:flex-end"><span></span>${button(-1, "one less")}${button(1, "one more")}</div><td class="number">${price(product.cents * pieces)}`;
  });
  return frame(
    served,
    "Cart",
    html`<h1>Cart</h1><div class="scroll"><table><tbody>${rows}
<tr><td><b>Total</b><td><td><td class="number price">${price(cartCents(cart))}</table></div>
<h2>Order</h2><form class="narrow" method="post" action="/checkout">
<label>Name <input name="name" required maxlength="80" autocomplete="name"></label>
<label>Where to <input name="address" required maxlength="200" autocomplete="street-address"></label>
<button>Order now</button></form>`,
  );
}

export function orderedPage(served: Served, order: string, name: string): string {
  return frame(
    served,
    "Ordered",
    html`<h1>Thank you${name ? ", " + name : ""}.</h1><p>Your order is <code>${order}</code>. It was taken once, and only once.</p><p><a class="button" href="/" style="text-decoration:none">Back to the shop</a></p>`,
  );
}

export function uploadPage(served: Served, result: { name: string; bytes: number; sha256: string } | null): string {
  const shown = result
    ? html`<div class="card"><b>${result.name}</b><p>${result.bytes.toLocaleString("en")} bytes arrived.<br>SHA-256 <code style="overflow-wrap:anywhere">${result.sha256}</code></p></div>`
    : "";
  return frame(
    served,
    "Send a photo",
    html`<h1>Send a photo of your gap</h1><p>We measure it. (We count its bytes; up to 32 MiB.)</p>${shown}
<form class="narrow" method="post" enctype="multipart/form-data" style="margin-top:1rem"><label>File <input type="file" name="photo" required></label><button>Send</button></form>`,
  );
}

export function chatPage(served: Served): string {
  return frame(
    served,
    "Help",
    html`<h1>Ask us</h1><div id="log" role="log" aria-live="polite"></div>
<form id="form" class="row"><input id="text" placeholder="Your question" aria-label="Your question" style="flex:1" autocomplete="off"><button>Send</button></form>
<p class="soft">A WebSocket through whatever stands between you and the shop: <span id="state">connecting</span>.</p>
<script>
const log = document.getElementById("log"), state = document.getElementById("state"), text = document.getElementById("text");
let socket;
function say(line) { const p = document.createElement("p"); p.textContent = line; log.append(p); log.scrollTop = log.scrollHeight; }
function open() {
  socket = new WebSocket(location.origin.replace("http", "ws") + "/chat");
  socket.onopen = () => { state.textContent = "connected"; };
  socket.onmessage = (event) => say(event.data);
  socket.onclose = (event) => { state.textContent = "closed (" + event.code + "), connecting again"; setTimeout(open, 1000); };
}
document.getElementById("form").onsubmit = (event) => {
  event.preventDefault();
  if (socket.readyState !== 1 || !text.value) return;
  say("You: " + text.value); socket.send(text.value); text.value = "";
};
open();
</script>`,
  );
}

export function labPage(served: Served, shops: readonly ShopState[], note: string): string {
  const rows = shops.map(({ name, address, state }) => {
    const buttons = BREAKS.map(
      ({ label, fault, forMs }) =>
        html`<button class="warn" name="fault" value="${fault}" title="${fault} for ${forMs / 1000} s">${label}</button>`,
    );
    return html`<section class="card" style="margin-bottom:1rem"><div class="row"><b>${name}</b><span class="soft">${address}</span><span class="badge${state === "fine" ? "" : " bad"}">${state}</span></div>
<form class="buttons" method="post" action="/lab/break"><input type="hidden" name="shop" value="${name}">${buttons} <button class="quiet" name="fault" value="none">Mend</button></form></section>`;
  });
  return frame(
    served,
    "Lab",
    html`<h1>Break an endpoint</h1><p>Each button breaks one endpoint for a few seconds (a restart takes 600 ms). Then use the shop: what does a visitor see?</p>
${note ? html`<p><span class="badge bad">${note}</span></p>` : ""}${rows}
<h2>Or one request</h2><p>Each link meets one fault, through the gateway where you came through one.</p>
<div class="scroll"><table><thead><tr><th>Fault<th>Stage<th>What it does<th>Cause to be named</thead><tbody>${faultRows((fault) => fault.how !== "listen")}</tbody></table></div>`,
  );
}

export function missingPage(served: Served): string {
  return frame(
    served,
    "Not here",
    html`<h1>We do not have that</h1><p>The shop answered, it just has no such page. <a href="/">To the gates</a></p>`,
  );
}
