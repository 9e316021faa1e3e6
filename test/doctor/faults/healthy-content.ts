// Chains that are well and answer in unusual ways: streams, large and slow bodies, odd statuses, names and redirects.
import type { RequestListener } from "node:http";
import { makeCertificates } from "../../../src/lab/certificates.ts";
import type { HealthyCase } from "../case.ts";
import { hello } from "../chain.ts";
import { goodgate, haproxy, nginx } from "../programs.ts";
import { ask, goodgateSettings, haproxySite, nginxSite, slow, status } from "../shapes.ts";
import { takeUpgrade } from "../web-socket.ts";

const DAY_MS = 86_400_000;

/** Events for ever. */
const events: RequestListener = (_, response) => {
  response.writeHead(200, { "Content-Type": "text/event-stream" });
  const timer = setInterval(() => response.write("data: tick\n\n"), 200);
  response.on("close", () => clearInterval(timer));
};

/** 64 MiB, as fast as they are taken. */
const large: RequestListener = (_, response) => {
  const piece = Buffer.alloc(65_536, 0x61);
  response.writeHead(200, { "Content-Type": "application/octet-stream", "Content-Length": piece.length * 1_024 });
  let left = 1_024;
  const more = (): void => {
    while (left > 0 && !response.destroyed) {
      left -= 1;
      if (!response.write(piece)) return;
    }
    response.end();
  };
  response.on("drain", more);
  more();
};

/** Knows GET only. */
const getOnly: RequestListener = (request, response) => {
  if (request.method === "GET") hello(request, response);
  else response.writeHead(405, { Allow: "GET" }).end();
};

/** The first request takes its time. */
function coldStart(): RequestListener {
  let warm = false;
  return (request, response) => {
    if (warm) hello(request, response);
    else slow(1_200)(request, response);
    warm = true;
  };
}

const toLogin: RequestListener = (request, response) => {
  if (request.url === "/login") hello(request, response);
  else response.writeHead(302, { Location: "/login" }).end();
};

