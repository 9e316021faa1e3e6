// Requests that differ from the baseline in one thing, in the order in which they are worth their place in the budget.
import { randomBytes } from "node:crypto";
import { failureOf } from "../../failure/classify.ts";
import type { HttpTry } from "../evidence.ts";
import type { Way } from "./connection.ts";
import { addressOf, openConnection } from "./connection.ts";
import { exchange } from "./http1.ts";
import { exchange2 } from "./http2.ts";
import { looksLikeHttp2 } from "./other-way.ts";
import { followRedirects, redirectOf } from "./redirects.ts";
import { askFor, fieldOf, unsent } from "./request.ts";
import type { Baseline, Sequence } from "./sequence.ts";
import { websocketAccept } from "./websocket-key.ts";

/** One kind of request. */
export interface Variant {
  /** As a check is called. */
  readonly name: string;
  /** Worth trying where no plain request is answered. */
  readonly whenNoneAnswers?: true;
  readonly applies: (sequence: Sequence, best: Baseline, offersH2: (way: Way) => boolean) => boolean;
  readonly run: (sequence: Sequence, best: Baseline) => Promise<unknown>;
}

/** As balancers' checks ask: for the address, not for the site's name. */
export const HEALTH: Variant = {
  name: "the health path",
  whenNoneAnswers: true,
  applies: ({ scene }) => (scene.target.pool?.healthPath ?? null) !== null,
  run: (sequence, { way }) => askHealth(sequence, way),
};

/** Asks for the health path. */
export async function askHealth(sequence: Sequence, way: Way): Promise<void> {
  const path = sequence.scene.target.pool?.healthPath ?? "/";
  const host = way.destination.kind === "unix" ? "localhost" : addressOf(way);
  const made = await sequence.fresh(way, askFor(sequence.scene, "health", { path, host }));
  made?.connection?.destroy();
}

const redirects: Variant = {
  name: "following redirects",
  applies: (_, { http }) => redirectOf(http) !== null,
  run: async (sequence, { way, http }) => {
    const most = Math.max(1, Math.floor(sequence.spare / 2));
    const followed = await followRedirects(sequence.scene, http, way, most);
    if (!followed) return;
    for (const one of followed.tries) sequence.took(one, false);
    sequence.seen.redirects = followed.redirects;
  },
};

const h2: Variant = {
  name: "HTTP/2",
  whenNoneAnswers: true,
  // A gateway asks its endpoints in one protocol: the other is of interest only where HTTP/1.1 is not spoken.
  applies: (sequence, { way, first, http }, offersH2) =>
    way.secure === null ? looksLikeHttp2(first) : offersH2(way) && (!sequence.isEndpoint || http.status === null),
  run: async (sequence, { way }) => {
    const exchanged = await exchange2(sequence.scene, way, askFor(sequence.scene, "h2"));
    if (exchanged) sequence.took(exchanged.http, exchanged.cutShort);
  },
};

const encoded: Variant = {
  name: "a compressed response",
  // Gateways pass on what visitors accept.
  applies: () => true,
  run: async (sequence, { way }) => {
    const ask = askFor(sequence.scene, "encoded", { fields: [["Accept-Encoding", "gzip, br"]] });
    const made = await sequence.fresh(way, ask);
    made?.connection?.destroy();
  },
};

const upgrade: Variant = {
  name: "a WebSocket handshake",
  applies: ({ scene }) => scene.limits.upgrade,
  run: async (sequence, { way }) => {
    const { scene } = sequence;
    const key = randomBytes(16).toString("base64");
    const ask = askFor(scene, "upgrade", {
      fields: [
        ["Connection", "Upgrade"],
        ["Upgrade", "websocket"],
        ["Sec-WebSocket-Version", "13"],
        ["Sec-WebSocket-Key", key],
      ],
    });
    const opened = await openConnection(scene, way);
    if (!opened.ok) {
      const { failure, connectMs, tlsMs } = opened;
      sequence.took(unsent(ask, "http/1.1", addressOf(way), failure, connectMs, tlsMs), false);
      return;
    }
    const exchanged = await exchange(scene, opened.connection, ask);
    opened.connection.destroy();
    if (exchanged) sequence.took(judged(exchanged.http, key), exchanged.cutShort);
  },
};

/** A handshake that did not come about is a failure: it was asked for. */
function judged(http: HttpTry, key: string): HttpTry {
  if (http.failure !== null || http.status === null) return http;
  const accepted = fieldOf(http.fields, "sec-websocket-accept") === websocketAccept(key);
  if (http.status === 101 && accepted) return http;
  const detail =
    http.status === 101 ? "101 without the Sec-WebSocket-Accept that is due" : `answered ${http.status}, not 101`;
  return { ...http, failure: failureOf("upgrade-failed", { address: http.address, detail }) };
}

const trace: Variant = {
  name: "the edge's trace",
  applies: (sequence, { http: { page } }) =>
    sequence.scene.target.role === "url" &&
    (page?.madeBy === "cloudflare" || (page?.passed ?? []).some(({ software }) => software === "cloudflare")),
  run: async (sequence, { way }) => {
    const made = await sequence.fresh(way, askFor(sequence.scene, "trace", { path: "/cdn-cgi/trace" }));
    made?.connection?.destroy();
  },
};

export const VARIANTS: readonly Variant[] = [HEALTH, upgrade, redirects, h2, encoded, trace];
