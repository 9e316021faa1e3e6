// A client that ended its direction: has it left, or does it still wait for its answer? A close and a half-close look
// the same, and once the end was read nothing tells of a reset any more but a write that fails.
// Before the response an interim response asks: who has left answers it with RST, and the next write fails. Behind the
// head the response itself asks; where none of it goes out for a while (a quiet event stream), nobody is there.

import { eventTime } from "../std/clock.ts";
import type { Ms } from "../std/units.ts";
import type { Exchange } from "./exchange.ts";

/** Most responses come before it is worth to ask. */
const FIRST_LOOK_MS = 400;
/** The write behind the one that provoked the RST. */
const SECOND_LOOK_MS = 150;
const LOOK_MS_MAX = 10_000;
/** Behind the response head: without progress for this long the client counts as gone. */
const QUIET_MS_MAX = 1_000;
const PROBE = "HTTP/1.1 102 Processing\r\n\r\n";

/** Watches one exchange from the client's end on. */
export class Leaver {
  readonly #exchange: Exchange;
  #probes = 0;
  /** Bytes that the kernel had taken when they last changed, and when that was. */
  #taken = -1;
  #changedAt: Ms = eventTime();

  constructor(exchange: Exchange) {
    this.#exchange = exchange;
  }

  /** When to look first. */
  get firstLookMs(): Ms {
    return this.#exchange.respondedAt > 0 ? QUIET_MS_MAX : FIRST_LOOK_MS;
  }

  /** Looks again: "gone", or after how long to look next. */
  look(): Ms | "gone" {
    const { client, respondedAt, head, bytesSent, runtime } = this.#exchange;
    if (respondedAt === 0) {
      if (head.minor === 0) return QUIET_MS_MAX;
      client.sendText(PROBE);
      return Math.min(SECOND_LOOK_MS * 2 ** this.#probes++, LOOK_MS_MAX);
    }
    const taken = bytesSent - client.pendingBytes;
    if (taken !== this.#taken) {
      this.#taken = taken;
      this.#changedAt = eventTime();
      return QUIET_MS_MAX;
    }
    const limitMs = client.pendingBytes > 0 ? runtime.config.client.timeouts.sendMs : QUIET_MS_MAX;
    return eventTime() - this.#changedAt >= limitMs ? "gone" : QUIET_MS_MAX;
  }
}
