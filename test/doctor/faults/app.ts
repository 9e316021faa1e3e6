// Faults of the application itself: it answers with errors, dies, is stopped, or is killed.
import { mkdirSync, rmdirSync, writeFileSync } from "node:fs";
import { basename } from "node:path";
import type { FaultCase } from "../case.ts";
import { caddy, goodgate, haproxy, listens, nginx, respawned, script, start } from "../programs.ts";
import { ask, caddySite, goodgateSettings, haproxySite, nginxSite, status } from "../shapes.ts";

const passed = { class: "upstream-error-passthrough" } as const;
const BAD_GATEWAY =
  "<html>\n<head><title>502 Bad Gateway</title></head>\n<body>\n<h1>502 Bad Gateway</h1></body></html>\n";

const SERVER = `import { createServer } from "node:http";
const server = createServer((request, response) => {
  HANDLE
});
server.listen(Number(process.argv[2]), "127.0.0.1");
`;
const DIES = SERVER.replace("HANDLE", "throw new Error(\"Cannot read properties of undefined (reading 'price')\");");
const HELLO = SERVER.replace("HANDLE", 'response.end("hello");');
const GREEDY = SERVER.replace(
  "HANDLE",
  "const kept = []; for (;;) kept.push(Buffer.alloc(4_000_000, request.url.length));",
);
const NO_START = 'throw new Error("Cannot find module ./settings.js");\n';

const CGROUP = "/sys/fs/cgroup/memory";
const MEMORY_BYTES = 80 * 2 ** 20;

