// Which requests are tried on another server, how often, and for how long.
import { argsOf, flagOf, msOf, numberOf } from "../../lower/scope.ts";
import { serversOf } from "../proxies.ts";
import type { Rule } from "../rule.ts";
import { seconds } from "../words.ts";

/** How many servers a request can be tried on. */
function triesOf(proxy: Parameters<typeof serversOf>[0] | null): number {
  return proxy ? serversOf(proxy).filter(({ isDown }) => !isDown).length : 1;
}

/** A second try of what may have been done already. */
export const postTwice: Rule = {
  id: "post-twice",
  about: "`proxy_next_upstream … non_idempotent`: a POST can be carried out twice",
  *find({ proxies }) {
    for (const { scope, group } of proxies) {
      const next = scope.last("proxy_next_upstream");
      const arg = next?.args.find(({ value }) => value === "non_idempotent");
      if (!next || !arg || triesOf(group) < 2) continue;
      yield {
        directive: next,
        arg,
        text: "a POST whose answer is lost or late is sent to the next server too: an order can be placed twice",
        fix: "take non_idempotent away; where nothing was sent, POST is tried again without it",
      };
    }
  },
};

/** A group of several, of which only one is asked. */
export const nextUpstreamOff: Rule = {
  id: "next-upstream-off",
  about: "`proxy_next_upstream off` with several servers",
  *find({ proxies }) {
    for (const { scope, group } of proxies) {
      const next = scope.last("proxy_next_upstream");
      if (next?.args[0]?.value !== "off" || triesOf(group) < 2) continue;
      yield {
        directive: next,
        arg: next.args[0],
        text: "a server that is away is a 502 for whoever it is meant to answer, though others are there",
        fix: 'write "proxy_next_upstream error timeout;": a POST that was sent is not repeated by it',
        cause: "connect-refused",
      };
    }
  },
};

/** A body that went out cannot go out again. */
export const bodyNotKept: Rule = {
  id: "body-not-kept",
  about:
    "`proxy_request_buffering off` beside a written `proxy_next_upstream`: requests whose body has begun are not tried again",
  *find({ proxies }) {
    for (const { scope, group } of proxies) {
      const next = scope.last("proxy_next_upstream");
      const off = scope.last("proxy_request_buffering");
      if (!next || !off || flagOf(scope, "proxy_request_buffering", true) || triesOf(group) < 2) continue;
      if (next.args[0]?.value === "off") continue;
      yield {
        directive: off,
        text: "a request whose body has begun to be sent is tried on no other server, whatever proxy_next_upstream says",
        fix: 'write "proxy_request_buffering on;" where bodies are small',
        cause: "closed-before-response",
      };
    }
  },
};

/** Longer, over all tries, than anybody waits. */
export const triesOutlastClients: Rule = {
  id: "tries-outlast-clients",
  about: "tries on several servers that may take minutes together, without `proxy_next_upstream_timeout`",
  *find({ proxies, isKnown }) {
    for (const { scope, group } of proxies) {
      const tries = Math.min(
        triesOf(group),
        numberOf(scope, "proxy_next_upstream_tries", 0) || Number.POSITIVE_INFINITY,
      );
      const next = scope.last("proxy_next_upstream");
      const words = next ? argsOf(next) : ["error", "timeout"];
      if (!group || tries < 2 || !words.includes("timeout") || !isKnown(scope)) continue;
      if (msOf(scope, "proxy_next_upstream_timeout", 0) > 0) continue;
      const eachMs = msOf(scope, "proxy_read_timeout", 60_000);
      if (tries * eachMs <= 100_000 || scope.last("proxy_read_timeout") === undefined) continue;
      yield {
        directive: scope.last("proxy_read_timeout")!,
        text: `${tries} servers may be tried for ${seconds(eachMs)} each, ${seconds(tries * eachMs)} in all: browsers and load balancers in front give up before`,
        fix: 'bound it: "proxy_next_upstream_timeout 30s;"',
        cause: "response-timeout",
        note: true,
      };
    }
  },
};
