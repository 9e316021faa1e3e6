// Faults of connecting: nobody listens, not there, not for us, or not accepting.
import type { FaultCase } from "../case.ts";
import { hello } from "../chain.ts";
import { caddy, goodgate, haproxy, nginx } from "../programs.ts";
import { ask, caddySite, goodgateSettings, haproxySite, nginxSite } from "../shapes.ts";

const refused = { class: "connect-refused" } as const;

export const CONNECT: readonly FaultCase[] = [
  {
    name: "connect/dead-app-config",
    chain: "nginx > nothing",
    fault: "the application's process is gone; nginx.conf given",
    needs: ["nginx"],
    expect: { ...refused, atLeast: "proven" },
    build: async (chain) => {
      const dead = await chain.nowhere();
      return ask(chain, await nginx(chain, nginxSite([dead])), { config: true, at: [dead.address] });
    },
  },
  {
    name: "connect/dead-app-log",
    chain: "nginx > nothing",
    fault: "the application's process is gone; only nginx's logs given",
    needs: ["nginx"],
    expect: { ...refused, atLeast: "likely" },
    build: async (chain) => {
      const dead = await chain.nowhere();
      return ask(chain, await nginx(chain, nginxSite([dead])), { log: true, at: [dead.address] });
    },
  },
  {
    name: "connect/dead-app-all",
    chain: "nginx > nothing",
    fault: "the application's process is gone; configuration, logs and origin given",
    needs: ["nginx"],
    expect: { ...refused, atLeast: "proven" },
    build: async (chain) => {
      const dead = await chain.nowhere();
      const edge = await nginx(chain, nginxSite([dead]));
      return ask(chain, edge, { config: true, log: true, origins: [dead.address], at: [dead.address] });
    },
  },
  {
    name: "connect/dead-app-origin",
    chain: "nginx > nothing",
    fault: "the application's process is gone; only its address given",
    needs: ["nginx"],
    expect: { ...refused, atLeast: "likely" },
    build: async (chain) => {
      const dead = await chain.nowhere();
      return ask(chain, await nginx(chain, nginxSite([dead])), { origins: [dead.address], at: [dead.address] });
    },
  },
  {
    name: "connect/dead-app-url-only",
    chain: "nginx > nothing",
    fault: "the application's process is gone; only the URL given: nginx's 502 says no more",
    needs: ["nginx"],
    expect: { class: "status-only-502", also: ["connect-refused"], atMost: "likely" },
    build: async (chain) => {
      const dead = await chain.nowhere();
      return ask(chain, await nginx(chain, nginxSite([dead])), { more: ["--no-local"], at: [] });
    },
  },
  {
    name: "connect/dead-edge",
    chain: "nothing",
    fault: "nothing listens at the URL's address",
    expect: { ...refused, atLeast: "proven" },
    build: async (chain) => ask(chain, await chain.nowhere()),
  },
  {
    name: "connect/dead-edge-origin-well",
    chain: "nothing; Node",
    fault: "the gateway is gone, the application behind it answers",
    expect: { ...refused, atLeast: "proven" },
    build: async (chain) => ask(chain, await chain.nowhere(), { origins: [(await chain.app()).address] }),
  },
  {
    name: "connect/wrong-port",
    chain: "nginx > Node",
    fault: "nginx.conf has another port than the application",
    needs: ["nginx"],
    expect: { ...refused, atLeast: "proven" },
    build: async (chain) => {
      const [app, wrong] = [await chain.app(), await chain.nowhere()];
      const edge = await nginx(chain, nginxSite([wrong]));
      return ask(chain, edge, { config: true, origins: [app.address], at: [wrong.address] });
    },
  },
  {
    name: "connect/wrong-address",
    chain: "nginx > Node",
    fault: "the application listens on 127.0.0.2 only, nginx.conf says 127.0.0.1",
    needs: ["nginx"],
    expect: { ...refused, atLeast: "proven" },
    build: async (chain) => {
      const app = await chain.app(hello, { host: "127.0.0.2" });
      const wrong = `127.0.0.1:${app.port}`;
      return ask(chain, await nginx(chain, nginxSite([wrong])), { config: true, at: [wrong] });
    },
  },
  {
    name: "connect/ipv6-only-app",
    chain: "nginx > Node",
    fault: "the application listens on [::1] only, nginx.conf says 127.0.0.1",
    needs: ["nginx", "ipv6"],
    expect: { ...refused, atLeast: "proven" },
    build: async (chain) => {
      const app = await chain.app(hello, { host: "::1" });
      const wrong = `127.0.0.1:${app.port}`;
      return ask(chain, await nginx(chain, nginxSite([wrong])), { config: true, log: true, at: [wrong] });
    },
  },
  {
    name: "connect/haproxy-dead-app",
    chain: "HAProxy > nothing",
    fault: "the application's process is gone; no health check",
    needs: ["haproxy"],
    expect: { ...refused, atLeast: "proven" },
    build: async (chain) => {
      const dead = await chain.nowhere();
      return ask(chain, await haproxy(chain, haproxySite([dead])), { config: true, at: [dead.address] });
    },
  },
  {
    name: "connect/haproxy-dead-app-log",
    chain: "HAProxy > nothing",
    fault: "the application's process is gone; only HAProxy's log given (SC--)",
    needs: ["haproxy"],
    expect: { ...refused, also: ["no-healthy-upstream"], atLeast: "possible" },
    build: async (chain) => {
      const dead = await chain.nowhere();
      return ask(chain, await haproxy(chain, haproxySite([dead])), { log: true, at: [] });
    },
  },
  {
    name: "connect/caddy-dead-app",
    chain: "Caddy > nothing",
    fault: "the application's process is gone; Caddyfile given",
    needs: ["caddy"],
    expect: { ...refused, atLeast: "proven" },
    build: async (chain) => {
      const dead = await chain.nowhere();
      return ask(chain, await caddy(chain, caddySite([dead])), { config: true, at: [dead.address] });
    },
  },
  {
    name: "connect/caddy-dead-app-log",
    chain: "Caddy > nothing",
    fault: "the application's process is gone; Caddy's log given",
    needs: ["caddy"],
    expect: { ...refused, atLeast: "likely" },
    build: async (chain) => {
      const dead = await chain.nowhere();
      return ask(chain, await caddy(chain, caddySite([dead])), { log: true, at: [dead.address] });
    },
  },
  {
    name: "connect/goodgate-dead-app-url-only",
    chain: "Goodgate > nothing",
    fault: "the application's process is gone; only the URL given: Proxy-Status names the cause",
    expect: { ...refused, atLeast: "likely" },
    build: async (chain) => {
      const edge = await goodgate(chain, goodgateSettings([await chain.nowhere()]));
      return ask(chain, edge, { more: ["--no-local"], at: [] });
    },
  },
  {
    name: "connect/goodgate-dead-app-config",
    chain: "Goodgate > nothing",
    fault: "the application's process is gone; goodgate.yaml given",
    expect: { ...refused, atLeast: "proven" },
    build: async (chain) => {
      const dead = await chain.nowhere();
      return ask(chain, await goodgate(chain, goodgateSettings([dead])), { config: true, at: [dead.address] });
    },
  },
  {
    name: "connect/two-tiers-dead-app",
    chain: "HAProxy > nginx > nothing",
    fault: "the application behind two gateways is gone; both configurations given",
    needs: ["haproxy", "nginx"],
    expect: { ...refused, atLeast: "proven" },
    build: async (chain) => {
      const dead = await chain.nowhere();
      const inner = await nginx(chain, nginxSite([dead]));
      const edge = await haproxy(chain, haproxySite([inner]));
      return ask(chain, edge, { config: [edge, inner], at: [dead.address] });
    },
  },
  {
    name: "connect/two-tiers-dead-inner",
    chain: "HAProxy > nothing (nginx) > Node",
    fault: "the inner gateway is gone, its configuration given; the application answers",
    needs: ["haproxy", "nginx"],
    expect: { ...refused, atLeast: "likely" },
    build: async (chain) => {
      const app = await chain.app();
      const inner = await nginx(chain, nginxSite([app]));
      const edge = await haproxy(chain, haproxySite([inner]));
      const gone = new Promise((resolve) => inner.child?.once("exit", resolve));
      inner.child?.kill("SIGTERM");
      await gone;
      return ask(chain, edge, { config: [edge, inner], at: [inner.address] });
    },
  },
  {
    name: "connect/stale-address",
    chain: "nginx (CDN) > nothing; Node",
    fault: "the edge has an old address of the origin; the new one answers; nothing of the edge is known",
    needs: ["nginx"],
    expect: { class: "status-only-502", also: ["connect-refused", "connect-timeout", "unknown"], atMost: "likely" },
    build: async (chain) => {
      const [old, now] = [await chain.nowhere(), await chain.app()];
      const edge = await nginx(chain, nginxSite([old]));
      return ask(chain, edge, { origins: [now.address], more: ["--no-local"], at: [edge.address] });
    },
  },
  {
    name: "connect/black-hole-elsewhere",
    chain: "nginx > (silence)",
    fault: "SYNs to the application are dropped; nginx.conf given, but not on its machine",
    needs: ["nginx"],
    expect: { class: "connect-timeout", also: ["response-timeout"], atMost: "likely" },
    build: async (chain) => {
      const hole = await chain.fault("black-hole");
      const edge = await nginx(chain, nginxSite([hole], { location: "proxy_connect_timeout 1s;" }));
      return ask(chain, edge, { config: true, more: ["--no-local"], at: [] });
    },
  },
  {
    name: "connect/dead-app-elsewhere",
    chain: "nginx > nothing",
    fault: "the application's process is gone; nginx.conf given, but not on its machine",
    needs: ["nginx"],
    expect: { class: "status-only-502", also: ["connect-refused"], atMost: "likely" },
    build: async (chain) => {
      const edge = await nginx(chain, nginxSite([await chain.nowhere()]));
      return ask(chain, edge, { config: true, more: ["--no-local"], at: [] });
    },
  },
  {
    name: "connect/black-hole-log",
    chain: "nginx > (silence)",
    fault: "SYNs to the application are dropped; only nginx's logs given",
    needs: ["nginx"],
    expect: { class: "connect-timeout", also: ["upstream-saturated"], atLeast: "likely" },
    build: async (chain) => {
      const hole = await chain.fault("black-hole");
      const edge = await nginx(chain, nginxSite([hole], { location: "proxy_connect_timeout 1s;" }));
      return ask(chain, edge, { log: true, at: [hole.address] });
    },
  },
  {
    name: "connect/accept-queue-full",
    chain: "nginx > Node (deaf)",
    fault: "the application accepts no connection, its queue is full; on its machine",
    needs: ["nginx"],
    expect: { class: "upstream-saturated", also: ["connect-timeout"], atLeast: "likely" },
    build: async (chain) => {
      const hole = await chain.fault("black-hole");
      const edge = await nginx(chain, nginxSite([hole], { location: "proxy_connect_timeout 1s;" }));
      return ask(chain, edge, { config: true, more: ["--local"], at: [hole.address] });
    },
  },
  {
    name: "connect/black-hole-edge",
    chain: "(silence)",
    fault: "SYNs to the URL's address are dropped",
    expect: { class: "connect-timeout", also: ["upstream-saturated"], atLeast: "likely" },
    build: async (chain) => ask(chain, await chain.fault("black-hole"), { more: ["--no-local"] }),
  },
  {
    name: "connect/fastcgi-dead",
    chain: "nginx > nothing (PHP-FPM)",
    fault: "PHP-FPM is gone; nginx.conf and logs given",
    needs: ["nginx"],
    expect: { ...refused, atLeast: "likely" },
    build: async (chain) => {
      const dead = await chain.nowhere();
      const http = `server { listen {port}; root html; location / { fastcgi_pass ${dead.address}; } }`;
      return ask(chain, await nginx(chain, http), { config: true, log: true, at: [dead.address] });
    },
  },
];
