// TLS over real sockets, on both sides: which certificate is shown, which is believed, bodies of any framing, and what
// happens where one side speaks plain HTTP.
import { mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { request as httpsRequest } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createServer as createTlsServer, type Server, type TLSSocket, connect as tlsConnect } from "node:tls";
import { afterAll, beforeAll, expect, test } from "vitest";
import { makeCertificates, makeSelfSigned, type TestCertificates } from "../src/lab/certificates.ts";
import { type Lab, startLab } from "../src/lab/server.ts";
import { isInstalled, metricValue, runCommand } from "./command.ts";
import { exchange, pause, RawClient, type RunningGateway, startGateway, until } from "./harness.ts";
import { chunked, seeded, seededBytes, sha256, splits, writeSlowly } from "./origin.ts";

let folder: string;
let lab: Lab;
let certificates: TestCertificates;
let gateway: RunningGateway;
/** TLS in front of the lab: bytes in, bytes out. */
let upstream: Server;
let upstreamPort: number;
let handshakes = 0;

const path = (name: string): string => join(folder, name);

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "goodgate-tls-"));
  certificates = makeCertificates();
  const other = makeSelfSigned("second.test", ["second.test", "*.wild.test"], { from: -1, to: 30 });
  const files = {
    "ca.pem": certificates.ca,
    "first.pem": certificates.good.cert,
    "first.key": certificates.good.key,
    "second.pem": other.cert,
    "second.key": other.key,
  };
  for (const [name, text] of Object.entries(files)) writeFileSync(path(name), text);
  lab = await startLab();
  upstream = createTlsServer(
    { cert: certificates.good.cert, key: certificates.good.key, allowHalfOpen: true },
    onUpstream,
  );
  await new Promise<void>((resolve) => upstream.listen(0, "127.0.0.1", resolve));
  upstreamPort = (upstream.address() as { port: number }).port;
  gateway = await startGateway({
    listen: [
      {
        address: "127.0.0.1:0",
        tls: {
          certificates: [
            { cert: path("first.pem"), key: path("first.key") },
            { cert: path("second.pem"), key: path("second.key") },
          ],
        },
      },
    ],
    upstreams: {
      lab: lab.address,
      secure: { endpoints: [`https://localhost:${upstreamPort}`], tls: { ca: path("ca.pem") } },
      distrusted: { endpoints: [`https://localhost:${upstreamPort}`] },
      unverified: { endpoints: [`https://127.0.0.1:${upstreamPort}`], tls: { verify: false } },
    },
    routes: [
      { path: "/secure/*", strip: "/secure", proxy: "secure" },
      { path: "/distrusted/*", strip: "/distrusted", proxy: "distrusted" },
      { path: "/unverified/*", strip: "/unverified", proxy: "unverified" },
      { path: "/", proxy: "lab" },
    ],
  });
});

afterAll(async () => {
  await gateway?.stop("SIGKILL");
  upstream?.close();
  await lab?.close();
  rmSync(folder, { recursive: true, force: true });
});

function onUpstream(socket: TLSSocket): void {
  handshakes++;
  const inner = new RawClient(lab.port);
  socket.on("error", () => inner.close());
  inner.socket.on("error", () => socket.destroy());
  socket.pipe(inner.socket);
  inner.socket.pipe(socket);
}

interface Answer {
  readonly status: number;
  readonly body: Buffer;
  readonly certificateNames: string;
}

/** One request over TLS on a connection of its own. */
function ask(options: {
  path: string;
  servername?: string;
  method?: string;
  body?: Buffer;
  port?: number;
  chunked?: boolean;
}): Promise<Answer> {
  const { servername = "localhost", body } = options;
  return new Promise((resolve, reject) => {
    const request = httpsRequest(
      {
        host: "127.0.0.1",
        port: options.port ?? gateway.port,
        path: options.path,
        method: options.method ?? "GET",
        servername,
        rejectUnauthorized: false,
        agent: false,
        headers: { Host: "shop.test", ...(body && !options.chunked ? { "Content-Length": body.length } : {}) },
      },
      (response) => {
        const names = (response.socket as TLSSocket).getPeerCertificate().subjectaltname ?? "";
        const parts: Buffer[] = [];
        response.on("data", (part: Buffer) => parts.push(part));
        response.on("error", reject);
        response.on("end", () =>
          resolve({ status: response.statusCode ?? 0, body: Buffer.concat(parts), certificateNames: names }),
        );
      },
    );
    request.on("error", reject);
    request.end(body);
  });
}

