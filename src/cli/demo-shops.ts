// The demo behind the console's buttons: what is done to each shop, and how many visitors come. Shops are broken until
// somebody heals them, so that there is time to look; a restart ends by itself.
import type { DemoAction, DemoBackend, DemoState, DemoWhat } from "../console/model.ts";
import type { FaultName } from "../lab/faults.ts";
import type { Shop } from "../lab/shop.ts";
import { VISITORS_MAX, type Visitors } from "../lab/shop-visitors.ts";

const RESTART_MS = 3_000;
const UNTIL_HEALED = Number.POSITIVE_INFINITY;

/** What each button does to a shop. */
const DEEDS: Readonly<Record<DemoWhat, readonly [fault: FaultName | "restart" | "slow" | "none", forMs: number]>> = {
  crash: ["crash", UNTIL_HEALED],
  restart: ["restart", RESTART_MS],
  slow: ["slow", UNTIL_HEALED],
  freeze: ["stall-head", UNTIL_HEALED],
  error: ["app-500", UNTIL_HEALED],
  reset: ["reset-after-request", UNTIL_HEALED],
  heal: ["none", 0],
};

/** What a shop that is in this state was told to do; the shop's own lab page breaks it in other ways, too. */
const DOING: Readonly<Record<string, DemoWhat | "fine">> = {
  fine: "fine",
  slow: "slow",
  "stall-head": "freeze",
  "app-500": "error",
  "reset-after-request": "reset",
};

/** In place of one shop: all of them. */
const ALL = "all";

/** At once, so that who asks for the state next sees it healed. */
async function listenAgain({ name, address, lab }: Shop): Promise<void> {
  try {
    await lab.listen();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new Error(`${name} cannot listen at ${address} again (${code}): another program has taken the port`);
  }
}

export class Demo implements DemoBackend {
  readonly #shops: readonly Shop[];
  readonly #visitors: Visitors;
  readonly #shopUrl: () => string;
  /** The last deed to each, by name: what is down has crashed, or starts again. */
  readonly #last = new Map<string, DemoWhat>();

  constructor(shops: readonly Shop[], visitors: Visitors, shopUrl: () => string) {
    this.#shops = shops;
    this.#visitors = visitors;
    this.#shopUrl = shopUrl;
  }

  state(): DemoState {
    return {
      shops: this.#shops.map((shop) => ({
        name: shop.name,
        endpoint: shop.name,
        state: shop.state,
        doing: this.#doing(shop),
      })),
      visitors: this.#visitors.perSecond,
      shopUrl: this.#shopUrl(),
      seen: this.#visitors.seen,
    };
  }

  #doing({ name, state }: Shop): DemoWhat | "fine" {
    if (state === "down") return this.#last.get(name) === "crash" ? "crash" : "restart";
    return DOING[state] ?? "error";
  }

  async do(action: DemoAction): Promise<DemoState> {
    if ("visitors" in action) {
      const { visitors } = action;
      if (typeof visitors !== "number" || !(visitors >= 0 && visitors <= VISITORS_MAX))
        throw new Error(`visitors: ${JSON.stringify(visitors)} is not a number from 0 to ${VISITORS_MAX}`);
      this.#visitors.perSecond = visitors;
      return this.state();
    }
    const shops = action.shop === ALL ? this.#shops : this.#shops.filter(({ name }) => name === action.shop);
    const names = this.#shops.map(({ name }) => name).join(", ");
    if (shops.length === 0) throw new Error(`shop: there is no ${JSON.stringify(action.shop)}; there are ${names}`);
    if (!Object.hasOwn(DEEDS, action.do)) {
      const deeds = Object.keys(DEEDS).join(", ");
      throw new Error(`do: ${JSON.stringify(action.do)} is not known; there are ${deeds}`);
    }
    const [fault, forMs] = DEEDS[action.do];
    for (const shop of shops) {
      this.#last.set(shop.name, action.do);
      shop.breakWith(fault, forMs);
      if (action.do === "heal") await listenAgain(shop);
    }
    return this.state();
  }
}
