// Faults of the gateway's own: what it refuses, limits, redirects, sends in circles or has no route for.
import type { RequestListener } from "node:http";
import { certificates } from "../../../src/lab/faults-listen.ts";
import type { FaultCase } from "../case.ts";
import { hello } from "../chain.ts";
import { caddy, goodgate, haproxy, nginx } from "../programs.ts";
import { ask, goodgateSettings, haproxySite, nginxSite } from "../shapes.ts";
import { takeUpgrade } from "../web-socket.ts";

/** Wants https, and learns the scheme from X-Forwarded-Proto. */
const httpsOnly: RequestListener = (request, response) => {
  if (request.headers["x-forwarded-proto"] === "https") hello(request, response);
  else response.writeHead(301, { Location: `https://${request.headers.host}${request.url}` }).end();
};

const backAndForth: RequestListener = (request, response) => {
  response.writeHead(302, { Location: request.url === "/" ? "/start" : "/" }).end();
};

const LIMIT = "limit_req zone=all; limit_req_status 429;";
const ZONE = "limit_req_zone $server_name zone=all:1m rate=1r/m;";

export const GATEWAY: readonly FaultCase[] = [
  {
    name: "gateway/denied-config",
    chain: "nginx > Node",
    fault: "nginx denies everybody (deny all: 403); nginx.conf given",
    needs: ["nginx"],
    expect: { class: "request-denied", atLeast: "likely" },
    build: async (chain) => {
      const edge = await nginx(chain, nginxSite([await chain.app()], { location: "deny all;" }));
      return ask(chain, edge, { config: true });
    },
  },
  {
    name: "gateway/denied-log",
    chain: "nginx > Node",
    fault: "nginx denies everybody (403); only logs given",
    needs: ["nginx"],
    expect: { class: "request-denied", atLeast: "likely" },
    build: async (chain) => {
      const edge = await nginx(chain, nginxSite([await chain.app()], { location: "deny all;" }));
      return ask(chain, edge, { log: true });
    },
  },
  {
    name: "gateway/denied-origin-well",
    chain: "nginx > Node",
    fault: "a rule of nginx refuses the request (403), the origin answers 200",
    needs: ["nginx"],
    expect: { class: "request-denied", atLeast: "likely" },
    build: async (chain) => {
      const app = await chain.app();
      const location = "if ($http_user_agent ~ .) { return 403; }";
      return ask(chain, await nginx(chain, nginxSite([app], { location })), { origins: [app.address] });
    },
  },
  {
    name: "gateway/denied-haproxy",
    chain: "HAProxy > Node",
    fault: "http-request deny (403); haproxy.cfg and log given (PR--)",
    needs: ["haproxy"],
    expect: { class: "request-denied", atLeast: "likely" },
    build: async (chain) => {
      const edge = await haproxy(chain, haproxySite([await chain.app()], { frontend: "  http-request deny" }));
      return ask(chain, edge, { config: true, log: true });
    },
  },
  {
    name: "gateway/rate-limited",
    chain: "nginx > Node",
    fault: "limit_req of one request a minute, answered with 429; nginx.conf given",
    needs: ["nginx"],
    expect: { class: "rate-limited", atLeast: "likely" },
    build: async (chain) => {
      const edge = await nginx(chain, nginxSite([await chain.app()], { location: LIMIT, http: ZONE }));
      await fetch(`http://${edge.address}/`);
      return ask(chain, edge, { config: true });
    },
  },
  {
    name: "gateway/rate-limited-url-only",
    chain: "nginx > Node",
    fault: "limit_req of one request a minute, answered with 429; only the URL given",
    needs: ["nginx"],
    expect: { class: "rate-limited", atLeast: "possible" },
    build: async (chain) => {
      const edge = await nginx(chain, nginxSite([await chain.app()], { location: LIMIT, http: ZONE }));
      await fetch(`http://${edge.address}/`);
      return ask(chain, edge, { at: [], more: ["--no-local"] });
    },
  },
  {
    name: "gateway/rate-limited-503",
    chain: "nginx > Node",
    fault: "limit_req of one request a minute, answered with nginx's default 503; nginx.conf and logs given",
    needs: ["nginx"],
    expect: { class: "rate-limited", atLeast: "likely" },
    build: async (chain) => {
      const location = LIMIT.replace("limit_req_status 429;", "");
      const edge = await nginx(chain, nginxSite([await chain.app()], { location, http: ZONE }));
      await fetch(`http://${edge.address}/`);
      return ask(chain, edge, { config: true, log: true });
    },
  },
  {
    name: "gateway/redirect-loop-https",
    chain: "nginx (TLS) > Node",
    fault: "nginx ends TLS and does not say so, the application redirects to https for ever",
    needs: ["nginx"],
    expect: { class: "redirect-loop", atLeast: "likely" },
    build: async (chain) => {
      const app = await chain.app(httpsOnly);
      const site = nginxSite([app], { host: "$http_host" });
      const edge = await nginx(chain, site, { tls: certificates().good });
      return ask(chain, edge, { scheme: "https", ca: true, config: true, at: [] });
    },
  },
  {
    name: "gateway/redirect-loop-paths",
    chain: "nginx > Node",
    fault: "/ leads to /start and back",
    needs: ["nginx"],
    expect: { class: "redirect-loop", atLeast: "likely" },
    build: async (chain) => {
      const app = await chain.app(backAndForth);
      const site = nginxSite([app], { host: "$http_host" });
      return ask(chain, await nginx(chain, site), { at: [] });
    },
  },
  {
    name: "gateway/redirect-loop-nginx",
    chain: "nginx > Node",
    fault: "nginx redirects / to itself; nginx.conf given",
    needs: ["nginx"],
    expect: { class: "redirect-loop", atLeast: "likely" },
    build: async (chain) => {
      const location = "return 301 $scheme://$http_host$request_uri;";
      return ask(chain, await nginx(chain, nginxSite([await chain.app()], { location })), { config: true });
    },
  },
  {
    name: "gateway/proxy-loop-nginx",
    chain: "nginx > nginx (itself)",
    fault: "proxy_pass leads to nginx's own port; nginx.conf and logs given",
    needs: ["nginx"],
    expect: { class: "proxy-loop", atLeast: "likely" },
    build: async (chain) => {
      const port = await chain.freePort();
      const site = nginxSite([`127.0.0.1:${port}`], { location: "proxy_read_timeout 2s;" });
      const edge = await nginx(chain, site, { port, connections: 64 });
      return ask(chain, edge, { config: true, log: true, more: ["--requests", "3"] });
    },
  },
  {
    name: "gateway/proxy-loop-two",
    chain: "HAProxy > nginx > HAProxy",
    fault: "nginx sends everything back to HAProxy; both configurations given",
    needs: ["nginx", "haproxy"],
    expect: { class: "proxy-loop", atLeast: "likely" },
    build: async (chain) => {
      const port = await chain.freePort();
      const inner = await nginx(chain, nginxSite([`127.0.0.1:${port}`]), { connections: 64 });
      const edge = await haproxy(chain, haproxySite([inner]), { port });
      return ask(chain, edge, {
        config: [edge, inner],
        at: [edge.address, inner.address],
        more: ["--requests", "3"],
      });
    },
  },
  {
    name: "gateway/proxy-loop-goodgate-url-only",
    chain: "Goodgate > nginx > Goodgate",
    fault: "the upstream leads back to Goodgate; only the URL given: Proxy-Status names the loop",
    needs: ["nginx"],
    expect: { class: "proxy-loop", atLeast: "likely" },
    build: async (chain) => {
      const port = await chain.freePort();
      const inner = await nginx(chain, nginxSite([`127.0.0.1:${port}`]));
      const edge = await goodgate(chain, { ...goodgateSettings([inner]), listen: [`127.0.0.1:${port}`] });
      return ask(chain, { ...edge, port, address: `127.0.0.1:${port}` }, { at: [], more: ["--no-local"] });
    },
  },
  {
    name: "gateway/unknown-host-444",
    chain: "nginx > Node",
    fault: "the Host is none that nginx serves: the default server closes (444); nginx.conf given",
    needs: ["nginx"],
    expect: { class: "route-not-found", also: ["closed-before-response"], atLeast: "likely" },
    build: async (chain) => {
      const port = await chain.freePort();
      const site = nginxSite([await chain.app()]);
      const none = `server { listen 127.0.0.1:${port} default_server; server_name _; return 444; }`;
      const edge = await nginx(chain, site + none, { port });
      return ask(chain, edge, { config: true, host: "www.other.test" });
    },
  },
  {
    name: "gateway/unknown-host-404",
    chain: "nginx > Node",
    fault: "the Host is none that nginx serves: the default server answers 404; nginx.conf given",
    needs: ["nginx"],
    expect: { class: "route-not-found", atLeast: "possible" },
    build: async (chain) => {
      const port = await chain.freePort();
      const site = nginxSite([await chain.app()]);
      const none = `server { listen 127.0.0.1:${port} default_server; server_name _; return 404; }`;
      const edge = await nginx(chain, site + none, { port });
      return ask(chain, edge, { config: true, host: "www.other.test" });
    },
  },
  {
    name: "gateway/no-route-haproxy",
    chain: "HAProxy > Node",
    fault: "no rule fits the Host and there is no default_backend (503 <NOSRV>); haproxy.cfg and log given",
    needs: ["haproxy"],
    expect: { class: "route-not-found", also: ["backend-absent", "no-healthy-upstream"], atLeast: "possible" },
    build: async (chain) => {
      const text = haproxySite([await chain.app()]);
      const edge = await haproxy(
        chain,
        text.replace("  default_backend app", "  use_backend app if { hdr(host) -i shop.test }"),
      );
      return ask(chain, edge, { config: true, log: true, host: "www.other.test" });
    },
  },
  {
    name: "gateway/no-route-goodgate-url-only",
    chain: "Goodgate > Node",
    fault: "no route fits the Host (404 with Proxy-Status); only the URL given",
    expect: { class: "route-not-found", atLeast: "likely" },
    build: async (chain) => {
      const settings = goodgateSettings([await chain.app()]);
      const edge = await goodgate(chain, { ...settings, routes: [{ host: "shop.test", path: "/", proxy: "app" }] });
      return ask(chain, edge, { host: "www.other.test", at: [], more: ["--no-local"] });
    },
  },
  {
    name: "gateway/rewrite-cycle",
    chain: "nginx > Node",
    fault: "an internal redirect goes in circles (500); nginx.conf and logs given",
    needs: ["nginx"],
    expect: { class: "gateway-config-invalid", also: ["gateway-internal-error", "proxy-loop"], atLeast: "likely" },
    build: async (chain) => {
      const location = "root html; try_files $uri /index.html;";
      const site = nginxSite([await chain.app()], {}).replace(/location \/ \{[^}]*\}/, `location / { ${location} }`);
      return ask(chain, await nginx(chain, site), { config: true, log: true });
    },
  },
  {
    name: "gateway/out-of-connections",
    chain: "nginx > Node",
    fault: "worker_connections 4 are not enough; logs given",
    needs: ["nginx"],
    expect: { class: "gateway-resource-exhausted", atLeast: "possible" },
    build: async (chain) => {
      const edge = await nginx(chain, nginxSite([await chain.app()]), { connections: 3 });
      return ask(chain, edge, { log: true, config: true });
    },
  },
  {
    name: "gateway/upgrade-refused",
    chain: "nginx > Node (WebSocket)",
    fault: "nginx does not pass Upgrade on; the origin takes the handshake; --upgrade",
    needs: ["nginx"],
    expect: { class: "upgrade-failed", atLeast: "likely" },
    build: async (chain) => {
      const app = await chain.listen(takeUpgrade());
      const edge = await nginx(chain, nginxSite([app]));
      return ask(chain, edge, { config: true, origins: [app.address], more: ["--upgrade"] });
    },
  },
  {
    name: "gateway/denied-caddy",
    chain: "Caddy > Node",
    fault: "the Caddyfile answers 403 to everybody; Caddyfile given",
    needs: ["caddy"],
    expect: { class: "request-denied", atLeast: "possible" },
    build: async (chain) => {
      const app = await chain.app();
      const edge = await caddy(chain, `http://{port} {\n  respond 403\n  reverse_proxy ${app.address}\n}`);
      return ask(chain, edge, { config: true });
    },
  },
];
