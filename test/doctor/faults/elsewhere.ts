// Chains that are well while something else is not: other sites of the same gateway, configurations and logs of others.

import { certificates } from "../../../src/lab/faults-listen.ts";
import type { HealthyCase } from "../case.ts";
import { type Chain, hello } from "../chain.ts";
import { listens, nginx, start } from "../programs.ts";
import { ask, askFiles, nginxSite, nginxTime } from "../shapes.ts";

/** A server of other.test, whose application is gone. */
async function otherSite(chain: Chain): Promise<string> {
  const { address } = await chain.nowhere();
  return `
  upstream other { server ${address}; }
  server { listen {port}; server_name other.test; location / { proxy_pass http://other; } }`;
}

const failed = (agoMs: number, server: string, upstream: string): string =>
  `${nginxTime(agoMs)} [error] 7#7: *1 connect() failed (111: Connection refused) while connecting to upstream, ` +
  `client: 203.0.113.9, server: ${server}, request: "GET / HTTP/1.1", upstream: "http://${upstream}/", host: "${server}"\n`;

const access = (count: number, code: number): string =>
  Array.from({ length: count }, (_, index) => {
    const at = new Date(Date.now() - (count - index) * 1_000);
    const month = at.toLocaleString("en", { month: "short" });
    const day = String(at.getDate()).padStart(2, "0");
    const stamp = `${day}/${month}/${at.getFullYear()}:${at.toTimeString().slice(0, 8)} +0000`;
    return `203.0.113.${index % 200} - - [${stamp}] "GET /cart/${index} HTTP/1.1" ${code} 512 "-" "Mozilla/5.0"\n`;
  }).join("");