test.skipIf(!isInstalled("curl"))("curl with the CA is served, and without it refuses", async () => {
  const url = `https://localhost:${gateway.port}/lab/echo`;
  const resolveTo = ["--resolve", `localhost:${gateway.port}:127.0.0.1`];
  const good = await runCommand("curl", ["-sS", "--cacert", path("ca.pem"), ...resolveTo, url]);
  expect(good).toMatchObject({ code: 0, stderr: "" });
  expect(JSON.parse(good.stdout)).toMatchObject({ method: "GET", target: "/lab/echo" });
  const names = (JSON.parse(good.stdout) as { headers: string[][] }).headers;
  expect(names).toContainEqual(["X-Forwarded-Proto", "https"]);
  expect((await runCommand("curl", ["-sS", ...resolveTo, url])).code).toBe(60);
});

test("the certificate is chosen by SNI, wildcards too; the first where no name fits", async () => {
  const namesFor = async (servername: string): Promise<string> =>
    (await ask({ path: "/lab/echo", servername })).certificateNames;
  expect(await namesFor("localhost")).toContain("localhost");
  expect(await namesFor("second.test")).toContain("second.test");
  expect(await namesFor("SECOND.test")).toContain("second.test");
  expect(await namesFor("a.wild.test")).toContain("second.test");
  expect(await namesFor("a.b.wild.test")).toContain("localhost");
  expect(await namesFor("unknown.test")).toContain("localhost");
  expect(await namesFor("")).toContain("localhost");
});

test("TLS 1.1 is refused and counted; the listener goes on", async () => {
  const before = metricValue(await metrics(), "goodgate_tls_handshakes_failed_total") ?? 0;
  const socket = tlsConnect({
    port: gateway.port,
    host: "127.0.0.1",
    maxVersion: "TLSv1.1",
    minVersion: "TLSv1",
    ciphers: "DEFAULT@SECLEVEL=0",
    rejectUnauthorized: false,
  });
  const code = await new Promise((resolve) =>
    socket
      .once("error", (error: NodeJS.ErrnoException) => resolve(error.code))
      .once("secureConnect", () => resolve("connected")),
  );
  expect(code).not.toBe("connected");
  expect((await ask({ path: "/lab/echo" })).status).toBe(200);
  expect(metricValue(await metrics(), "goodgate_tls_handshakes_failed_total")).toBeGreaterThan(before);
});

test("plain HTTP to the TLS port gets no upstream and ends; the listener goes on", async () => {
  const client = new RawClient(gateway.port);
  client.send("GET /plain HTTP/1.1\r\nHost: shop.test\r\n\r\n");
  await client.closed;
  expect(client.text).not.toContain("HTTP/1.1 2");
  expect(lab.deliveriesOf("/plain")).toEqual([]);
  client.close();
  expect((await ask({ path: "/lab/echo" })).status).toBe(200);
});

test("bodies of a few MiB pass over TLS both ways, on both sides", async () => {
  for (const at of ["", "/secure"]) {
    for (const [index, size] of [0, 1, 16_384, 16_385, 2_500_000].entries()) {
      for (const inChunks of [false, true]) {
        const body = seededBytes(index + 1, size);
        const { body: answer } = await ask({ path: `${at}/lab/echo`, method: "POST", body, chunked: inChunks });
        expect(JSON.parse(answer.toString()), `${at} ${size}`).toMatchObject({
          body: { bytes: size, complete: true, sha256: sha256(body) },
        });
        const down = await ask({ path: `${at}/lab/bytes?n=${size}${inChunks ? "&chunked" : ""}` });
        expect(down.body).toHaveLength(size);
      }
    }
  }
});

test("transfers at the same time over TLS do not mix, with random splits", async () => {
  const jobs = Array.from({ length: 10 }, async (_, index) => {
    const random = seeded(index);
    const body = seededBytes(70 + index, 400_000 + 33_333 * index);
    const socket = tlsConnect({
      port: gateway.port,
      host: "127.0.0.1",
      servername: "localhost",
      rejectUnauthorized: false,
    });
    let text = "";
    socket.on("data", (part: Buffer) => (text += part.toString("latin1")));
    const head = `POST ${index % 2 ? "/secure" : ""}/lab/echo HTTP/1.1\r\nHost: shop.test\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n`;
    await writeSlowly(socket, splits(Buffer.concat([Buffer.from(head), chunked(body, random)]), random), random);
    await new Promise((resolve) => socket.once("end", resolve).once("close", resolve));
    socket.destroy();
    expect(text).toContain(sha256(body));
  });
  await Promise.all(jobs);
});

