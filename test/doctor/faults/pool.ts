// Faults of pools: one bad member, members that checks have put out, full queues, nobody in it.
import type { RequestListener } from "node:http";
import { request as httpRequest } from "node:http";
import type { Expected, FaultCase } from "../case.ts";
import { type Chain, hello, type Place } from "../chain.ts";
import { goodgate, haproxy, nginx } from "../programs.ts";
import { ask, goodgateSettings, haproxySite, nginxSite, slow, status } from "../shapes.ts";

/** No second try: nginx would hide the bad member. */
const ONCE = "proxy_next_upstream off;";
const KEPT = (place: Place): string => `${place.address} max_fails=0`;

interface OneBad {
  readonly name: string;
  readonly fault: string;
  readonly expect: Expected;
  readonly bad: (chain: Chain) => Promise<Place>;
  readonly location?: string;
  readonly log?: boolean;
}

/** nginx before three members of which one is bad. */
function oneBad({ name, fault, expect, bad, location = "", log = false }: OneBad): FaultCase {
  return {
    name: `pool/${name}`,
    chain: "nginx > 3 × Node",
    fault: `${fault}; nginx.conf${log ? " and logs" : ""} given`,
    needs: ["nginx"],
    expect,
    build: async (chain) => {
      const [one, two, three] = [await chain.app(), await bad(chain), await chain.app()];
      const site = nginxSite([one, two, three].map(KEPT), { location: `${ONCE} ${location}` });
      return ask(chain, await nginx(chain, site), {
        config: true,
        ...(log ? { log: true } : {}),
        at: [two.address],
      });
    },
  };
}

/** Well, but for its health check. */
const unhealthy: RequestListener = (request, response) => {
  if (request.url === "/health") status(500, "database is away")(request, response);
  else hello(request, response);
};

const goneFrom: Expected = {
  class: "no-healthy-upstream",
  also: ["upstream-not-ready", "backend-absent"],
  atLeast: "likely",
};

/** Waits until checks of a gateway have found what there is to find. */
const checksRan = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** A request that is under way until the chain is closed. */
function occupy(chain: Chain, place: Place): Promise<void> {
  const request = httpRequest({ host: place.host, port: place.port, path: "/occupied" });
  // It ends with the chain.
  request.on("error", () => request.destroy());
  chain.add(() => request.destroy());
  request.end();
  return checksRan(60);
}

