// Applications that close idle connections each in its own way, at a distance. They count what they are given, by
// request id: a POST that comes twice is a defect of the gateway.
import { createServer as createHttpServer } from "node:http";
import { connect, createServer } from "node:net";
import { openLink } from "./link.mjs";
import { ENDPOINT_HOST } from "./stage.mjs";

/**
 * How long each keeps an idle connection, and what its answers say of that. Node keeps some a second longer than it
 * says, depending on its version: its time is measured first (idleMsOfNode).
 */
export const APPS = {
  node: { idleMs: 0, hintSeconds: 5, what: "node:http as it comes" },
  "exact-hint": { idleMs: 5_000, hintSeconds: 5, what: "closes exactly when it said" },
  "two-seconds": { idleMs: 2_000, hintSeconds: 0, what: "closes like gunicorn, says nothing" },
  "no-hint": { idleMs: 3_500, hintSeconds: 0, what: "closes below every default, says nothing" },
  "sixty-five": { idleMs: 65_000, hintSeconds: 0, what: "a long timer, says nothing" },
};

/**
 * Starts an application behind a link; `address` is the link's.
 * @param {string} kind
 * @param {Map<string, number>} deliveries How often each request was read, by its id.
 */
export async function startIdleApp(kind, delayMs, deliveries) {
  const count = (id) => deliveries.set(id, (deliveries.get(id) ?? 0) + 1);
  const server = kind === "node" ? nodeApp(count) : timedApp(APPS[kind], count);
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const link = await openLink({ host: ENDPOINT_HOST, target: server.address().port, delayMs });
  return { address: `${ENDPOINT_HOST}:${link.address().port}` };
}

function nodeApp(count) {
  return createHttpServer((request, response) => {
    const id = request.headers["x-request-id"];
    count(id);
    request.resume().on("end", () => response.end(`seen ${id}\n`));
  });
}

/** As much HTTP/1.1 as a gateway with a small request needs, and a timer of its own for idle connections. */
function timedApp({ idleMs, hintSeconds }, count) {
  const hint = hintSeconds === 0 ? "" : `Keep-Alive: timeout=${hintSeconds}\r\n`;
  return createServer((socket) => {
    let text = "";
    let timer = setTimeout(() => socket.end(), idleMs);
    socket.setNoDelay(true);
    socket.on("data", (chunk) => {
      clearTimeout(timer);
      text += chunk.toString("latin1");
      for (let end = endOfRequest(text); end > 0; end = endOfRequest(text)) {
        const id = /^x-request-id: *(\S+)\r$/im.exec(text)?.[1];
        text = text.slice(end);
        count(id);
        const body = `seen ${id}\n`;
        socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n${hint}\r\n${body}`);
      }
      timer = setTimeout(() => socket.end(), idleMs);
    });
    socket.on("close", () => clearTimeout(timer));
    // A gateway may reset a connection that it has no more use for.
    socket.on("error", () => socket.destroy());
  });
}

/** Where the first request of `text` ends; 0 = not yet. */
function endOfRequest(text) {
  const head = text.indexOf("\r\n\r\n");
  if (head < 0) return 0;
  const length = Number(/^content-length: *(\d+)\r$/im.exec(text.slice(0, head + 2))?.[1] ?? 0);
  return text.length >= head + 4 + length ? head + 4 + length : 0;
}

/** How long this Node's server keeps a connection: from an answer to the end. */
export function idleMsOfNode() {
  return new Promise((resolve, reject) => {
    const server = nodeApp(() => {});
    server.listen(0, "127.0.0.1", () => {
      const socket = connect(server.address().port, "127.0.0.1");
      let answeredAt = 0;
      socket.write("GET / HTTP/1.1\r\nHost: app\r\nX-Request-Id: probe\r\n\r\n");
      socket.once("error", reject);
      socket.on("data", () => {
        answeredAt = performance.now();
      });
      socket.once("end", () => {
        server.close();
        resolve(Math.round(performance.now() - answeredAt));
      });
    });
  });
}
