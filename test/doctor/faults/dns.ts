// Faults of names: of the URL's own name, and of names that gateways ask for.
import type { FaultCase } from "../case.ts";
import type { Chain, Place } from "../chain.ts";
import { haproxy, nginx } from "../programs.ts";
import type { Zone } from "../resolver.ts";
import { ask, nginxSite } from "../shapes.ts";

const NAME = "shop.test";

/** http://shop.test:PORT, with the zone as the machine's own resolver. */
async function askByName(chain: Chain, edge: Place, zone: Zone, at: readonly string[], more: readonly string[] = []) {
  await chain.names(zone);
  return { ...ask(chain, edge, { at, more }), url: `http://${NAME}:${edge.port}/` };
}

/** nginx that asks a resolver for its upstream's name with each request. */
const asksFor = (name: string, resolver: string, port: number): string => `
  server {
    listen {port};
    resolver ${resolver} ipv6=off;
    resolver_timeout 1s;
    location / {
      set $backend http://${name}:${port};
      proxy_pass $backend;
      proxy_set_header Host $host;
    }
  }`;

async function upstreamName(chain: Chain, zone: Zone) {
  const [app, resolver] = [await chain.app(), await chain.resolver(zone)];
  return nginx(chain, asksFor("app.internal.test", resolver.address, app.port));
}

