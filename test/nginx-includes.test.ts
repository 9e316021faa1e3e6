// Subrequests end to end: what SSI includes comes in its order however long each part takes, a part that is cut cuts the
// whole, a client that leaves takes its subrequests with it, and who reads slowly makes the upstreams wait.
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import type { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { pause, RawClient, until } from "./harness.ts";
import { lastingPort } from "./held.ts";
import { headFrom, type Origin, startOrigin } from "./origin.ts";

const PROGRAM = fileURLToPath(new URL("../bin/goodgate-nginx.js", import.meta.url));
const WAIT_MS = 15_000;
const AS_STARTED = process.geteuid?.() === 0 ? "user root;" : "";

const PAGES: Readonly<Record<string, string>> = {
  "two.html": '[<!--# include virtual="/up/one" -->|<!--# include virtual="/up/two" -->]',
  "one.html": '[<!--# include virtual="/up/one" -->]',
  "waits.html": '[<!--# include virtual="/up/one" wait="yes" -->|<!--# include virtual="/up/two" -->]',
  "circle.html": '<!--# include virtual="/circle.html" -->.',
};

let folder: string;
let port: number;
let program: ChildProcess;
let origin: Origin;
/** What the upstream was asked for in this test. */
let asked = new Map<string, Socket>();
const clients: RawClient[] = [];

const read = (name: string): string =>
  existsSync(join(folder, name)) ? readFileSync(join(folder, name), "latin1") : "";

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "goodgate-nginx-includes-"));
  port = await lastingPort();
  origin = await startOrigin((socket) => {
    void headFrom(socket).then((head) => asked.set(head.split(" ")[1]!, socket));
  });
  for (const [name, text] of Object.entries(PAGES)) writeFileSync(join(folder, name), text);
  writeFileSync(
    join(folder, "nginx.conf"),
    `${AS_STARTED} daemon off; pid nginx.pid; error_log error.log info; events {}
http {
  access_log off;
  client_body_temp_path b; proxy_temp_path p; fastcgi_temp_path f; uwsgi_temp_path u; scgi_temp_path s;
  server {
    listen 127.0.0.1:${port};
    root ${folder};
    location / { ssi on; }
    location /up/ { proxy_pass http://${origin.address}; }
  }
}
`,
  );
  program = spawn(process.execPath, [PROGRAM, "-p", `${folder}/`, "-c", "nginx.conf", "-e", "error.log"], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  let output = "";
  program.stderr!.on("data", (chunk: Buffer) => (output += chunk.toString()));
  const ended = new Promise<void>((resolve) => program.once("exit", () => resolve()));
  await until(
    () => read("nginx.pid") || undefined,
    WAIT_MS,
    () => `it did not start:\n${output}`,
    ended,
  );
}, WAIT_MS);

afterAll(async () => {
  program.kill("SIGKILL");
  await origin.close();
  rmSync(folder, { recursive: true });
});

afterEach(() => {
  for (const client of clients.splice(0)) client.close();
  asked = new Map();
});

function ask(path: string): RawClient {
  const client = new RawClient(port);
  clients.push(client);
  client.send(`GET ${path} HTTP/1.0\r\n\r\n`);
  return client;
}

const theAsked = (path: string): Promise<Socket> =>
  until(
    () => asked.get(path),
    WAIT_MS,
    () => `nobody asked for ${path}`,
  );

const bodyIs = (client: RawClient, text: string): Promise<unknown> =>
  until(
    () => client.text.split("\r\n\r\n")[1] === text,
    WAIT_MS,
    () => `not ${text}: ${client.text}`,
  );

const HEAD = "HTTP/1.0 200 OK\r\n\r\n";

test("all are asked at once and stand in their order; the first comes as it is sent", async () => {
  const client = ask("/two.html");
  const [one, two] = [await theAsked("/up/one"), await theAsked("/up/two")];
  two.end(`${HEAD}second`);
  one.write(`${HEAD}fir`);
  await bodyIs(client, "[fir");
  one.end("st");
  await client.closed;
  await bodyIs(client, "[first|second]");
});

test("behind one with wait the next is asked when it is there", async () => {
  const client = ask("/waits.html");
  const one = await theAsked("/up/one");
  one.write(`${HEAD}first`);
  await bodyIs(client, "[first");
  expect(asked.has("/up/two")).toBe(false);
  one.end();
  (await theAsked("/up/two")).end(`${HEAD}second`);
  await client.closed;
  await bodyIs(client, "[first|second]");
});

test("a part that is cut cuts the whole", async () => {
  const client = ask("/one.html");
  const one = await theAsked("/up/one");
  one.write("HTTP/1.0 200 OK\r\nContent-Length: 100\r\n\r\npart");
  await bodyIs(client, "[part");
  one.destroy();
  await client.closed;
  expect(client.ending).toBe("rst");
  expect(client.text).not.toContain("]");
});

test("a part whose upstream fails before it answers is that failure's page, and the rest goes on", async () => {
  const client = ask("/one.html");
  (await theAsked("/up/one")).destroy();
  await client.closed;
  expect(client.ending).toBe("fin");
  expect(client.text).toMatch(/^HTTP\/1.1 200 /);
  expect(client.text).toMatch(/\[[\s\S]*502[\s\S]*\]$/);
});

test("a client that leaves takes its subrequests with it", async () => {
  const client = ask("/one.html");
  const one = await theAsked("/up/one");
  const closed = new Promise((resolve) => one.once("close", resolve));
  one.on("end", () => one.end());
  client.socket.resetAndDestroy();
  await closed;
});

test("a document that includes itself ends", async () => {
  const client = ask("/circle.html");
  await client.closed;
  expect(client.text).toContain("[an error occurred while processing the directive].");
  expect(read("error.log")).toContain('subrequests cycle while processing "/circle.html"');
});

test("who does not read makes the upstream wait, and gets all of it later", async () => {
  const client = ask("/one.html");
  client.socket.pause();
  const one = await theAsked("/up/one");
  one.write(HEAD);
  const piece = Buffer.alloc(1024 * 1024, "x");
  let written = 0;
  // Sockets hold some megabytes on each side; a program that does not wait takes all of it.
  while (written < 200 && one.write(piece)) written++;
  for (let quiet = 0; quiet < 10 && written < 200; quiet++) {
    await pause(50);
    while (written < 200 && one.writableLength === 0 && one.write(piece)) {
      written++;
      quiet = 0;
    }
  }
  expect(written).toBeLessThan(100);
  one.end();
  client.socket.resume();
  await client.closed;
  expect(client.text.endsWith("x]")).toBe(true);
});