export const POOL: readonly FaultCase[] = [
  oneBad({
    name: "one-of-three-refused",
    fault: "one of three members is gone",
    expect: { class: "connect-refused", atLeast: "likely" },
    bad: (chain) => chain.nowhere(),
  }),
  oneBad({
    name: "one-of-three-refused-log",
    fault: "one of three members is gone",
    expect: { class: "connect-refused", atLeast: "likely" },
    bad: (chain) => chain.nowhere(),
    log: true,
  }),
  oneBad({
    name: "one-of-three-500",
    fault: "one of three members answers 500",
    expect: { class: "upstream-error-passthrough", atLeast: "likely" },
    bad: (chain) => chain.app(status(500)),
  }),
  oneBad({
    name: "one-of-three-slow",
    fault: "one of three members needs 1.6 s, proxy_read_timeout is 1s",
    expect: { class: "response-timeout", atLeast: "likely" },
    bad: (chain) => chain.app(slow(1_600)),
    location: "proxy_read_timeout 1s;",
  }),
  oneBad({
    name: "one-of-three-closes",
    fault: "one of three members closes without an answer",
    expect: { class: "closed-before-response", atLeast: "likely" },
    bad: (chain) => chain.fault("close-before-head"),
  }),
  {
    name: "pool/one-of-three-origins",
    chain: "nginx > 3 × Node",
    fault: "one of three members answers 503; the three are given as origins",
    needs: ["nginx"],
    expect: { class: "upstream-error-passthrough", also: ["upstream-not-ready"], atLeast: "likely" },
    build: async (chain) => {
      const members = [await chain.app(), await chain.app(), await chain.app(status(503))];
      const edge = await nginx(chain, nginxSite(members.map(KEPT), { location: ONCE }));
      return ask(chain, edge, { origins: members.map(({ address }) => address), at: [members[2]!.address] });
    },
  },
  {
    name: "pool/all-refused",
    chain: "nginx > 2 × nothing",
    fault: "both members are gone; nginx.conf and logs given",
    needs: ["nginx"],
    expect: { class: "connect-refused", also: ["no-healthy-upstream"], atLeast: "likely" },
    build: async (chain) => {
      const [one, two] = [await chain.nowhere(), await chain.nowhere()];
      const edge = await nginx(chain, nginxSite([one, two]));
      return ask(chain, edge, { config: true, log: true, at: [one.address, two.address] });
    },
  },
  {
    name: "pool/all-refused-log",
    chain: "nginx > 2 × nothing",
    fault: "both members are gone, some lines say no live upstreams; only logs given",
    needs: ["nginx"],
    expect: { class: "connect-refused", also: ["no-healthy-upstream"], atLeast: "likely" },
    build: async (chain) => {
      const [one, two] = [await chain.nowhere(), await chain.nowhere()];
      return ask(chain, await nginx(chain, nginxSite([one, two])), { log: true, at: [] });
    },
  },
  {
    name: "pool/all-down-nginx",
    chain: "nginx > 2 × Node",
    fault: "both members are marked down in nginx.conf; nginx.conf and logs given",
    needs: ["nginx"],
    expect: { ...goneFrom },
    build: async (chain) => {
      const members = [await chain.app(), await chain.app()].map(({ address }) => `${address} down`);
      return ask(chain, await nginx(chain, nginxSite(members)), { config: true, log: true, at: [] });
    },
  },
  {
    name: "pool/health-path-haproxy",
    chain: "HAProxy > Node",
    fault: "the application is well, its /health answers 500, so HAProxy has put it out; haproxy.cfg and log given",
    needs: ["haproxy"],
    expect: goneFrom,
    build: async (chain) => {
      const backend = "  option httpchk GET /health";
      const server = "check inter 100 fall 1";
      const edge = await haproxy(chain, haproxySite([await chain.app(unhealthy)], { backend, server }));
      await checksRan(400);
      return ask(chain, edge, { config: true, log: true, at: [] });
    },
  },
  {
    name: "pool/health-path-haproxy-config",
    chain: "HAProxy > Node",
    fault: "the application is well, its /health answers 500, so HAProxy has put it out; haproxy.cfg given",
    needs: ["haproxy"],
    expect: goneFrom,
    build: async (chain) => {
      const backend = "  option httpchk GET /health";
      const server = "check inter 100 fall 1";
      const edge = await haproxy(chain, haproxySite([await chain.app(unhealthy)], { backend, server }));
      await checksRan(400);
      return ask(chain, edge, { config: true, at: [] });
    },
  },
  {
    name: "pool/checked-dead-haproxy",
    chain: "HAProxy > nothing",
    fault: "the application is gone and HAProxy's check has put it out; haproxy.cfg given",
    needs: ["haproxy"],
    expect: { class: "connect-refused", also: ["no-healthy-upstream"], atLeast: "likely" },
    build: async (chain) => {
      const dead = await chain.nowhere();
      const edge = await haproxy(chain, haproxySite([dead], { server: "check inter 100 fall 1" }));
      await checksRan(400);
      return ask(chain, edge, { config: true, log: true, at: [dead.address, "app"] });
    },
  },
  {
    name: "pool/disabled-haproxy",
    chain: "HAProxy > Node",
    fault: "the only server is disabled in haproxy.cfg",
    needs: ["haproxy"],
    expect: goneFrom,
    build: async (chain) => {
      const edge = await haproxy(chain, haproxySite([await chain.app()], { server: "disabled" }));
      return ask(chain, edge, { config: true, log: true, at: [] });
    },
  },
  {
    name: "pool/empty-haproxy",
    chain: "HAProxy > (no server)",
    fault: "the backend has no server; haproxy.cfg and log given",
    needs: ["haproxy"],
    expect: { class: "backend-absent", also: ["no-healthy-upstream"], atLeast: "likely" },
    build: async (chain) => ask(chain, await haproxy(chain, haproxySite([])), { config: true, log: true, at: [] }),
  },
  {
    name: "pool/queue-full-haproxy",
    chain: "HAProxy > Node",
    fault: "maxconn 1 is taken, timeout queue is 300ms; haproxy.cfg and log given (sQ--)",
    needs: ["haproxy"],
    expect: { class: "pool-exhausted", atLeast: "likely" },
    build: async (chain) => {
      const app = await chain.app((request, response) => {
        if (request.url !== "/occupied") hello(request, response);
      });
      const edge = await haproxy(chain, haproxySite([app], { backend: "  timeout queue 300ms", server: "maxconn 1" }));
      await occupy(chain, edge);
      return ask(chain, edge, { config: true, log: true, at: [] });
    },
  },
  {
    name: "pool/max-conns-nginx",
    chain: "nginx > Node",
    fault: "max_conns=1 is taken; nginx.conf and logs given (no live upstreams)",
    needs: ["nginx"],
    expect: { class: "pool-exhausted", also: ["no-healthy-upstream"], atLeast: "possible" },
    build: async (chain) => {
      const app = await chain.app((request, response) => {
        if (request.url !== "/occupied") hello(request, response);
      });
      const site = nginxSite([`${app.address} max_conns=1`], { upstream: "zone app 64k;" });
      const edge = await nginx(chain, site);
      await occupy(chain, edge);
      return ask(chain, edge, { config: true, log: true, at: [] });
    },
  },
  {
    name: "pool/health-path-goodgate-url-only",
    chain: "Goodgate > Node",
    fault: "the application's /health answers 500, so Goodgate has put it out; only the URL given",
    expect: goneFrom,
    build: async (chain) => {
      const health = { path: "/health", interval: "100ms", timeout: "100ms", fall: 1 };
      const edge = await goodgate(chain, goodgateSettings([await chain.app(unhealthy)], { health }));
      await checksRan(500);
      return ask(chain, edge, { at: [], more: ["--no-local"] });
    },
  },
  {
    name: "pool/origins-differ-edge-well",
    chain: "nginx > 2 × Node",
    fault: "one of two members answers 500, nginx hides it by a second try; both are given as origins",
    needs: ["nginx"],
    expect: { class: "upstream-error-passthrough", atLeast: "possible" },
    build: async (chain) => {
      const members = [await chain.app(), await chain.app(status(500))];
      const site = nginxSite(members.map(KEPT), { location: "proxy_next_upstream error timeout http_500;" });
      const edge = await nginx(chain, site);
      return ask(chain, edge, { origins: members.map(({ address }) => address), at: [members[1]!.address] });
    },
  },
];
