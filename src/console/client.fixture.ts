// What tests of the console ask with: a request whose every field they choose, raw bytes, and a reader of events.
import * as http from "node:http";
import * as https from "node:https";
import { createConnection, type Socket } from "node:net";
import { gunzipSync } from "node:zlib";
import type { ConsoleServer } from "./options.ts";

export interface Answer {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: string;
}

export type Ask = https.RequestOptions & { readonly body?: string; readonly tls?: boolean };

const where = ({ address }: ConsoleServer) =>
  address.kind === "tcp"
    ? { host: address.host === "::1" ? "::1" : "127.0.0.1", port: address.port }
    : { socketPath: address.path };

/** Sends one request on a connection of its own. */
export function ask(server: ConsoleServer, path: string, { body, tls = false, ...options }: Ask = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = (tls ? https : http).request({ ...where(server), path, agent: false, ...options }, (response) => {
      const parts: Buffer[] = [];
      response.on("data", (part: Buffer) => parts.push(part));
      response.on("error", reject);
      response.on("end", () => {
        const bytes = Buffer.concat(parts);
        const text = response.headers["content-encoding"] === "gzip" ? gunzipSync(bytes) : bytes;
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text.toString("utf8") });
      });
    });
    request.on("error", reject);
    request.end(body);
  });
}

/** As a program would: POST of JSON without Origin. */
export function post(server: ConsoleServer, path: string, value: unknown, options: Ask = {}): Promise<Answer> {
  const headers = { "Content-Type": "application/json", ...options.headers };
  return ask(server, path, { ...options, method: "POST", headers, body: JSON.stringify(value) });
}

/** A connection to write bytes on. */
export function connect(server: ConsoleServer): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const at = where(server);
    const socket = "socketPath" in at ? createConnection(at.socketPath) : createConnection(at.port, at.host);
    socket.once("connect", () => resolve(socket));
    socket.on("error", reject);
  });
}

/** Writes bytes; resolves with all that came until the other side closed. */
export async function raw(server: ConsoleServer, request: string): Promise<string> {
  const socket = await connect(server);
  let text = "";
  socket.on("data", (data) => {
    text += data.toString("latin1");
  });
  socket.write(request);
  await new Promise((resolve) => socket.once("close", resolve));
  return text;
}

export interface Events {
  readonly status: number;
  readonly body: () => string;
  /** Resolves with the text once it matches. */
  until(pattern: RegExp): Promise<string>;
  readonly ended: Promise<void>;
  /** Stops to read, and goes on. */
  pause(): void;
  resume(): void;
  close(): void;
}

const TAIL_CHARS = 500_000;

/** Opens a stream of events. */
export function events(server: ConsoleServer, path: string, headers: http.OutgoingHttpHeaders = {}): Promise<Events> {
  return new Promise((resolve, reject) => {
    const request = http.request({ ...where(server), path, agent: false, headers }, (response) => {
      const parts: string[] = [];
      const body = (): string => parts.join("");
      // Looked at with each part that comes: the whole would be megabytes each time.
      let tail = "";
      const waiting = new Set<(text: string) => void>();
      const ended = new Promise<void>((end) => response.once("close", () => end()));
      response.on("error", () => undefined);
      response.on("data", (part: Buffer) => {
        const text = part.toString("utf8");
        parts.push(text);
        tail = (tail + text).slice(-TAIL_CHARS);
        for (const look of waiting) look(tail);
      });
      const until = (pattern: RegExp): Promise<string> =>
        new Promise((found, failed) => {
          const look = (text: string): void => {
            if (!pattern.test(text)) return;
            waiting.delete(look);
            found(body());
          };
          waiting.add(look);
          void ended.then(() => failed(new Error(`the stream ended before ${pattern}: ${tail.slice(-500)}`)));
          look(body());
        });
      resolve({
        status: response.statusCode ?? 0,
        body,
        until,
        ended,
        pause: () => response.pause(),
        resume: () => response.resume(),
        close: () => request.destroy(),
      });
    });
    request.on("error", reject);
    request.end();
  });
}
