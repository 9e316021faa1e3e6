// Requests that wait: sent on connections of their own and answered when the time has come; and the upstream that they
// wait for, as the lab plays it.
import { createServer } from "node:net";
import { type Lab, type LabOptions, startLab } from "../src/lab/server.ts";
import { RawClient, type RawResponse, type RunningGateway } from "./harness.ts";

/** Longer than any test: nobody comes back by himself. */
const LONG_MS = 600_000;

/** Below the ports that systems give to outgoing connections: such a one might own the port while nothing listens. */
const PORTS = { from: 12_000, to: 32_000 };

/** A free port that is still free after something that listened there has gone for a while. */
export async function lastingPort(): Promise<number> {
  for (;;) {
    const port = PORTS.from + Math.floor(Math.random() * (PORTS.to - PORTS.from));
    const server = createServer();
    const free = await new Promise<boolean>((resolve) => {
      server.once("error", () => resolve(false)).listen(port, "127.0.0.1", () => resolve(true));
    });
    if (!free) continue;
    await new Promise((resolve) => server.close(resolve));
    return port;
  }
}

/** A lab that can go down and come back. */
export async function startLastingLab(options: LabOptions = {}): Promise<Lab> {
  return startLab({ ...options, port: await lastingPort() });
}

/** A route for each upstream, by the first segment of the path. */
export function routesTo(names: readonly string[]): object[] {
  return names.map((name) => ({ path: `/${name}/*`, strip: `/${name}`, proxy: name }));
}

/** Nothing listens any more; `lab.listen()` brings it back. */
export function down(lab: Lab): void {
  lab.crash(LONG_MS);
}

/** A request under way. */
export interface Asked {
  readonly id: string;
  readonly client: RawClient;
  readonly response: Promise<RawResponse>;
}

let serial = 0;

/** Sends a request on a connection of its own; the answer may take its time. */
export function askAt(to: RunningGateway, target: string, body?: Buffer | "chunked"): Asked {
  const id = `hold-${serial++}`;
  const client = new RawClient(to.port);
  client.send(requestOf(target, id, body));
  const response = client.response("GET", 18_000);
  // Some of them are asked for an answer late, or never.
  response.catch(() => undefined);
  return { id, client, response };
}

/** GET, or POST where there is a body. */
export function requestOf(target: string, id: string, body?: Buffer | "chunked"): Buffer {
  const framing =
    body === undefined
      ? ""
      : body === "chunked"
        ? "Transfer-Encoding: chunked\r\n"
        : `Content-Length: ${body.length}\r\n`;
  const method = body === undefined ? "GET" : "POST";
  const head = `${method} ${target} HTTP/1.1\r\nHost: shop.test\r\nX-Request-Id: ${id}\r\n${framing}\r\n`;
  const content =
    body === "chunked" ? Buffer.from("5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n") : (body ?? Buffer.alloc(0));
  return Buffer.concat([Buffer.from(head), content]);
}

/** The upstream answers once: it is worth waiting for. */
export async function works(to: RunningGateway, upstream: string): Promise<void> {
  const { response, client } = askAt(to, `/${upstream}/lab/echo`);
  const { status } = await response;
  if (status !== 200) throw new Error(`${upstream} answers ${status}`);
  client.close();
}

/** Ids of the requests that reached the lab, in their order. */
export function delivered(lab: Lab): string[] {
  return lab.deliveries.map(({ headers }) => headers.find(([name]) => name === "X-Request-Id")?.[1] ?? "");
}

/** What they were answered. */
export async function statusesOf(asked: readonly Asked[]): Promise<number[]> {
  const responses = await Promise.all(asked.map(({ response }) => response));
  for (const { client } of asked) client.close();
  return responses.map(({ status }) => status);
}
