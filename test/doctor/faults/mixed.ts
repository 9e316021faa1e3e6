// Faults between hops that are well by themselves, two faults at once, and faults that come and go and are seen in logs.
import { certificates } from "../../../src/lab/faults-listen.ts";
import type { FaultCase } from "../case.ts";
import { haproxy, nginx } from "../programs.ts";
import { ask, haproxySite, nginxSite, nginxTime, status } from "../shapes.ts";

const CLOSED = "upstream prematurely closed connection while reading response header from upstream";

export const MIXED: readonly FaultCase[] = [
  {
    name: "mixed/host-not-forwarded",
    chain: "nginx > nginx > Node",
    fault: "the edge sends Host: app, which the inner nginx closes on (444); both configurations given",
    needs: ["nginx"],
    expect: { class: "closed-before-response", also: ["route-not-found"], atLeast: "likely" },
    build: async (chain) => {
      const port = await chain.freePort();
      const none = `server { listen 127.0.0.1:${port} default_server; server_name _; return 444; }`;
      const inner = await nginx(chain, nginxSite([await chain.app()]) + none, { port, name: "inner" });
      const edge = await nginx(chain, nginxSite([inner], { host: "$proxy_host" }));
      return ask(chain, edge, { config: [edge, inner], host: "shop.test", at: [inner.address] });
    },
  },
  {
    name: "mixed/proxy-protocol-missing",
    chain: "HAProxy > nginx (proxy_protocol) > Node",
    fault: "nginx expects the PROXY protocol, HAProxy does not send it; both configurations given",
    needs: ["haproxy", "nginx"],
    expect: { class: "closed-before-response", also: ["protocol-mismatch"], atLeast: "likely" },
    build: async (chain) => {
      const port = await chain.freePort();
      const site = nginxSite([await chain.app()]).replace("listen {port};", `listen 127.0.0.1:${port} proxy_protocol;`);
      const inner = await nginx(chain, site, { port });
      const edge = await haproxy(chain, haproxySite([inner]));
      return ask(chain, edge, { config: [edge, inner], log: [edge, inner], at: [inner.address, "app"] });
    },
  },
  {
    name: "mixed/proxy-protocol-unasked",
    chain: "HAProxy (send-proxy) > Node",
    fault: "HAProxy sends the PROXY protocol, the application answers 400; haproxy.cfg and the origin given",
    needs: ["haproxy"],
    expect: {
      class: "protocol-mismatch",
      also: ["client-request-invalid", "upstream-error-passthrough", "unknown"],
      atLeast: "possible",
    },
    build: async (chain) => {
      const app = await chain.app();
      const edge = await haproxy(chain, haproxySite([app], { server: "send-proxy" }));
      return ask(chain, edge, { config: true, origins: [app.address], at: [] });
    },
  },
  {
    name: "mixed/expired-and-dead",
    chain: "nginx (TLS) > nothing",
    fault: "the edge's certificate has expired, and the application is gone; nginx.conf given",
    needs: ["nginx"],
    expect: { class: "tls-cert-expired", also: ["connect-refused"], atLeast: "likely" },
    build: async (chain) => {
      const dead = await chain.nowhere();
      const edge = await nginx(chain, nginxSite([dead]), { tls: certificates().expired });
      return ask(chain, edge, {
        scheme: "https",
        host: "localhost",
        ca: true,
        config: true,
        at: [edge.address, dead.address],
      });
    },
  },
  {
    name: "mixed/sporadic-in-log",
    chain: "nginx > Node",
    fault: "all is well now; nginx's log has 20 closes before an answer within the last half hour",
    needs: ["nginx"],
    expect: { class: "closed-before-response", also: ["keepalive-race"], atLeast: "possible" },
    build: async (chain) => {
      const app = await chain.app();
      const edge = await nginx(chain, nginxSite([app], { upstream: "keepalive 8;" }));
      const lines = Array.from({ length: 20 }, (_, index) => {
        const request = `request: "GET /cart/${index} HTTP/1.1", upstream: "http://${app.address}/cart/${index}"`;
        const where = `client: 203.0.113.${index + 1}, server: shop.test, ${request}, host: "shop.test"`;
        return `${nginxTime((30 - index) * 60_000)} [error] 812#812: *${100 + index} ${CLOSED}, ${where}\n`;
      });
      const log = chain.file("error.log", lines.join(""));
      return ask(chain, edge, { config: true, host: "shop.test", more: ["--log", log], at: [app.address] });
    },
  },
  {
    name: "mixed/edge-500-origin-well",
    chain: "HAProxy > nginx > Node",
    fault: "the inner nginx answers 500 (an alias that is none), the application answers; all three given",
    needs: ["haproxy", "nginx"],
    expect: {
      class: "gateway-internal-error",
      also: ["gateway-config-invalid", "upstream-error-passthrough", "proxy-loop", "unknown"],
      atLeast: "possible",
    },
    build: async (chain) => {
      const app = await chain.app();
      const cycle = nginxSite([app]).replace(
        /location \/ \{[^}]*\}/,
        "location / { root html; try_files $uri /i.html; }",
      );
      const inner = await nginx(chain, cycle);
      const edge = await haproxy(chain, haproxySite([inner]));
      return ask(chain, edge, { config: [edge, inner], log: [inner], origins: [app.address], at: [inner.address] });
    },
  },
  {
    name: "mixed/origin-500-hidden-by-cache",
    chain: "nginx (cache) > Node",
    fault: "the application answers 500, nginx serves what it has kept (proxy_cache_use_stale); nginx.conf given",
    needs: ["nginx"],
    expect: { class: "upstream-error-passthrough", atLeast: "possible" },
    build: async (chain) => {
      let well = true;
      const app = await chain.app((request, response) => {
        if (!well) status(500)(request, response);
        else response.writeHead(200, { "Cache-Control": "max-age=600" }).end("Welcome");
      });
      const cache = chain.path("cache");
      const http = `proxy_cache_path ${cache} keys_zone=pages:1m;`;
      const location = "proxy_cache pages; proxy_cache_use_stale error timeout http_500;";
      const edge = await nginx(chain, nginxSite([app], { http, location }));
      await (await fetch(`http://${edge.address}/`)).text();
      well = false;
      return ask(chain, edge, { config: true, at: [app.address] });
    },
  },
];
