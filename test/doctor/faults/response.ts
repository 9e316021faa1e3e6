// Faults of the response's head: late, absent, not HTTP, too large.
import { createServer as createHttp2Server } from "node:http2";
import type { FaultOptions } from "../../../src/lab/fault.ts";
import type { FaultName } from "../../../src/lab/faults.ts";
import type { Expected, FaultCase } from "../case.ts";
import { caddy, type Edge, goodgate, haproxy, nginx } from "../programs.ts";
import { ask, caddySite, goodgateSettings, haproxySite, nginxSite, slow, status, type Told } from "../shapes.ts";

interface LabCase {
  readonly name: string;
  readonly fault: string;
  readonly lab: FaultName;
  readonly options?: FaultOptions;
  readonly expect: Expected;
  readonly told?: Told;
  readonly location?: string;
}

/** nginx before an application that has a fault of the lab with every request. */
function nginxBefore({
  name,
  fault,
  lab,
  options,
  expect,
  told = { config: true },
  location = "",
}: LabCase): FaultCase {
  const given = [told.config ? "nginx.conf" : "", told.log ? "logs" : ""].filter((word) => word !== "").join(" and ");
  return {
    name: `response/${name}`,
    chain: "nginx > application",
    fault: `${fault}; ${given} given`,
    needs: ["nginx"],
    expect,
    build: async (chain) => {
      const app = await chain.fault(lab, options);
      return ask(chain, await nginx(chain, nginxSite([app], { location })), { at: [app.address], ...told });
    },
  };
}

const SHORT = "proxy_read_timeout 1s;";
const late: Expected = { class: "response-timeout", atLeast: "likely" };
const closed: Expected = { class: "closed-before-response", atLeast: "likely" };
const SLOW_MS = 1_600;

/** A head of so many bytes. */
const bigHead = (bytes: number) => status(200, "Welcome", { "X-Permissions": "p".repeat(bytes) });

