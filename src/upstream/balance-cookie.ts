// Sticky by cookie: the first request takes its turn, and a cookie names the endpoint that answered; later requests
// go where it says as long as that endpoint is usable. Where it is not, the request takes its turn anew, and the
// response brings the new name. The name is a keyed digest of the endpoint's address, so that it is the same in every
// worker and after every restart, with nothing to store.
import { createHmac } from "node:crypto";
import { type Balanced, type Balancer, roundRobin } from "./balance.ts";

/** Name of an endpoint for a cookie: 72 bits that say nothing of the address to who does not know the key. */
export function cookieValue(key: string, label: string): string {
  return createHmac("sha256", key).update(label).digest("base64url").slice(0, 12);
}

/** The endpoint that the key names; requests without a key, or with a name that is not known, take turns. */
export function sticky<E extends Balanced>(endpoints: readonly E[], nameOf: (endpoint: E) => string): Balancer<E> {
  const byName = new Map(endpoints.map((endpoint) => [nameOf(endpoint), endpoint]));
  const turns = roundRobin(endpoints);
  return {
    pick(usable, advance = true, key = "") {
      const named = key === "" ? undefined : byName.get(key);
      return named && usable(named) ? named : turns.pick(usable, advance);
    },
  };
}