export const APP: readonly FaultCase[] = [
  {
    name: "app/500-config",
    chain: "nginx > Node",
    fault: "the application answers 500; nginx.conf given",
    needs: ["nginx"],
    expect: { ...passed, atLeast: "proven" },
    build: async (chain) => {
      const app = await chain.app(status(500));
      return ask(chain, await nginx(chain, nginxSite([app])), { config: true, at: [app.address] });
    },
  },
  {
    name: "app/500-origin",
    chain: "nginx > Node",
    fault: "the application answers 500; its address given",
    needs: ["nginx"],
    expect: { ...passed, atLeast: "likely" },
    build: async (chain) => {
      const app = await chain.app(status(500));
      return ask(chain, await nginx(chain, nginxSite([app])), { origins: [app.address], at: [app.address] });
    },
  },
  {
    name: "app/500-url-only",
    chain: "nginx > Node",
    fault: "the application answers 500 with a page of its own; only the URL given",
    needs: ["nginx"],
    expect: { ...passed, also: ["unknown", "gateway-internal-error"], atMost: "likely" },
    build: async (chain) =>
      ask(chain, await nginx(chain, nginxSite([await chain.app(status(500))])), { at: [], more: ["--no-local"] }),
  },
  {
    name: "app/502-of-its-own",
    chain: "nginx > Node",
    fault: "the application itself answers 502 (a service behind it fails); nginx.conf given",
    needs: ["nginx"],
    expect: { ...passed, atLeast: "likely" },
    build: async (chain) => {
      const app = await chain.app((_, response) => response.writeHead(502).end('{"error":"payment service failed"}'));
      return ask(chain, await nginx(chain, nginxSite([app])), { config: true, log: true, at: [app.address] });
    },
  },
  {
    name: "app/502-like-nginx",
    chain: "HAProxy > Node",
    fault: "the application answers 502 with a page that looks like nginx's; haproxy.cfg given",
    needs: ["haproxy"],
    expect: { ...passed, also: ["status-only-502"], atLeast: "possible" },
    build: async (chain) => {
      const app = await chain.app((_, response) => response.writeHead(502).end(BAD_GATEWAY));
      return ask(chain, await haproxy(chain, haproxySite([app])), { config: true, at: [app.address, "behind"] });
    },
  },
  {
    name: "app/503-starting",
    chain: "Caddy > Node",
    fault: "the application says 503 with Retry-After while it starts; Caddyfile given",
    needs: ["caddy"],
    expect: { ...passed, also: ["upstream-not-ready"], atLeast: "likely" },
    build: async (chain) => {
      const app = await chain.app(status(503, "Starting, please wait", { "Retry-After": "10" }));
      return ask(chain, await caddy(chain, caddySite([app])), { config: true, at: [app.address] });
    },
  },
  {
    name: "app/500-goodgate",
    chain: "Goodgate > Node",
    fault: "the application answers 500; goodgate.yaml given",
    expect: { ...passed, atLeast: "likely" },
    build: async (chain) => {
      const app = await chain.app(status(500));
      return ask(chain, await goodgate(chain, goodgateSettings([app])), { config: true, at: [app.address] });
    },
  },
  {
    name: "app/two-tiers-500",
    chain: "HAProxy > nginx > Node",
    fault: "the application behind two gateways answers 500; both configurations given",
    needs: ["haproxy", "nginx"],
    expect: { ...passed, atLeast: "likely" },
    build: async (chain) => {
      const app = await chain.app(status(500));
      const inner = await nginx(chain, nginxSite([app]));
      const edge = await haproxy(chain, haproxySite([inner]));
      return ask(chain, edge, { config: [edge, inner], at: [app.address] });
    },
  },
  {
    name: "app/dies-of-each-request",
    chain: "nginx > Node",
    fault: "the process dies of each request and is started again; nginx.conf and the application's log given",
    needs: ["nginx"],
    expect: { class: "app-crashed", also: ["closed-before-response", "connect-refused"], atLeast: "likely" },
    build: async (chain) => {
      const app = await respawned(chain, DIES, 100);
      await listens(null, app.port, () => "the application did not start");
      const edge = await nginx(chain, nginxSite([app], { upstream: "keepalive 2;" }));
      return ask(chain, edge, { config: true, more: ["--log", app.log], at: [app.address] });
    },
  },
  {
    name: "app/dies-at-start",
    chain: "nginx > Node",
    fault: "the process dies at each start; nginx.conf and the application's log given",
    needs: ["nginx"],
    expect: { class: "connect-refused", also: ["app-crashed"], atLeast: "likely" },
    build: async (chain) => {
      const app = await respawned(chain, NO_START, 300);
      const edge = await nginx(chain, nginxSite([app]));
      return ask(chain, edge, { config: true, more: ["--log", app.log], at: [app.address] });
    },
  },
  {
    name: "app/stopped",
    chain: "nginx > Node",
    fault: "the process is stopped (SIGSTOP), proxy_read_timeout is 1s; nginx.conf given, on its machine",
    needs: ["nginx"],
    expect: { class: "response-timeout", also: ["upstream-saturated"], atLeast: "likely" },
    build: async (chain) => {
      const app = await script(chain, HELLO);
      const edge = await nginx(chain, nginxSite([app], { location: "proxy_read_timeout 1s;" }));
      app.child.kill("SIGSTOP");
      return ask(chain, edge, { config: true, more: ["--local"], at: [app.address] });
    },
  },
  {
    name: "app/killed",
    chain: "nginx > Node",
    fault: "the process was killed (SIGKILL) and is not started again; nginx.conf given",
    needs: ["nginx"],
    expect: { class: "connect-refused", atLeast: "proven" },
    build: async (chain) => {
      const app = await script(chain, HELLO);
      const edge = await nginx(chain, nginxSite([app]));
      const ended = new Promise((resolve) => app.child.once("exit", resolve));
      app.child.kill("SIGKILL");
      await ended;
      return ask(chain, edge, { config: true, more: ["--local"], at: [app.address] });
    },
  },
  {
    name: "app/out-of-memory",
    chain: "nginx > Node",
    fault: "the kernel killed the process for memory (a cgroup's limit); nginx.conf and logs given, on its machine",
    needs: ["nginx", "memory-cgroup"],
    expect: { class: "oom-killed", also: ["connect-refused"], atLeast: "likely" },
    build: async (chain) => {
      const group = `${CGROUP}/${basename(chain.folder)}`;
      mkdirSync(group);
      chain.add(() => rmdirSync(group));
      writeFileSync(`${group}/memory.limit_in_bytes`, String(MEMORY_BYTES));
      const port = await chain.freePort();
      const file = chain.file("app/server.mjs", GREEDY);
      const command = 'echo $$ > "$1/tasks" && exec "$2" "$3" "$4"';
      const args = ["-c", command, "sh", group, process.execPath, file, String(port)];
      const child = start(chain, "sh", args, chain.path("app"), "app/app.log");
      await listens(child, port, () => "the application did not start");
      const edge = await nginx(chain, nginxSite([`127.0.0.1:${port}`]));
      const ended = new Promise((resolve) => child.once("exit", resolve));
      await fetch(`http://${edge.address}/`);
      await ended;
      return ask(chain, edge, { config: true, log: true, more: ["--local"], at: [`127.0.0.1:${port}`] });
    },
  },
];