export const RESPONSE: readonly FaultCase[] = [
  {
    name: "response/slow-app-nginx-config",
    chain: "nginx > Node",
    fault: "the application needs 1.6 s, proxy_read_timeout is 1s; nginx.conf given",
    needs: ["nginx"],
    expect: late,
    build: async (chain) => {
      const app = await chain.app(slow(SLOW_MS));
      const edge = await nginx(chain, nginxSite([app], { location: SHORT }));
      return ask(chain, edge, { config: true, at: [app.address] });
    },
  },
  {
    name: "response/slow-app-nginx-log",
    chain: "nginx > Node",
    fault: "the application needs 1.6 s, proxy_read_timeout is 1s; only logs given",
    needs: ["nginx"],
    expect: late,
    build: async (chain) => {
      const app = await chain.app(slow(SLOW_MS));
      const edge = await nginx(chain, nginxSite([app], { location: SHORT }));
      return ask(chain, edge, { log: true, at: [app.address] });
    },
  },
  {
    name: "response/slow-app-nginx-url-only",
    chain: "nginx > Node",
    fault: "the application needs 1.6 s, proxy_read_timeout is 1s; only the URL given",
    needs: ["nginx"],
    expect: { class: "response-timeout", also: ["connect-timeout", "status-only-502", "unknown"], atMost: "likely" },
    build: async (chain) => {
      const app = await chain.app(slow(SLOW_MS));
      const edge = await nginx(chain, nginxSite([app], { location: SHORT }));
      return ask(chain, edge, { at: [], more: ["--no-local"] });
    },
  },
  {
    name: "response/slow-app-haproxy",
    chain: "HAProxy > Node",
    fault: "the application needs 1.6 s, timeout server is 1s; haproxy.cfg given",
    needs: ["haproxy"],
    expect: late,
    build: async (chain) => {
      const app = await chain.app(slow(SLOW_MS));
      const edge = await haproxy(chain, haproxySite([app], { backend: "  timeout server 1s" }));
      return ask(chain, edge, { config: true, at: [app.address] });
    },
  },
  {
    name: "response/slow-app-haproxy-log",
    chain: "HAProxy > Node",
    fault: "the application needs 1.6 s, timeout server is 1s; only HAProxy's log given (sH--)",
    needs: ["haproxy"],
    expect: late,
    build: async (chain) => {
      const app = await chain.app(slow(SLOW_MS));
      const edge = await haproxy(chain, haproxySite([app], { backend: "  timeout server 1s" }));
      return ask(chain, edge, { log: true, at: [] });
    },
  },
  {
    name: "response/slow-app-caddy",
    chain: "Caddy > Node",
    fault: "the application needs 1.6 s, response_header_timeout is 1s; Caddyfile and log given",
    needs: ["caddy"],
    expect: late,
    build: async (chain) => {
      const app = await chain.app(slow(SLOW_MS));
      const timer = "transport http {\n      response_header_timeout 1s\n    }";
      return ask(chain, await caddy(chain, caddySite([app], timer)), { config: true, log: true, at: [app.address] });
    },
  },
  {
    name: "response/slow-app-goodgate-url-only",
    chain: "Goodgate > Node",
    fault: "the application needs 1.6 s, timeouts.head is 1s; only the URL given",
    expect: late,
    build: async (chain) => {
      const edge = await goodgate(
        chain,
        goodgateSettings([await chain.app(slow(SLOW_MS))], { timeouts: { head: "1s" } }),
      );
      return ask(chain, edge, { at: [], more: ["--no-local"] });
    },
  },
  {
    name: "response/silent-app",
    chain: "Node",
    fault: "the application takes requests and never answers; no gateway",
    expect: late,
    build: async (chain) => ask(chain, await chain.app(slow(60_000)), { more: ["--timeout", "4s"] }),
  },
  {
    name: "response/two-tiers-slow-app",
    chain: "HAProxy > nginx > Node",
    fault: "the application needs 1.6 s, nginx's proxy_read_timeout is 1s; both configurations given",
    needs: ["haproxy", "nginx"],
    expect: late,
    build: async (chain) => {
      const app = await chain.app(slow(SLOW_MS));
      const inner = await nginx(chain, nginxSite([app], { location: SHORT }));
      const edge = await haproxy(chain, haproxySite([inner]));
      return ask(chain, edge, { config: [edge, inner], at: [app.address] });
    },
  },
  {
    name: "response/outer-timer-shorter",
    chain: "HAProxy > nginx > Node",
    fault: "the application needs 1.6 s, HAProxy's timeout server is 1s, nginx's 60s; both configurations given",
    needs: ["haproxy", "nginx"],
    expect: late,
    build: async (chain) => {
      const app = await chain.app(slow(SLOW_MS));
      const inner = await nginx(chain, nginxSite([app]));
      const edge = await haproxy(chain, haproxySite([inner], { backend: "  timeout server 1s" }));
      return ask(chain, edge, { config: [edge, inner], at: [app.address, inner.address, edge.address, "behind"] });
    },
  },
  nginxBefore({
    name: "closed-config",
    fault: "the application closes without an answer",
    lab: "close-before-head",
    expect: closed,
  }),
  nginxBefore({
    name: "closed-log",
    fault: "the application closes without an answer",
    lab: "close-before-head",
    expect: closed,
    told: { log: true },
  }),
  nginxBefore({
    name: "reset-config",
    fault: "the application resets without an answer",
    lab: "reset-after-request",
    expect: closed,
  }),
  nginxBefore({
    name: "reset-log",
    fault: "the application resets without an answer",
    lab: "reset-after-request",
    expect: closed,
    told: { log: true },
  }),
  nginxBefore({
    name: "closed-mid-head",
    fault: "the application closes within the head",
    lab: "close-mid-head",
    expect: { ...closed, also: ["response-malformed", "response-truncated"] },
  }),
  {
    name: "response/two-lengths-haproxy",
    chain: "HAProxy > application",
    fault: "the application sends two differing lengths; haproxy.cfg and log given",
    needs: ["haproxy"],
    expect: { class: "response-malformed", atLeast: "likely" },
    build: async (chain) => {
      const app = await chain.fault("two-lengths");
      return ask(chain, await haproxy(chain, haproxySite([app])), {
        config: true,
        log: true,
        at: [app.address, "app"],
      });
    },
  },
  nginxBefore({
    name: "nul-in-head",
    fault: "a field of the application's has a NUL in it",
    lab: "nul-in-head",
    expect: { class: "response-malformed", atLeast: "likely" },
  }),
  {
    name: "response/garbage-haproxy",
    chain: "HAProxy > application",
    fault: "the application answers with noise; haproxy.cfg given",
    needs: ["haproxy"],
    expect: { class: "protocol-mismatch", also: ["response-malformed"], atLeast: "likely" },
    build: async (chain) => {
      const app = await chain.fault("garbage-head");
      return ask(chain, await haproxy(chain, haproxySite([app])), { config: true, at: [app.address] });
    },
  },
  {
    name: "response/malformed-haproxy-log",
    chain: "HAProxy > application",
    fault: "the application answers with a bad status line; only HAProxy's log given (PH--)",
    needs: ["haproxy"],
    expect: {
      class: "response-malformed",
      also: ["protocol-mismatch", "response-header-too-large"],
      atLeast: "possible",
    },
    build: async (chain) => {
      const app = await chain.fault("bad-status-code");
      return ask(chain, await haproxy(chain, haproxySite([app])), { log: true, at: [] });
    },
  },
  {
    name: "response/not-http",
    chain: "HAProxy > SSH",
    fault: "the configured port belongs to a server of another protocol (SSH)",
    needs: ["haproxy"],
    expect: { class: "protocol-mismatch", also: ["response-malformed"], atLeast: "likely" },
    build: async (chain) => {
      const app = await chain.raw((socket) => socket.write("SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n"));
      return ask(chain, await haproxy(chain, haproxySite([app])), { config: true, at: [app.address] });
    },
  },
  {
    name: "response/http2-only",
    chain: "HAProxy > Node (h2c)",
    fault: "the application speaks HTTP/2 only, HAProxy HTTP/1.1; haproxy.cfg given",
    needs: ["haproxy"],
    expect: { class: "protocol-mismatch", also: ["response-malformed"], atLeast: "likely" },
    build: async (chain) => {
      const app = await chain.listen(createHttp2Server((_, response) => response.end("hello")));
      return ask(chain, await haproxy(chain, haproxySite([app])), { config: true, at: [app.address] });
    },
  },
  {
    name: "response/http2-only-nginx-log",
    chain: "nginx > Node (h2c)",
    fault: "the application speaks HTTP/2 only, nginx HTTP/1.1; nginx.conf and logs given",
    needs: ["nginx"],
    expect: { class: "protocol-mismatch", also: ["response-malformed"], atLeast: "likely" },
    build: async (chain) => {
      const app = await chain.listen(createHttp2Server((_, response) => response.end("hello")));
      return ask(chain, await nginx(chain, nginxSite([app])), { config: true, log: true, at: [app.address] });
    },
  },
  {
    name: "response/fastcgi-to-http",
    chain: "nginx > Node",
    fault: "fastcgi_pass leads to a server of HTTP; nginx.conf and logs given",
    needs: ["nginx"],
    expect: { class: "protocol-mismatch", also: ["response-malformed", "closed-before-response"], atLeast: "likely" },
    build: async (chain) => {
      const app = await chain.app();
      const http = `server { listen {port}; root html; location / { fastcgi_pass ${app.address}; } }`;
      return ask(chain, await nginx(chain, http), { config: true, log: true, at: [app.address] });
    },
  },
  {
    name: "response/head-too-large-config",
    chain: "nginx > Node",
    fault: "the application's head has 10 kB, proxy_buffer_size is 4k; nginx.conf given",
    needs: ["nginx"],
    expect: { class: "response-header-too-large", atLeast: "likely" },
    build: async (chain) => {
      const app = await chain.app(bigHead(10_000));
      return ask(chain, await nginx(chain, nginxSite([app])), { config: true, at: [app.address] });
    },
  },
  {
    name: "response/head-too-large-log",
    chain: "nginx > Node",
    fault: "the application's head has 10 kB, proxy_buffer_size is 4k; only logs given",
    needs: ["nginx"],
    expect: { class: "response-header-too-large", atLeast: "likely" },
    build: async (chain) => {
      const app = await chain.app(bigHead(10_000));
      return ask(chain, await nginx(chain, nginxSite([app])), { log: true, at: [app.address] });
    },
  },
  {
    name: "response/head-too-large-haproxy",
    chain: "HAProxy > Node",
    fault: "the application's head has 20 kB, tune.bufsize is 16384; haproxy.cfg and log given",
    needs: ["haproxy"],
    expect: { class: "response-header-too-large", also: ["response-malformed"], atLeast: "possible" },
    build: async (chain) => {
      const app = await chain.app(bigHead(20_000));
      const edge: Edge = await haproxy(chain, haproxySite([app]), { main: "  tune.bufsize 16384" });
      return ask(chain, edge, { config: true, log: true, at: [app.address, "app"] });
    },
  },
  {
    name: "response/head-too-large-goodgate",
    chain: "Goodgate > Node",
    fault: "the application's head has 10 kB, limits.head is 4KiB; only the URL given",
    expect: { class: "response-header-too-large", atLeast: "likely" },
    build: async (chain) => {
      const settings = goodgateSettings([await chain.app(bigHead(10_000))], { limits: { head: "4KiB" } });
      return ask(chain, await goodgate(chain, settings), { at: [], more: ["--no-local"] });
    },
  },
];
