// Upgrades (WebSocket): node has let go of the client's socket, so the engine takes it as it is, and everything that a
// listener's connections have (back pressure, half-close, the idle limit) holds here, too. The connection ends with its
// one exchange: a second request on it would come past the application.
import type { IncomingMessage } from "node:http";
import type { Server, Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { Engine } from "./engine.ts";
import { NO_CHANGES, requestHeadOf } from "./request-head.ts";

/** Takes over a socket from the server's "upgrade" event; `early` is what came behind the head. */
export function upgrade(engine: Engine, request: IncomingMessage, stream: Duplex, early: Buffer): void {
  const socket = stream as Socket;
  if (socket.destroyed) return;
  const head = requestHeadOf(request, { bodyLength: 0, upgrade: true, strip: "", fields: NO_CHANGES });
  if (!Buffer.isBuffer(head) || engine.closed) {
    socket.destroy();
    return;
  }
  // Another listener (a dev server's own WebSocket, say) gets what no route takes.
  if (!engine.accepts(head) && serverOf(request)?.listenerCount("upgrade") !== 1) return;
  socket.setTimeout(0);
  const connection = engine.connect(socket, socket);
  connection.receive(head, head.length);
  if (early.length > 0 && !connection.closed) connection.receive(early, early.length);
}

/** The server that the request came to; node has it on the socket. */
function serverOf(request: IncomingMessage): Server | undefined {
  return (request.socket as { server?: Server }).server;
}
