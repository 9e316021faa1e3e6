// Fastify has a logger of its own, so its access log is that one, as `logger: { file }` turns it on.
import httpProxy from "@fastify/http-proxy";
import fastify from "fastify";
import { addresses, KEEP_IDLE_MS, logFile, tls, UPSTREAM_IDLE_MAX, upstream } from "./listen.mjs";

for (const options of [{ port: addresses.httpPort }, { port: addresses.httpsPort, https: tls() }]) {
  const app = fastify({
    keepAliveTimeout: KEEP_IDLE_MS,
    logger: { file: logFile },
    ...(options.https && { https: options.https }),
  });
  await app.register(httpProxy, { upstream, undici: { connections: UPSTREAM_IDLE_MAX, pipelining: 1 } });
  await app.listen({ port: options.port, host: "127.0.0.1", backlog: 4096 });
}
