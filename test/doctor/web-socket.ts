// A server that takes every WebSocket handshake (RFC 6455 §4.2.2), and answers other requests with a page.
import { createHash } from "node:crypto";
import { createServer, type Server } from "node:http";
import { hello } from "./chain.ts";

const GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/** Not listening yet. */
export function takeUpgrade(): Server {
  return createServer(hello).on("upgrade", (request, socket) => {
    const key = createHash("sha1").update(`${request.headers["sec-websocket-key"]}${GUID}`).digest("base64");
    const fields = `Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: ${key}\r\n`;
    socket.write(`HTTP/1.1 101 Switching Protocols\r\n${fields}\r\n`);
    socket.on("error", () => socket.destroy());
    socket.on("data", () => socket.end());
  });
}
