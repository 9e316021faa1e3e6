// Chains that are well, each with something about it that could be taken for a fault.
import { createHash } from "node:crypto";
import type { RequestListener } from "node:http";
import { makeCertificateChain } from "../../../src/lab/certificates.ts";
import { certificates } from "../../../src/lab/faults-listen.ts";
import type { HealthyCase } from "../case.ts";
import { hello } from "../chain.ts";
import { caddy, goodgate, haproxy, nginx } from "../programs.ts";
import { ask, caddySite, goodgateSettings, haproxySite, nginxSite, slow, status } from "../shapes.ts";

const OLD_LOG = [
  "[error] 7#7: *1 connect() failed (111: Connection refused) while connecting to upstream, client: 203.0.113.9,",
  ' server: shop.test, request: "GET / HTTP/1.1", upstream: "http://127.0.0.1:3000/", host: "shop.test"\n',
].join("");

/** A page of its own for each request. */
const changing: RequestListener = (_, response) => {
  const token = createHash("sha256").update(String(performance.now())).digest("hex");
  response.setHeader("Set-Cookie", `session=${token}; HttpOnly`);
  response.end(`<!doctype html><title>Shop</title><p>${token}</p>`);
};

export const HEALTHY: readonly HealthyCase[] = [
  {
    name: "healthy/node",
    chain: "Node",
    trap: "no gateway at all",
    build: async (chain) => ask(chain, await chain.app()),
  },
  {
    name: "healthy/nginx-all-given",
    chain: "nginx > Node",
    trap: "configuration, logs and origin given",
    needs: ["nginx"],
    build: async (chain) => {
      const app = await chain.app();
      return ask(chain, await nginx(chain, nginxSite([app])), { config: true, log: true, origins: [app.address] });
    },
  },
  {
    name: "healthy/https",
    chain: "nginx (TLS) > Node",
    trap: "a test CA that is given by --ca",
    needs: ["nginx"],
    build: async (chain) => {
      const edge = await nginx(chain, nginxSite([await chain.app()]), { tls: certificates().good });
      return ask(chain, edge, { scheme: "https", host: "localhost", ca: true, config: true });
    },
  },
  {
    name: "healthy/https-intermediate",
    chain: "nginx (TLS) > Node",
    trap: "an intermediate certificate, sent as it should be",
    needs: ["nginx"],
    build: async (chain) => {
      const { root, whole } = makeCertificateChain();
      const edge = await nginx(chain, nginxSite([await chain.app()]), { tls: whole });
      return ask(chain, edge, { scheme: "https", host: "localhost", ca: root });
    },
  },
  {
    name: "healthy/http2",
    chain: "nginx (TLS, HTTP/2) > Node",
    trap: "ALPN chooses h2",
    needs: ["nginx"],
    build: async (chain) => {
      const port = await chain.freePort();
      const { cert, key } = certificates().good;
      const files = `ssl_certificate ${chain.file("cert.pem", cert)}; ssl_certificate_key ${chain.file("key.pem", key)};`;
      const site = nginxSite([await chain.app()]);
      const text = site.replace("listen {port};", `listen {port} ssl http2; ${files}`);
      const edge = await nginx(chain, text, { port });
      return ask(chain, edge, { scheme: "https", host: "localhost", ca: true });
    },
  },
  {
    name: "healthy/redirect-to-https",
    chain: "nginx > nginx (TLS) > Node",
    trap: "http redirects to https, once",
    needs: ["nginx"],
    build: async (chain) => {
      const secure = await nginx(chain, nginxSite([await chain.app()]), { tls: certificates().good, name: "secure" });
      const http = `server { listen {port}; location / { return 301 https://${secure.address}$request_uri; } }`;
      return ask(chain, await nginx(chain, http), { ca: true });
    },
  },
  {
    name: "healthy/haproxy-nginx",
    chain: "HAProxy > nginx > Node",
    trap: "two gateways, both configurations and logs given, checks on",
    needs: ["haproxy", "nginx"],
    build: async (chain) => {
      const app = await chain.app();
      const inner = await nginx(chain, nginxSite([app]));
      const edge = await haproxy(
        chain,
        haproxySite([inner], { server: "check inter 200", backend: "  option httpchk" }),
      );
      return ask(chain, edge, { config: [edge, inner], log: [edge, inner], origins: [app.address] });
    },
  },
  {
    name: "healthy/caddy",
    chain: "Caddy > Node",
    trap: "Caddyfile given",
    needs: ["caddy"],
    build: async (chain) => ask(chain, await caddy(chain, caddySite([await chain.app()])), { config: true, log: true }),
  },
  {
    name: "healthy/goodgate",
    chain: "Goodgate > Node",
    trap: "goodgate.yaml and log given",
    build: async (chain) =>
      ask(chain, await goodgate(chain, goodgateSettings([await chain.app()])), { config: true, log: true }),
  },
  {
    name: "healthy/not-found",
    chain: "nginx > Node",
    trap: "the application has no such page (404)",
    needs: ["nginx"],
    build: async (chain) => {
      const app = await chain.app(status(404, "No such page"));
      return ask(chain, await nginx(chain, nginxSite([app])), { config: true, path: "/no-such-page" });
    },
  },
  {
    name: "healthy/login-wanted",
    chain: "nginx > Node",
    trap: "the application wants a login (401)",
    needs: ["nginx"],
    build: async (chain) => {
      const app = await chain.app(status(401, "Please log in", { "WWW-Authenticate": 'Basic realm="shop"' }));
      return ask(chain, await nginx(chain, nginxSite([app])), { config: true });
    },
  },
  {
    name: "healthy/slow",
    chain: "nginx > Node",
    trap: "the application needs 800 ms",
    needs: ["nginx"],
    build: async (chain) => {
      const app = await chain.app(slow(800));
      return ask(chain, await nginx(chain, nginxSite([app])), { config: true });
    },
  },
  {
    name: "healthy/large-head",
    chain: "nginx > Node",
    trap: "a head of 10 kB, proxy_buffer_size is 16k",
    needs: ["nginx"],
    build: async (chain) => {
      const app = await chain.app(status(200, "Welcome", { "X-Permissions": "p".repeat(10_000) }));
      const location = "proxy_buffer_size 16k; proxy_buffers 8 16k;";
      return ask(chain, await nginx(chain, nginxSite([app], { location })), { config: true, origins: [app.address] });
    },
  },
  {
    name: "healthy/keepalive-order",
    chain: "nginx > Node",
    trap: "nginx keeps idle connections for 2 s, the application for 5 s",
    needs: ["nginx"],
    build: async (chain) => {
      const app = await chain.app(hello, { keepAliveMs: 5_000 });
      const edge = await nginx(chain, nginxSite([app], { upstream: "keepalive 8; keepalive_timeout 2s;" }));
      return ask(chain, edge, { config: true, log: true });
    },
  },
  {
    name: "healthy/keepalive-short",
    chain: "nginx > Node",
    trap: "the application keeps idle connections for 1 s, nginx for 60 s: a risk",
    needs: ["nginx"],
    build: async (chain) => {
      const app = await chain.app(hello, { keepAliveMs: 1_000 });
      const edge = await nginx(chain, nginxSite([app], { upstream: "keepalive 8;" }));
      return ask(chain, edge, { config: true, log: true });
    },
  },
  {
    name: "healthy/closes-each",
    chain: "Node",
    trap: "Connection: close with each response",
    build: async (chain) =>
      ask(
        chain,
        await chain.app((request, response) => {
          response.setHeader("Connection", "close");
          hello(request, response);
        }),
      ),
  },
  {
    name: "healthy/static",
    chain: "nginx (files)",
    trap: "no upstream",
    needs: ["nginx"],
    build: async (chain) => {
      chain.file("nginx/html/index.html", "<!doctype html><title>Shop</title><p>Welcome\n");
      return ask(chain, await nginx(chain, "server { listen {port}; root html; }"), { config: true, log: true });
    },
  },
  {
    name: "healthy/compressed",
    chain: "nginx (gzip) > Node",
    trap: "each representation has bytes of its own",
    needs: ["nginx"],
    build: async (chain) => {
      const app = await chain.app((_, response) => {
        response.writeHead(200, { "Content-Type": "text/html" });
        response.end("<!doctype html><title>Shop</title>" + "<p>All that we have.</p>".repeat(500));
      });
      const edge = await nginx(chain, nginxSite([app], { location: "gzip on; gzip_proxied any; gzip_min_length 20;" }));
      return ask(chain, edge, { config: true, origins: [app.address] });
    },
  },
  {
    name: "healthy/changing-page",
    chain: "HAProxy > 2 × Node",
    trap: "each page differs, with cookies",
    needs: ["haproxy"],
    build: async (chain) => {
      const members = [await chain.app(changing), await chain.app(changing)];
      const edge = await haproxy(chain, haproxySite(members));
      return ask(chain, edge, { config: true, origins: members.map(({ address }) => address) });
    },
  },
  {
    name: "healthy/old-failures",
    chain: "nginx > Node",
    trap: "the log tells of failures of last month",
    needs: ["nginx"],
    build: async (chain) => {
      const app = await chain.app();
      const edge = await nginx(chain, nginxSite([app]));
      const day = new Date(Date.now() - 30 * 86_400_000).toISOString().slice(0, 10).replaceAll("-", "/");
      const old = chain.file("old.log", `${day} 10:00:00 ${OLD_LOG}`.repeat(3));
      return ask(chain, edge, { config: true, more: ["--log", old] });
    },
  },
  {
    name: "healthy/backup-down",
    chain: "nginx > Node",
    trap: "the other member is marked down in nginx.conf, on purpose",
    needs: ["nginx"],
    build: async (chain) => {
      const [app, away] = [await chain.app(), await chain.nowhere()];
      return ask(chain, await nginx(chain, nginxSite([app.address, `${away.address} down`])), { config: true });
    },
  },
  {
    name: "healthy/origin-closed-to-others",
    chain: "nginx > nginx > Node",
    trap: "the origin answers the edge only: 403 for doctor's direct request",
    needs: ["nginx"],
    build: async (chain) => {
      const location = 'if ($http_x_edge != "known") { return 403; }';
      const origin = await nginx(chain, nginxSite([await chain.app()], { location }), { name: "origin" });
      const edge = await nginx(chain, nginxSite([origin], { location: "proxy_set_header X-Edge known;" }));
      return ask(chain, edge, { origins: [origin.address] });
    },
  },
  {
    name: "healthy/health-path",
    chain: "HAProxy > Node",
    trap: "a health check that answers 204",
    needs: ["haproxy"],
    build: async (chain) => {
      const app = await chain.app((request, response) => {
        if (request.url === "/health") response.writeHead(204).end();
        else hello(request, response);
      });
      const backend = "  option httpchk GET /health";
      return ask(chain, await haproxy(chain, haproxySite([app], { backend, server: "check inter 200" })), {
        config: true,
      });
    },
  },
  {
    name: "healthy/self-signed-behind",
    chain: "nginx > Node (TLS)",
    trap: "the application's certificate signs itself, and nginx does not verify",
    needs: ["nginx"],
    build: async (chain) => {
      const app = await chain.app(hello, { tls: certificates().selfSigned });
      return ask(chain, await nginx(chain, nginxSite([app], { scheme: "https" })), { config: true, log: true });
    },
  },
  {
    name: "healthy/no-content",
    chain: "nginx > Node",
    trap: "204 without a body",
    needs: ["nginx"],
    build: async (chain) => {
      const app = await chain.app((_, response) => response.writeHead(204).end());
      return ask(chain, await nginx(chain, nginxSite([app])), { config: true, origins: [app.address] });
    },
  },
];