export const ELSEWHERE: readonly HealthyCase[] = [
  {
    name: "healthy/other-server-dead",
    chain: "nginx > Node",
    trap: "another server of the same nginx.conf has lost its application",
    needs: ["nginx"],
    build: async (chain) => {
      const http = nginxSite([await chain.app()]) + (await otherSite(chain));
      return ask(chain, await nginx(chain, http), { config: true, host: "shop.test" });
    },
  },
  {
    name: "healthy/foreign-config",
    chain: "Node; nginx.conf of another site",
    trap: "the configuration is of another gateway, whose application is gone",
    build: async (chain) => {
      const http = (await otherSite(chain)).replace("{port}", "18080");
      const config = chain.file("nginx.conf", `events {}\nhttp {${http}\n}\n`);
      return ask(chain, await chain.app(), { more: ["--config", config] });
    },
  },
  {
    name: "healthy/other-host-failing",
    chain: "nginx > Node",
    trap: "the log tells of failures of another host, a minute ago",
    needs: ["nginx"],
    build: async (chain) => {
      const edge = await nginx(chain, nginxSite([await chain.app()]));
      const log = chain.file("shared.log", failed(60_000, "other.test", "192.0.2.9:4000").repeat(5));
      return ask(chain, edge, { config: true, host: "shop.test", more: ["--log", log] });
    },
  },
  {
    name: "healthy/log-of-successes",
    chain: "(files)",
    trap: "only an access log, all 200",
    build: async (chain) => askFiles({ logs: [chain.file("access.log", access(200, 200))] }),
  },
  {
    name: "healthy/log-of-not-found",
    chain: "(files)",
    trap: "only an access log: pages, and scanners that find nothing (404)",
    build: async (chain) => askFiles({ logs: [chain.file("access.log", access(100, 200) + access(60, 404))] }),
  },
  {
    name: "healthy/log-of-leavers",
    chain: "(files)",
    trap: "only an access log: half of the clients left (499)",
    build: async (chain) => askFiles({ logs: [chain.file("access.log", access(40, 200) + access(40, 499))] }),
  },
  {
    name: "healthy/config-only",
    chain: "(files)",
    trap: "only an nginx.conf, of an application that is away from here",
    build: async (chain) => {
      const site = nginxSite(["192.0.2.7:3000"], { upstream: "keepalive 8; keepalive_timeout 4s;" });
      const http = site.replaceAll("listen {port};", "listen 8080;");
      return askFiles({ configs: [chain.file("nginx.conf", `events {}\nhttp {${http}\n}\n`)] }, [], ["--no-local"]);
    },
  },
  {
    name: "healthy/origin-firewalled",
    chain: "nginx > Node; (silence)",
    trap: "the origin that is given takes no connections from here, visitors are answered",
    needs: ["nginx"],
    build: async (chain) => {
      const edge = await nginx(chain, nginxSite([await chain.app()]));
      return ask(chain, edge, { origins: [(await chain.fault("black-hole")).address], more: ["--no-local"] });
    },
  },
  {
    name: "healthy/origin-refuses-others",
    chain: "nginx > Node; nothing",
    trap: "the origin that is given refuses connections from here, visitors are answered",
    needs: ["nginx"],
    build: async (chain) => {
      const edge = await nginx(chain, nginxSite([await chain.app()]));
      return ask(chain, edge, { origins: [(await chain.nowhere()).address], more: ["--no-local"] });
    },
  },
  {
    name: "healthy/origin-own-certificate",
    chain: "nginx > Node (TLS)",
    trap: "the origin's certificate signs itself, the edge does not verify it",
    needs: ["nginx"],
    build: async (chain) => {
      const app = await chain.app(hello, { tls: certificates().selfSigned });
      const edge = await nginx(chain, nginxSite([app], { scheme: "https" }));
      return ask(chain, edge, { origins: [`https://${app.address}`], host: "localhost", more: ["--no-local"] });
    },
  },
  {
    name: "healthy/file-missing",
    chain: "nginx (files)",
    trap: "a file that does not exist (nginx's own 404)",
    needs: ["nginx"],
    build: async (chain) => {
      chain.file("nginx/html/index.html", "<!doctype html><title>Shop</title>\n");
      const edge = await nginx(chain, "server { listen {port}; root html; }");
      return ask(chain, edge, { config: true, log: true, path: "/favicon.ico" });
    },
  },
  {
    name: "healthy/password",
    chain: "nginx > Node",
    trap: "nginx wants a password (its own 401)",
    needs: ["nginx"],
    build: async (chain) => {
      const users = chain.file("users", "anna:{PLAIN}secret\n");
      const location = `auth_basic "shop"; auth_basic_user_file ${users};`;
      return ask(chain, await nginx(chain, nginxSite([await chain.app()], { location })), { config: true });
    },
  },
  {
    name: "healthy/few-requests-each",
    chain: "nginx > Node",
    trap: "nginx closes each connection after two requests, in order",
    needs: ["nginx"],
    build: async (chain) => {
      const edge = await nginx(chain, nginxSite([await chain.app()], { server: "keepalive_requests 2;" }));
      return ask(chain, edge, { config: true });
    },
  },
  {
    name: "healthy/idle-300-ms",
    chain: "Node",
    trap: "idle connections are closed after 300 ms, in order",
    build: async (chain) => ask(chain, await chain.app(hello, { keepAliveMs: 300 })),
  },
  {
    name: "healthy/python",
    chain: "nginx > Python (HTTP/1.0)",
    trap: "a server of HTTP/1.0, which closes each connection",
    needs: ["nginx", "python3"],
    build: async (chain) => {
      const port = await chain.freePort();
      chain.file("site/index.html", "<!doctype html><title>Shop</title><p>Welcome\n");
      const args = ["-m", "http.server", "--bind", "127.0.0.1", String(port)];
      await listens(
        start(chain, "python3", args, chain.path("site"), "python.log"),
        port,
        () => "python3 did not start",
      );
      return ask(chain, await nginx(chain, nginxSite([`127.0.0.1:${port}`])), { config: true, log: true });
    },
  },
];
