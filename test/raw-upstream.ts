// An upstream that keeps the exact bytes it was sent and answers with exact bytes: for what the lab, which reads and
// writes like a server, cannot show (line ends, order and case of fields, answers that come too early).
import { createServer, type Socket } from "node:net";

export interface RawUpstream {
  /** "127.0.0.1:4000" */
  readonly address: string;
  /** All that each connection has received so far, latin1, in the order of their opening. */
  readonly received: string[];
  /** Requests received so far, head and body as they came. */
  readonly requests: string[];
  close(): Promise<void>;
}

/** What to send back for a request: latin1 text; null = nothing yet, and nothing more is read as a request. */
export type RawAnswer = (request: string, socket: Socket) => string | null;

export interface RawOptions {
  /** Answers as soon as the head is there, whatever of the body is still to come. */
  readonly atHead?: boolean;
}

/** Listens on a free port of the loopback interface. */
export async function startRawUpstream(answer: RawAnswer, { atHead = false }: RawOptions = {}): Promise<RawUpstream> {
  const received: string[] = [];
  const requests: string[] = [];
  const sockets = new Set<Socket>();
  const server = createServer({ noDelay: true }, (socket) => {
    const index = received.push("") - 1;
    let unread = "";
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    // A gateway that gives up an attempt resets it: nothing that a test of the gateway has to know.
    socket.on("error", () => socket.destroy());
    socket.on("data", (chunk) => {
      received[index] += chunk.toString("latin1");
      unread += chunk.toString("latin1");
      for (let size = requestSize(unread, atHead); size > 0; size = requestSize(unread, atHead)) {
        const request = unread.slice(0, size);
        unread = unread.slice(size);
        requests.push(request);
        const bytes = answer(request, socket);
        if (bytes === null) return;
        socket.write(bytes, "latin1");
      }
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", resolve);
  });
  const bound = server.address();
  if (bound === null || typeof bound === "string") throw new Error("no port was bound");
  return {
    address: `127.0.0.1:${bound.port}`,
    received,
    requests,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

/** Bytes of the first whole request (with `atHead`: of its head); 0 = it is not there yet. */
function requestSize(text: string, atHead: boolean): number {
  const headEnd = text.indexOf("\r\n\r\n");
  if (headEnd < 0) return 0;
  const head = text.slice(0, headEnd + 2);
  const bodyAt = headEnd + 4;
  if (atHead) return bodyAt;
  if (/\r\ntransfer-encoding: chunked\r\n/i.test(head)) {
    const last = /(?:^|\r\n)0+\r\n(?:[^\r\n]+\r\n)*\r\n/.exec(text.slice(bodyAt));
    return last ? bodyAt + last.index + last[0].length : 0;
  }
  const size = bodyAt + Number(/\r\ncontent-length: *(\d+)/i.exec(head)?.[1] ?? 0);
  return text.length >= size ? size : 0;
}

/** An ordinary response with a body of known length. */
export function rawResponse(body: string, fields = "", status = "200 OK"): string {
  return `HTTP/1.1 ${status}\r\n${fields}Content-Length: ${body.length}\r\n\r\n${body}`;
}