export const HEALTHY_CONTENT: readonly HealthyCase[] = [
  {
    name: "healthy/event-stream",
    chain: "nginx > Node",
    trap: "a stream of events that never ends",
    needs: ["nginx"],
    build: async (chain) =>
      ask(chain, await nginx(chain, nginxSite([await chain.app(events)], { location: "proxy_buffering off;" })), {
        config: true,
      }),
  },
  {
    name: "healthy/large-body",
    chain: "nginx > Node",
    trap: "a download of 64 MiB",
    needs: ["nginx"],
    build: async (chain) =>
      ask(chain, await nginx(chain, nginxSite([await chain.app(large)])), { config: true, log: true }),
  },
  {
    name: "healthy/slow-body",
    chain: "nginx > application",
    trap: "a body that comes in pieces, 50 ms apart",
    needs: ["nginx"],
    build: async (chain) =>
      ask(chain, await nginx(chain, nginxSite([await chain.fault("drip-body", { ms: 5 })])), { config: true }),
  },
  {
    name: "healthy/get-only",
    chain: "nginx > Node",
    trap: "HEAD is answered with 405",
    needs: ["nginx"],
    build: async (chain) => ask(chain, await nginx(chain, nginxSite([await chain.app(getOnly)])), { config: true }),
  },
  {
    name: "healthy/cold-start",
    chain: "nginx > Node",
    trap: "the first request takes 1.2 s",
    needs: ["nginx"],
    build: async (chain) => ask(chain, await nginx(chain, nginxSite([await chain.app(coldStart())])), { config: true }),
  },
  {
    name: "healthy/to-login",
    chain: "HAProxy > Node",
    trap: "/ redirects to /login",
    needs: ["haproxy"],
    build: async (chain) => ask(chain, await haproxy(chain, haproxySite([await chain.app(toLogin)])), { config: true }),
  },
  {
    name: "healthy/bad-request",
    chain: "nginx > Node",
    trap: "an API that wants a parameter (400)",
    needs: ["nginx"],
    build: async (chain) => {
      const app = await chain.app((_, response) => {
        response.writeHead(400, { "Content-Type": "application/json" }).end('{"error":"q is missing"}');
      });
      return ask(chain, await nginx(chain, nginxSite([app])), { config: true, path: "/api/search" });
    },
  },
  {
    name: "healthy/gone",
    chain: "Goodgate > Node",
    trap: "a page that was taken away (410)",
    build: async (chain) =>
      ask(chain, await goodgate(chain, goodgateSettings([await chain.app(status(410, "Gone"))])), { config: true }),
  },
  {
    name: "healthy/close-delimited",
    chain: "application",
    trap: "a body without a length, ended by the connection",
    build: async (chain) => ask(chain, await chain.fault("close-delimited")),
  },
  {
    name: "healthy/early-hints",
    chain: "application",
    trap: "103 Early Hints before the answer",
    build: async (chain) => ask(chain, await chain.fault("hints-103")),
  },
  {
    name: "healthy/web-socket",
    chain: "nginx > Node (WebSocket)",
    trap: "--upgrade, and nginx passes it on",
    needs: ["nginx"],
    build: async (chain) => {
      const app = await chain.listen(takeUpgrade());
      const location = 'proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection "upgrade";';
      const site = nginxSite([app], { location }).replace('proxy_set_header Connection "";', "");
      return ask(chain, await nginx(chain, site), { config: true, origins: [app.address], more: ["--upgrade"] });
    },
  },
  {
    name: "healthy/expires-soon",
    chain: "nginx (TLS) > Node",
    trap: "the certificate expires in two days: a risk",
    needs: ["nginx"],
    build: async (chain) => {
      const { ca, good } = makeCertificates(new Date(Date.now() - 363 * DAY_MS));
      const edge = await nginx(chain, nginxSite([await chain.app()]), { tls: good });
      return ask(chain, edge, { scheme: "https", host: "localhost", ca });
    },
  },
  {
    name: "healthy/ipv6-address",
    chain: "Node",
    trap: "the URL has an IPv6 address",
    needs: ["ipv6"],
    build: async (chain) => ask(chain, await chain.app(hello, { host: "::1" })),
  },
  {
    name: "healthy/by-name",
    chain: "nginx > Node",
    trap: "a name with an alias, known to the machine's resolver and to the given one",
    needs: ["nginx", "names"],
    build: async (chain) => {
      const edge = await nginx(chain, nginxSite([await chain.app()]));
      const zone = { "shop.test": { cname: "web.shop.test" }, "web.shop.test": { a: ["127.0.0.1"] } };
      await chain.names(zone);
      const given = await chain.resolver(zone);
      const asked = ask(chain, edge, { config: true, more: ["--resolver", given.address] });
      return { ...asked, url: `http://shop.test:${edge.port}/` };
    },
  },
  {
    name: "healthy/welcome",
    chain: "nginx (files)",
    trap: "nginx's own welcome page",
    needs: ["nginx"],
    build: async (chain) => {
      chain.file("nginx/html/index.html", "<html><head><title>Welcome to nginx!</title></head><body></body></html>\n");
      return ask(chain, await nginx(chain, "server { listen {port}; root html; }"));
    },
  },
  {
    name: "healthy/text-about-errors",
    chain: "nginx > Node",
    trap: "a page about 502 Bad Gateway, with nginx's words in it",
    needs: ["nginx"],
    build: async (chain) => {
      const page = "<h1>502 Bad Gateway</h1><hr><center>nginx</center><p>How we fixed it: connect() failed (111)</p>";
      const app = await chain.app((_, response) =>
        response.end(`<!doctype html><title>502 Bad Gateway</title>${page}`),
      );
      return ask(chain, await nginx(chain, nginxSite([app])), { config: true });
    },
  },
];