test("a kept TLS connection carries several requests; so does one to the upstream", async () => {
  const socket = tlsConnect({
    port: gateway.port,
    host: "127.0.0.1",
    servername: "localhost",
    rejectUnauthorized: false,
  });
  let text = "";
  socket.on("data", (part: Buffer) => (text += part.toString("latin1")));
  await ask({ path: "/secure/lab/echo" });
  const before = handshakes;
  for (let round = 1; round <= 5; round++) {
    socket.write("GET /secure/lab/status/204 HTTP/1.1\r\nHost: shop.test\r\n\r\n");
    await until(
      () => text.split("HTTP/1.1 204").length - 1 === round,
      2000,
      () => `round ${round}: ${text.slice(-200)}`,
    );
  }
  expect(handshakes).toBe(before);
  socket.destroy();
});

test("a cut answer ends a TLS connection without close_notify", async () => {
  const error = await ask({ path: "/lab/fault/reset-mid-body" }).then(
    () => null,
    (failure: NodeJS.ErrnoException) => failure,
  );
  expect(error?.code).toBe("ECONNRESET");
});

test("a client that half-closes TLS still gets its answer", async () => {
  const socket = tlsConnect({
    port: gateway.port,
    host: "127.0.0.1",
    servername: "localhost",
    rejectUnauthorized: false,
    ...{ allowHalfOpen: true },
  });
  let text = "";
  socket.on("data", (part: Buffer) => (text += part.toString("latin1")));
  await new Promise((resolve) => socket.once("secureConnect", resolve));
  socket.end("GET /lab/slow?ms=200 HTTP/1.1\r\nHost: shop.test\r\n\r\n");
  await until(
    () => text.includes("slow, but here"),
    3000,
    () => `no answer: ${text}`,
  );
  socket.destroy();
});

test("an upstream with a CA of its own is verified: trusted, untrusted, unverified", async () => {
  expect((await ask({ path: "/secure/lab/echo" })).status).toBe(200);
  expect((await ask({ path: "/unverified/lab/echo" })).status).toBe(200);
  const refused = await ask({ path: "/distrusted/lab/echo" });
  expect(refused.status).toBe(502);
  const entry = await until(
    () => gateway.log().find(({ target }) => target === "/distrusted/lab/echo"),
    2000,
    () => "no log line",
  );
  expect(entry).toMatchObject({ cause: "tls-cert-untrusted", phase: "tls", tls: true });
});

test("a certificate that is replaced on disk is served without a restart; a broken one is not", async () => {
  const at = { servername: "second.test", path: "/lab/echo" };
  const renewed = makeSelfSigned("second.test", ["second.test", "renewed.test"], { from: -1, to: 60 });
  writeFileSync(path("new.pem"), renewed.cert);
  writeFileSync(path("new.key"), renewed.key);
  const busy = tlsConnect({
    port: gateway.port,
    host: "127.0.0.1",
    servername: "second.test",
    rejectUnauthorized: false,
  });
  await new Promise((resolve) => busy.once("secureConnect", resolve));
  // As certbot does: a new file takes the name of the old one.
  renameSync(path("new.key"), path("second.key"));
  renameSync(path("new.pem"), path("second.pem"));
  const end = performance.now() + 8000;
  let names = "";
  while (!names.includes("renewed.test") && performance.now() < end) {
    names = (await ask(at)).certificateNames;
    await pause(100);
  }
  expect(names).toContain("renewed.test");
  expect(busy.destroyed).toBe(false);
  busy.destroy();

  writeFileSync(path("second.pem"), "not a certificate");
  await pause(1500);
  expect((await ask(at)).certificateNames).toContain("renewed.test");
  expect(gateway.output()).toMatch(/second\.pem/);
});

test("TLS to a plain listener is answered or ended, not hung", async () => {
  const plain = await startGateway({ upstreams: { lab: lab.address } });
  try {
    const error = await ask({ path: "/", port: plain.port }).then(
      () => null,
      (failure: NodeJS.ErrnoException) => failure,
    );
    expect(error).not.toBeNull();
    expect((await exchange(plain.port, "GET /lab/echo HTTP/1.1\r\nHost: shop.test\r\n\r\n")).status).toBe(200);
  } finally {
    await plain.stop("SIGKILL");
  }
});

async function metrics(): Promise<string> {
  return (await fetch(`${gateway.consoleUrl}/metrics`)).text();
}
