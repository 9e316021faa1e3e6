import { Agent } from "node:http";
import { createProxyServer } from "httpxy";
import { listen, UPSTREAM_IDLE_MAX, upstream } from "./listen.mjs";

const agent = new Agent({ keepAlive: true, maxFreeSockets: UPSTREAM_IDLE_MAX });
const proxy = createProxyServer({ target: upstream, agent, xfwd: true });
proxy.on("error", (error, _request, response) => response.writeHead?.(502).end(error.message));
listen((request, response) => proxy.web(request, response));
