// Cases that an adversary of the live part found: what was said wrongly of them once, faults and healthy chains.
import { createSecureServer } from "node:http2";
import { certificates } from "../../../src/lab/faults-listen.ts";
import type { FaultCase, HealthyCase } from "../case.ts";
import { hello } from "../chain.ts";
import { caddy, nginx } from "../programs.ts";
import { ask, caddySite, nginxSite, status } from "../shapes.ts";

export const ADVERSARY: readonly FaultCase[] = [
  {
    name: "adversary/ssh-on-https-port",
    chain: "SSH",
    fault: "the port of https answers with the greeting of SSH",
    expect: { class: "protocol-mismatch", atLeast: "likely" },
    build: async (chain) => {
      const app = await chain.raw((socket) => {
        socket.write("SSH-2.0-OpenSSH_9.2p1\r\n");
        socket.on("end", () => socket.end());
        socket.resume();
      });
      return ask(chain, app, { scheme: "https" });
    },
  },
  {
    name: "adversary/only-http2-fails",
    chain: "Node (TLS)",
    fault: "over HTTP/2 everything is answered with 500, over HTTP/1.1 with 200",
    expect: { class: "upstream-error-passthrough", atLeast: "likely" },
    build: async (chain) => {
      const { cert, key } = certificates().good;
      const server = createSecureServer({ cert, key, allowHTTP1: true }, (request, response) => {
        response.statusCode = request.httpVersionMajor === 2 ? 500 : 200;
        response.end("hello");
      });
      const app = await chain.listen(server);
      return ask(chain, app, { scheme: "https", host: "localhost", ca: true, at: [] });
    },
  },
  {
    name: "adversary/name-is-refused",
    chain: "Node (TLS)",
    fault: "handshakes with any server name are cut, those without one succeed",
    expect: { class: "tls-handshake-failed", atLeast: "likely" },
    build: async (chain) => {
      const refuse = (_: string, done: (error: Error) => void): void => done(new Error("no such name"));
      const app = await chain.app(hello, { tls: { ...certificates().good, SNICallback: refuse } });
      return ask(chain, app, { scheme: "https", host: "localhost", ca: true });
    },
  },
  {
    name: "adversary/inner-gateway-of-which-nobody-tells",
    chain: "nginx > nginx > nothing",
    fault: "the application is gone; only the outer nginx.conf given, to which the inner nginx is a member like others",
    needs: ["nginx"],
    expect: { class: "status-only-502", atMost: "possible" },
    build: async (chain) => {
      const inner = await nginx(chain, nginxSite([await chain.nowhere()]), { name: "inner" });
      return ask(chain, await nginx(chain, nginxSite([inner])), { config: true, at: [] });
    },
  },
  {
    name: "adversary/cookie-gate-without-end",
    chain: "Node",
    fault: "every request gets a new cookie and is redirected to itself, whatever it brings",
    expect: { class: "redirect-loop", atLeast: "likely" },
    build: async (chain) => {
      let count = 0;
      const app = await chain.app((_, response) => {
        response.writeHead(302, { Location: "/", "Set-Cookie": `visit=${++count}; Path=/` }).end();
      });
      return ask(chain, app);
    },
  },
  {
    name: "adversary/one-of-two-dead-caddy",
    chain: "Caddy > Node, nothing",
    fault: "the second of two members is gone; the pool has no name of its own",
    needs: ["caddy"],
    expect: { class: "connect-refused", atLeast: "likely" },
    build: async (chain) => {
      const [app, dead] = [await chain.app(), await chain.nowhere()];
      return ask(chain, await caddy(chain, caddySite([app, dead])), { config: true, at: [dead.address] });
    },
  },
];

const limited = (rate: string, lines = "") => ({
  http: `limit_req_zone $server_name zone=all:1m rate=${rate};`,
  location: `limit_req zone=all;${lines}`,
});

export const HEALTHY_ADVERSARY: readonly HealthyCase[] = [
  {
    name: "adversary/limit-met-503",
    chain: "nginx > Node",
    trap: "ten requests a second without a burst: those of doctor that come at once get nginx's 503; only the URL given",
    needs: ["nginx"],
    build: async (chain) => {
      const edge = await nginx(chain, nginxSite([await chain.app()], limited("10r/s")));
      return ask(chain, edge, { more: ["--no-local"] });
    },
  },
  {
    name: "adversary/limit-met-429",
    chain: "nginx > Node",
    trap: "one request a second, the others get 429; nginx.conf and logs given",
    needs: ["nginx"],
    build: async (chain) => {
      const site = nginxSite([await chain.app()], limited("1r/s", " limit_req_status 429;"));
      return ask(chain, await nginx(chain, site), { config: true, log: true });
    },
  },
  {
    name: "adversary/login-in-log",
    chain: "nginx > Node",
    trap: "basic authentication: each of doctor's requests is a line of the error log",
    needs: ["nginx"],
    build: async (chain) => {
      const users = chain.file("users", "shop:{PLAIN}shop\n");
      const location = `auth_basic "shop"; auth_basic_user_file ${users};`;
      return ask(chain, await nginx(chain, nginxSite([await chain.app()], { location })), { config: true, log: true });
    },
  },
  {
    name: "adversary/http2-alone",
    chain: "Node (TLS, HTTP/2)",
    trap: "HTTP/1.1 is refused in the handshake, as browsers never ask for it alone",
    build: async (chain) => {
      const { cert, key } = certificates().good;
      const app = await chain.listen(createSecureServer({ cert, key }, (_, response) => response.end("hello")));
      return ask(chain, app, { scheme: "https", host: "localhost", ca: true });
    },
  },
  {
    name: "adversary/cookie-gate",
    chain: "Node",
    trap: "who brings no cookie gets one and is redirected to the same address",
    build: async (chain) => {
      const app = await chain.app((request, response) => {
        if (request.headers.cookie?.includes("seen=1")) return hello(request, response);
        response.writeHead(302, { Location: request.url ?? "/", "Set-Cookie": "seen=1; Path=/; HttpOnly" }).end();
      });
      return ask(chain, app);
    },
  },
  {
    name: "adversary/redirect-to-metadata",
    chain: "Node",
    trap: "it redirects to an address that doctor does not ask",
    build: async (chain) =>
      ask(chain, await chain.app(status(302, "", { Location: "http://169.254.169.254/latest/" }))),
  },
];
