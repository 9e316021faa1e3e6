// Faults of Unix sockets between a gateway and its application.
import { chmodSync } from "node:fs";
import type { FaultCase } from "../case.ts";
import { hello } from "../chain.ts";
import { isRoot, nginx } from "../programs.ts";
import { ask, nginxSite } from "../shapes.ts";

export const SOCKET: readonly FaultCase[] = [
  {
    name: "socket/missing-config",
    chain: "nginx > Unix socket",
    fault: "the socket file does not exist; nginx.conf given",
    needs: ["nginx"],
    expect: { class: "socket-missing", atLeast: "proven" },
    build: async (chain) => {
      const address = `unix:${chain.path("run/app.sock")}`;
      return ask(chain, await nginx(chain, nginxSite([address])), { config: true, at: [address] });
    },
  },
  {
    name: "socket/missing-log",
    chain: "nginx > Unix socket",
    fault: "the socket file does not exist; only nginx's logs given",
    needs: ["nginx"],
    expect: { class: "socket-missing", atLeast: "likely" },
    build: async (chain) => {
      const address = `unix:${chain.path("run/app.sock")}`;
      return ask(chain, await nginx(chain, nginxSite([address])), { log: true, at: [address] });
    },
  },
  {
    name: "socket/stale",
    chain: "nginx > Unix socket",
    fault: "the socket's process was killed, its file is still there",
    needs: ["nginx"],
    expect: { class: "connect-refused", atLeast: "proven" },
    build: async (chain) => {
      const { address } = await chain.fault("socket-stale");
      return ask(chain, await nginx(chain, nginxSite([address])), { config: true, at: [address] });
    },
  },
  {
    name: "socket/permission",
    chain: "nginx > Unix socket > Node",
    fault: "nginx's user may not write to the socket file; nginx.conf and logs given",
    needs: ["nginx"],
    expect: { class: "connect-permission-denied", atLeast: "likely" },
    build: async (chain) => {
      const app = await chain.app(hello, { socket: chain.path("app.sock") });
      chmodSync(app.host, isRoot ? 0o600 : 0o000);
      const edge = await nginx(chain, nginxSite([app]), isRoot ? { user: "nobody nogroup" } : {});
      return ask(chain, edge, { config: true, log: true, at: [app.address] });
    },
  },
  {
    name: "socket/permission-config",
    chain: "nginx > Unix socket > Node",
    fault: "nginx's user may not write to the socket file; nginx.conf given, on its machine",
    needs: ["nginx", "root"],
    expect: { class: "connect-permission-denied", atLeast: "possible" },
    build: async (chain) => {
      const app = await chain.app(hello, { socket: chain.path("app.sock") });
      chmodSync(app.host, 0o600);
      const edge = await nginx(chain, nginxSite([app]), { user: "nobody nogroup" });
      return ask(chain, edge, { config: true, more: ["--local"], at: [app.address] });
    },
  },
  {
    name: "socket/backlog-full",
    chain: "nginx > Unix socket > Node (deaf)",
    fault: "the socket's accept queue is full: EAGAIN",
    needs: ["nginx"],
    expect: { class: "upstream-saturated", atLeast: "likely" },
    build: async (chain) => {
      const { address } = await chain.fault("backlog-full");
      return ask(chain, await nginx(chain, nginxSite([address])), { config: true, log: true, at: [address] });
    },
  },
];
