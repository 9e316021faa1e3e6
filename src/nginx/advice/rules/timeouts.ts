// Deadlines: those of nginx against each other, and against those of whoever is known to stand in front.
import { argOf, msOf } from "../../lower/scope.ts";
import { parseSeconds, parseTime } from "../../units.ts";
import { type Proxied, sentHeader, serversOf } from "../proxies.ts";
import type { Rule } from "../rule.ts";
import { frontsOf } from "../surroundings.ts";
import { prefixOf, seconds } from "../words.ts";

/** Longer than a connect can take. */
export const connectTimeoutLong: Rule = {
  id: "connect-timeout-long",
  about: "`proxy_connect_timeout` over 75 s",
  *find({ scopes }) {
    for (const scope of scopes)
      for (const directive of scope.own("proxy_connect_timeout")) {
        const ms = parseTime(argOf(directive)) ?? 0;
        if (ms <= 75_000) continue;
        yield {
          directive,
          arg: directive.args[0],
          text: `${seconds(ms)} for a connect: a machine that is gone does not answer later, and visitors wait that long for their 504`,
          fix: 'write "proxy_connect_timeout 5s;": a slow answer is the matter of proxy_read_timeout',
          cause: "connect-timeout",
        };
      }
  },
};

/** Each visitor waits a minute for a machine that is gone. */
export const connectTimeoutDefault: Rule = {
  id: "connect-timeout-default",
  about: "a group of several servers with the default `proxy_connect_timeout` of 60 s",
  *find({ proxies, isKnown }) {
    for (const { scope, group, directive } of proxies) {
      if (!group || serversOf(group).length < 2 || scope.last("proxy_connect_timeout") || !isKnown(scope)) continue;
      yield {
        directive,
        text: "when the machine of one server is gone, a visitor waits 60 s before the next is tried",
        fix: 'write "proxy_connect_timeout 2s;"',
        cause: "connect-timeout",
        note: true,
      };
    }
  },
};

/** Whether the connection may be quiet because it is no request any more. */
function isTunnel({ scope, location }: Proxied): boolean {
  return (
    sentHeader(scope, "Upgrade") !== undefined ||
    /ws|socket|stream|sse|event/i.test(argOf(location?.directive ?? undefined))
  );
}

/** Whoever is in front gives up before. */
export const readTimeoutOuter: Rule = {
  id: "read-timeout-outer",
  about: "`proxy_read_timeout` beyond that of the load balancer or CDN that is known to stand in front",
  *find(survey) {
    const front = frontsOf(survey).find(({ answerMs }) => answerMs > 0);
    if (!front) return;
    for (const proxy of survey.proxies) {
      const timeout = proxy.scope.last("proxy_read_timeout");
      const ms = msOf(proxy.scope, "proxy_read_timeout", 60_000);
      if (!timeout || ms <= front.answerMs || isTunnel(proxy)) continue;
      yield {
        directive: timeout,
        arg: timeout.args[0],
        text: `${front.name} stands in front and gives up after ${seconds(front.answerMs)}: what takes longer is its 504 or 524, and the application works on for nobody`,
        fix: `write "proxy_read_timeout ${seconds(front.answerMs - 5000).replace(" ", "")};", or raise the timeout in front above ${seconds(ms)}`,
        cause: "response-timeout",
      };
    }
  },
};

/** Connections are closed while the one in front sends on them. */
export const frontKeepalive: Rule = {
  id: "front-keepalive",
  about: "`keepalive_timeout` below the time for which the load balancer in front reuses connections",
  *find(survey) {
    const front = frontsOf(survey).find(({ idleMs }) => idleMs > 0);
    if (!front) return;
    for (const scope of survey.scopes)
      for (const directive of scope.own("keepalive_timeout")) {
        const ms = (parseSeconds(argOf(directive)) ?? 75) * 1000;
        if (ms > front.idleMs) continue;
        yield {
          directive,
          arg: directive.args[0],
          text: `${front.name} reuses idle connections for ${seconds(front.idleMs)}, and they are closed here after ${seconds(ms)}: a request that meets the close is its 502`,
          fix: `write "keepalive_timeout ${front.idleMs / 1000 + 15}s;"`,
          cause: "keepalive-race",
        };
      }
  },
};

/** Uploads through an application that stops reading for a moment. */
export const sendTimeoutSmall: Rule = {
  id: "send-timeout-small",
  about: "`proxy_send_timeout` below 5 s",
  *find({ scopes }) {
    for (const scope of scopes)
      for (const directive of scope.own("proxy_send_timeout")) {
        const ms = parseTime(argOf(directive)) ?? 60_000;
        if (ms >= 5000) continue;
        yield {
          directive,
          arg: directive.args[0],
          text: `an application that stops reading an upload for ${seconds(ms)} makes a 504 of it`,
          fix: 'write "proxy_send_timeout 60s;"',
          cause: "upstream-write-failed",
        };
      }
  },
};

/** Names of locations where WebSockets are. */
export const SOCKETS =
  /(?:^|\/)(?:ws|wss|websockets?|socket\.io|sockjs|sockjs-node|cable|signalr|_hubs?|live\/websocket|echo)(?:\/|$)/i;

/** Quiet connections are cut. */
export const socketTimeout: Rule = {
  id: "websocket-timeout",
  about: "WebSockets with a `proxy_read_timeout` of 60 s or less: a quiet connection is cut",
  *find({ proxies, isKnown }) {
    for (const proxy of proxies) {
      const { scope, directive, location } = proxy;
      const timeout = scope.last("proxy_read_timeout");
      const ms = msOf(scope, "proxy_read_timeout", 60_000);
      if (ms > 60_000 || sentHeader(scope, "Upgrade") === undefined || (!timeout && !isKnown(scope))) continue;
      const isSocket = SOCKETS.test(location ? (prefixOf(location) ?? "") : "");
      if (!isSocket && ms >= 60_000) continue;
      yield {
        directive: timeout ?? directive,
        arg: timeout?.args[0],
        text: `a WebSocket on which nothing is said for ${seconds(ms)} is cut`,
        fix: `write "proxy_read_timeout 1h;" here, or let the application ping more often than that`,
        cause: "response-body-timeout",
        // Most libraries ping each 20 to 30 s.
        note: ms > 30_000,
      };
    }
  },
};