export const DNS: readonly FaultCase[] = [
  {
    name: "dns/no-such-name",
    chain: "nginx > Node",
    fault: "the URL's name does not exist",
    needs: ["nginx", "names"],
    expect: { class: "dns-not-resolved", atLeast: "likely" },
    build: async (chain) => askByName(chain, await nginx(chain, nginxSite([await chain.app()])), {}, ["dns"]),
  },
  {
    name: "dns/no-addresses",
    chain: "nginx > Node",
    fault: "the URL's name exists, without an address (NODATA)",
    needs: ["nginx", "names"],
    expect: { class: "dns-not-resolved", atLeast: "likely" },
    build: async (chain) =>
      askByName(chain, await nginx(chain, nginxSite([await chain.app()])), { [NAME]: {} }, ["dns"]),
  },
  {
    name: "dns/dangling-alias",
    chain: "nginx > Node",
    fault: "the URL's name is an alias of a name that does not exist",
    needs: ["nginx", "names"],
    expect: { class: "dns-not-resolved", atLeast: "likely" },
    build: async (chain) =>
      askByName(chain, await nginx(chain, nginxSite([await chain.app()])), { [NAME]: { cname: "old.cdn.test" } }, [
        "dns",
      ]),
  },
  {
    name: "dns/servfail",
    chain: "nginx > Node",
    fault: "the resolver fails for the URL's name (SERVFAIL)",
    needs: ["nginx", "names"],
    expect: { class: "dns-timeout", atLeast: "likely" },
    build: async (chain) =>
      askByName(chain, await nginx(chain, nginxSite([await chain.app()])), { [NAME]: { code: 2 } }, ["dns"]),
  },
  {
    name: "dns/silent",
    chain: "nginx > Node",
    fault: "the resolver does not answer",
    needs: ["nginx", "names"],
    expect: { class: "dns-timeout", atLeast: "likely" },
    build: async (chain) =>
      askByName(chain, await nginx(chain, nginxSite([await chain.app()])), { "*": { silent: true } }, ["dns"]),
  },
  {
    name: "dns/system-lacks-given-has",
    chain: "nginx > Node",
    fault: "the machine's resolver does not know the name, the one given does",
    needs: ["nginx", "names"],
    expect: { class: "dns-not-resolved", atLeast: "possible" },
    build: async (chain) => {
      const edge = await nginx(chain, nginxSite([await chain.app()]));
      const given = await chain.resolver({ [NAME]: { a: ["127.0.0.1"] } });
      return askByName(chain, edge, {}, ["dns"], ["--resolver", given.address]);
    },
  },
  {
    name: "dns/one-dead-address",
    chain: "nginx > Node",
    fault: "the URL's name has two addresses, nothing listens on the second",
    needs: ["nginx", "names"],
    expect: { class: "connect-refused", atLeast: "likely" },
    build: async (chain) => {
      const edge = await nginx(chain, nginxSite([await chain.app()]));
      return askByName(chain, edge, { [NAME]: { a: ["127.0.0.1", "127.0.0.3"] } }, [`127.0.0.3:${edge.port}`]);
    },
  },
  {
    name: "dns/half-broken-dual-stack",
    chain: "nginx > Node",
    fault: "the URL's name has an AAAA record, nothing listens there",
    needs: ["nginx", "names", "ipv6"],
    expect: { class: "connect-refused", atLeast: "likely" },
    build: async (chain) => {
      const edge = await nginx(chain, nginxSite([await chain.app()]));
      return askByName(chain, edge, { [NAME]: { a: ["127.0.0.1"], aaaa: ["::1"] } }, [`[::1]:${edge.port}`]);
    },
  },
  {
    name: "dns/stale-record",
    chain: "nothing; nginx > Node",
    fault: "the URL's name leads to an old address; the origin that is given answers",
    needs: ["nginx", "names"],
    expect: { class: "connect-refused", atLeast: "likely" },
    build: async (chain) => {
      const edge = await nginx(chain, nginxSite([await chain.app()]));
      const zone = { [NAME]: { a: ["127.0.0.4"] } };
      return askByName(chain, edge, zone, [`127.0.0.4:${edge.port}`], ["--origin", edge.address]);
    },
  },
  {
    name: "dns/upstream-no-such-name-log",
    chain: "nginx > (name)",
    fault: "nginx's upstream name does not exist; logs given",
    needs: ["nginx"],
    expect: { class: "dns-not-resolved", atLeast: "likely" },
    build: async (chain) => ask(chain, await upstreamName(chain, {}), { log: true, at: [] }),
  },
  {
    name: "dns/upstream-servfail-log",
    chain: "nginx > (name)",
    fault: "nginx's resolver fails (SERVFAIL); logs given",
    needs: ["nginx"],
    expect: { class: "dns-timeout", also: ["dns-not-resolved"], atLeast: "likely" },
    build: async (chain) => ask(chain, await upstreamName(chain, { "*": { code: 2 } }), { log: true, at: [] }),
  },
  {
    name: "dns/upstream-silent-log",
    chain: "nginx > (name)",
    fault: "nginx's resolver does not answer; logs given",
    needs: ["nginx"],
    expect: { class: "dns-timeout", atLeast: "likely" },
    build: async (chain) => ask(chain, await upstreamName(chain, { "*": { silent: true } }), { log: true, at: [] }),
  },
  {
    name: "dns/upstream-no-resolver",
    chain: "nginx > (name)",
    fault: "proxy_pass with a variable and no resolver; nginx.conf and logs given",
    needs: ["nginx", "names"],
    expect: { class: "dns-not-resolved", also: ["gateway-config-invalid"], atLeast: "likely" },
    build: async (chain) => {
      const app = await chain.app();
      const http = asksFor("app.internal.test", "127.0.0.1", app.port).replace(/^ +resolver.*\n/gm, "");
      await chain.names({ "app.internal.test": { a: ["127.0.0.1"] } });
      return ask(chain, await nginx(chain, http), { config: true, log: true, at: [] });
    },
  },
  {
    name: "dns/haproxy-upstream-name",
    chain: "HAProxy > (name)",
    fault: "the server's name does not exist (init-addr none); haproxy.cfg and log given",
    needs: ["haproxy", "names"],
    expect: { class: "dns-not-resolved", also: ["no-healthy-upstream"], atLeast: "likely" },
    build: async (chain) => {
      const resolver = await chain.resolver({});
      await chain.names({});
      const edge = await haproxy(
        chain,
        `resolvers local
  nameserver one ${resolver.address}
  hold nx 1s

frontend web
  bind {port}
  default_backend app

backend app
  server app1 app.internal.test:3000 check resolvers local init-addr none`,
      );
      return ask(chain, edge, { config: true, log: true, at: [] });
    },
  },
];
