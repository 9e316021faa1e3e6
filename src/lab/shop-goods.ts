// What the shop sells, and the cart that a cookie carries: any endpoint can serve any request, so that a gateway may
// send each one elsewhere.

export interface Product {
  readonly id: string;
  readonly name: string;
  readonly text: string;
  readonly cents: number;
  /** What the drawing shows. */
  readonly bars: number;
  readonly brace: "none" | "one" | "cross";
  readonly hue: number;
}

export const PRODUCTS: readonly Product[] = [
  {
    id: "field",
    name: "Field gate",
    text: "Five oak bars, one brace. Keeps what should stay in.",
    cents: 24_900,
    bars: 5,
    brace: "one",
    hue: 28,
  },
  {
    id: "garden",
    name: "Garden gate",
    text: "Light larch, opens both ways, closes by itself.",
    cents: 12_900,
    bars: 3,
    brace: "cross",
    hue: 140,
  },
  {
    id: "kissing",
    name: "Kissing gate",
    text: "Lets walkers through one at a time, and no cattle.",
    cents: 31_500,
    bars: 4,
    brace: "none",
    hue: 205,
  },
  {
    id: "flood",
    name: "Flood gate",
    text: "Holds the water back until you say so.",
    cents: 48_000,
    bars: 7,
    brace: "none",
    hue: 190,
  },
  { id: "wicket", name: "Wicket", text: "A small door in a large one.", cents: 8_900, bars: 2, brace: "one", hue: 340 },
  {
    id: "latch",
    name: "Spring latch",
    text: "Clicks. Galvanised steel, left or right.",
    cents: 1_450,
    bars: 1,
    brace: "none",
    hue: 260,
  },
  {
    id: "hinge",
    name: "Hinge pair",
    text: "Carries 80 kg, with screws.",
    cents: 2_200,
    bars: 1,
    brace: "cross",
    hue: 45,
  },
  {
    id: "turnpike",
    name: "Turnpike",
    text: "For roads that cost something.",
    cents: 39_900,
    bars: 1,
    brace: "one",
    hue: 8,
  },
];

/** The product of this id. */
export function productOf(id: string): Product | undefined {
  return PRODUCTS.find((product) => product.id === id);
}

/** Product id → pieces. */
export type Cart = ReadonlyMap<string, number>;

const PIECES_MAX = 99;

/** Reads the cart out of a Cookie field; what makes no sense is left out. */
export function readCart(cookies: string | undefined): Cart {
  const text = /(?:^|;\s*)cart=([a-z0-9:.]*)/.exec(cookies ?? "")?.[1] ?? "";
  const cart = new Map<string, number>();
  for (const part of text.split(".")) {
    const [id = "", pieces = ""] = part.split(":");
    if (productOf(id) && /^[1-9]\d?$/.test(pieces)) cart.set(id, Number(pieces));
  }
  return cart;
}

/** Value of Set-Cookie. */
export function cartCookie(cart: Cart): string {
  const text = [...cart].map(([id, pieces]) => `${id}:${pieces}`).join(".");
  return `cart=${text}; Path=/; SameSite=Lax; HttpOnly; Max-Age=86400`;
}

/** The cart with `pieces` more (or fewer) of a product. */
export function addToCart(cart: Cart, id: string, pieces: number): Cart {
  const next = new Map(cart);
  const total = Math.min((cart.get(id) ?? 0) + pieces, PIECES_MAX);
  if (total > 0) next.set(id, total);
  else next.delete(id);
  return next;
}

/** What the cart costs. */
export function cartCents(cart: Cart): number {
  let cents = 0;
  for (const [id, pieces] of cart) cents += (productOf(id)?.cents ?? 0) * pieces;
  return cents;
}

/** "€ 1,249.00" */
export function price(cents: number): string {
  return "€ " + (cents / 100).toLocaleString("en", { minimumFractionDigits: 2 });
}

/** Pieces in stock at a tick of the shop's clock; the same for every endpoint. */
export function stockAt(product: Product, tick: number): number {
  return 3 + (((tick * 7 + product.cents / 50 + product.hue) % 40) | 0);
}
