// Failures that a gateway hides or dresses up: pages of its own, other statuses, caches, second tries; failures that come
// and go; and errors that lie behind a redirect.
import type { RequestListener } from "node:http";
import { certificates } from "../../../src/lab/faults-listen.ts";
import type { FaultCase } from "../case.ts";
import { hello } from "../chain.ts";
import { haproxy, nginx } from "../programs.ts";
import { ask, haproxySite, nginxSite, slow, status } from "../shapes.ts";

const SORRY = `error_page 502 503 504 /sorry.html;
    location = /sorry.html { internal; return 200 "<h1>We will be right back</h1>"; }`;

/** Every second request fails. */
function sometimes(failing: RequestListener): RequestListener {
  let count = 0;
  return (request, response) => (++count % 2 === 0 ? failing : hello)(request, response);
}

export const DRESSED: readonly FaultCase[] = [
  {
    name: "dressed/own-page-config",
    chain: "nginx > nothing",
    fault: "the application is gone, nginx answers with a page of the user's (502); nginx.conf given",
    needs: ["nginx"],
    expect: { class: "connect-refused", atLeast: "likely" },
    build: async (chain) => {
      const dead = await chain.nowhere();
      return ask(chain, await nginx(chain, nginxSite([dead], { server: SORRY })), { config: true, at: [dead.address] });
    },
  },
  {
    name: "dressed/own-page-url-only",
    chain: "nginx > nothing",
    fault: "the application is gone, nginx answers with a page of the user's (502); only the URL given",
    needs: ["nginx"],
    expect: { class: "status-only-502", also: ["unknown", "upstream-error-passthrough"], atMost: "likely" },
    build: async (chain) => {
      const edge = await nginx(chain, nginxSite([await chain.nowhere()], { server: SORRY }));
      return ask(chain, edge, { at: [], more: ["--no-local"] });
    },
  },
  {
    name: "dressed/shown-as-200",
    chain: "nginx > nothing",
    fault: "the application is gone, error_page makes it 200; nginx.conf given",
    needs: ["nginx"],
    expect: { class: "connect-refused", atLeast: "possible" },
    build: async (chain) => {
      const dead = await chain.nowhere();
      const server = SORRY.replace("error_page 502 503 504", "error_page 502 503 504 =200");
      return ask(chain, await nginx(chain, nginxSite([dead], { server })), { config: true, at: [dead.address] });
    },
  },
  {
    name: "dressed/hidden-by-second-try",
    chain: "nginx > 2 × Node",
    fault: "one of two members is gone, nginx asks the other; nginx.conf and logs given",
    needs: ["nginx"],
    expect: { class: "connect-refused", atLeast: "possible" },
    build: async (chain) => {
      const [app, dead] = [await chain.app(), await chain.nowhere()];
      const edge = await nginx(chain, nginxSite([app, dead]));
      return ask(chain, edge, { config: true, log: true, at: [dead.address] });
    },
  },
  {
    name: "dressed/500-sometimes",
    chain: "nginx > Node",
    fault: "every second request is answered with 500; nginx.conf given",
    needs: ["nginx"],
    expect: { class: "upstream-error-passthrough", atLeast: "likely" },
    build: async (chain) => {
      const app = await chain.app(sometimes(status(500)));
      return ask(chain, await nginx(chain, nginxSite([app])), { config: true, at: [app.address] });
    },
  },
  {
    name: "dressed/slow-sometimes",
    chain: "nginx > Node",
    fault: "every second request needs 1.6 s, proxy_read_timeout is 1s; nginx.conf and logs given",
    needs: ["nginx"],
    expect: { class: "response-timeout", atLeast: "likely" },
    build: async (chain) => {
      const app = await chain.app(sometimes(slow(1_600)));
      const edge = await nginx(chain, nginxSite([app], { location: "proxy_read_timeout 1s;" }));
      return ask(chain, edge, { config: true, log: true, at: [app.address], more: ["--timeout", "6s"] });
    },
  },
  {
    name: "dressed/closes-sometimes",
    chain: "HAProxy > Node",
    fault: "every second request is closed without an answer; haproxy.cfg given",
    needs: ["haproxy"],
    expect: { class: "closed-before-response", also: ["keepalive-race"], atLeast: "likely" },
    build: async (chain) => {
      const app = await chain.app(sometimes((request) => request.socket.destroy()));
      const edge = await haproxy(chain, haproxySite([app], { backend: "  retries 0" }));
      return ask(chain, edge, { config: true, at: [app.address] });
    },
  },
  {
    name: "dressed/403-of-app",
    chain: "nginx > Node",
    fault: "the application refuses (403) with a page of its own; nginx.conf given",
    needs: ["nginx"],
    expect: { class: "request-denied", also: ["upstream-error-passthrough"], atLeast: "possible" },
    build: async (chain) => {
      const app = await chain.app(status(403, "Members only"));
      return ask(chain, await nginx(chain, nginxSite([app])), { config: true, at: [app.address] });
    },
  },
  {
    name: "dressed/redirect-to-nothing",
    chain: "nginx; nothing",
    fault: "/ redirects to an address where nothing listens",
    needs: ["nginx"],
    expect: { class: "connect-refused", atLeast: "likely" },
    build: async (chain) => {
      const dead = await chain.nowhere();
      const http = `server { listen {port}; location / { return 302 http://${dead.address}/start; } }`;
      return ask(chain, await nginx(chain, http), { at: [dead.address] });
    },
  },
  {
    name: "dressed/redirect-to-expired",
    chain: "nginx; nginx (TLS) > Node",
    fault: "http redirects to https, where the certificate has expired",
    needs: ["nginx"],
    expect: { class: "tls-cert-expired", atLeast: "likely" },
    build: async (chain) => {
      const site = nginxSite([await chain.app()]);
      const secure = await nginx(chain, site, { tls: certificates().expired, name: "secure" });
      const http = `server { listen {port}; location / { return 301 https://${secure.address}$request_uri; } }`;
      return ask(chain, await nginx(chain, http), { ca: true, at: [secure.address] });
    },
  },
  {
    name: "dressed/redirect-to-500",
    chain: "nginx > Node",
    fault: "/ redirects to /start, which answers 500",
    needs: ["nginx"],
    expect: { class: "upstream-error-passthrough", also: ["unknown", "gateway-internal-error"], atLeast: "possible" },
    build: async (chain) => {
      const app = await chain.app((request, response) => {
        if (request.url === "/start") status(500)(request, response);
        else response.writeHead(302, { Location: "/start" }).end();
      });
      return ask(chain, await nginx(chain, nginxSite([app])), { at: [] });
    },
  },
  {
    name: "dressed/rate-limit-met-by-doctor",
    chain: "nginx > Node",
    fault: "two requests are let through, then six a minute; the rest gets nginx's 503; only the URL given",
    needs: ["nginx"],
    expect: { class: "rate-limited", also: ["status-only-502", "unknown"], atMost: "likely" },
    build: async (chain) => {
      const http = "limit_req_zone $server_name zone=all:1m rate=6r/m;";
      const edge = await nginx(
        chain,
        nginxSite([await chain.app()], { location: "limit_req zone=all burst=1 nodelay;", http }),
      );
      return ask(chain, edge, { at: [], more: ["--no-local"] });
    },
  },
  {
    name: "dressed/429-of-app",
    chain: "nginx > Node",
    fault: "the application limits rates (429, Retry-After); nginx.conf given",
    needs: ["nginx"],
    expect: { class: "rate-limited", also: ["upstream-error-passthrough"], atLeast: "possible" },
    build: async (chain) => {
      const app = await chain.app(status(429, "Slow down", { "Retry-After": "30" }));
      return ask(chain, await nginx(chain, nginxSite([app])), { config: true, at: [app.address] });
    },
  },
  {
    name: "dressed/maintenance",
    chain: "nginx > Node",
    fault: "nginx itself answers 503 (return 503); nginx.conf given",
    needs: ["nginx"],
    expect: { class: "unknown", also: ["status-only-502", "request-denied", "upstream-not-ready", "backend-absent"] },
    build: async (chain) => {
      const app = await chain.app();
      return ask(chain, await nginx(chain, nginxSite([app], { location: "return 503;" })), { config: true, at: [] });
    },
  },
];
