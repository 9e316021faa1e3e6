// What a careful developer writes with Node's own server and undici's dispatch: raw header pairs in both directions
// without the hop-by-hop fields, streaming both ways with back pressure, 502 on errors.
import { Pool } from "undici";
import { listen, UPSTREAM_IDLE_MAX, upstream } from "./listen.mjs";

const pool = new Pool(upstream, { connections: UPSTREAM_IDLE_MAX, pipelining: 1 });
const HOP_BY_HOP = new Set(
  "connection keep-alive proxy-connection transfer-encoding upgrade te trailer proxy-authenticate expect".split(" "),
);

listen((request, response) => {
  const headers = [];
  for (let i = 0; i < request.rawHeaders.length; i += 2) {
    const name = request.rawHeaders[i];
    if (!HOP_BY_HOP.has(name.toLowerCase())) headers.push(name, request.rawHeaders[i + 1]);
  }
  headers.push("X-Forwarded-For", request.socket.remoteAddress ?? "");
  const hasBody = request.headers["content-length"] !== undefined || request.headers["transfer-encoding"] !== undefined;
  let abort;
  response.on("close", () => {
    if (!response.writableFinished) abort?.();
  });

  pool.dispatch(
    { method: request.method, path: request.url, headers, body: hasBody ? request : null },
    {
      onConnect(abortRequest) {
        abort = abortRequest;
      },
      onHeaders(status, rawHeaders, resume) {
        if (status < 200) return true;
        const fields = [];
        for (let i = 0; i < rawHeaders.length; i += 2) {
          const name = rawHeaders[i].toString("latin1");
          if (!HOP_BY_HOP.has(name.toLowerCase())) fields.push(name, rawHeaders[i + 1].toString("latin1"));
        }
        response.on("drain", resume);
        response.writeHead(status, fields);
        return true;
      },
      onData: (chunk) => response.write(chunk),
      onComplete: () => response.end(),
      onError(error) {
        if (response.headersSent) response.destroy(error);
        else response.writeHead(502).end(error.message);
      },
    },
  );
});
