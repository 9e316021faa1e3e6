// Failures that come from where the program runs rather than from a request: descriptors that run out, a socket that
// it may not open, a client without an address, and clients that leave while there is nobody to tell.
import { spawnSync } from "node:child_process";
import { chmodSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Lab, startLab } from "../src/lab/server.ts";
import { exchange, RawClient, startGateway, until } from "./harness.ts";
import { rawResponse, startRawUpstream } from "./raw-upstream.ts";

let lab: Lab;
let folder: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "goodgate-around-"));
  lab = await startLab();
});

afterAll(async () => {
  await lab?.close();
  rmSync(folder, { recursive: true, force: true });
});

const has = (command: string): boolean => spawnSync(command, ["--version"]).status === 0;
const PROBLEM = "GET /lab/echo HTTP/1.1\r\nHost: h\r\nAccept: application/json\r\n\r\n";

test.skipIf(!has("prlimit"))(
  "no descriptor left for the upstream: 500 proxy_internal_error, and well again afterwards",
  async () => {
    const gateway = await startGateway({ upstreams: { lab: { endpoints: [lab.address], keepalive: "off" } } });
    const limit = (files: string) => spawnSync("prlimit", ["--pid", String(gateway.process.pid), `--nofile=${files}`]);
    try {
      // Everything that is opened once is open after this.
      expect((await exchange(gateway.port, PROBLEM)).status).toBe(200);
      await gateway.entryOf(
        (await exchange(gateway.port, "TRACE / HTTP/1.1\r\nHost: h\r\n\r\n")).fields.get("x-request-id")!,
      );
      const open = new Set(readdirSync(`/proc/${gateway.process.pid}/fd`).map(Number));
      let free = 0;
      while (open.has(free)) free++;
      limit(`${free + 1}:4096`);
      const response = await exchange(gateway.port, PROBLEM);
      expect(response.status).toBe(500);
      expect(response.fields.get("proxy-status")).toMatch(/^goodgate; error=proxy_internal_error/);
      expect(response.fields.get("retry-after")).toBe("10");
      expect((await gateway.entryOf(response.fields.get("x-request-id")!)).cause).toBe("gateway-resource-exhausted");
      limit("4096:4096");
      expect((await exchange(gateway.port, PROBLEM)).status).toBe(200);
    } finally {
      await gateway.stop("SIGKILL");
    }
  },
);

const isRoot = process.getuid?.() === 0;
// Root may open anything: without this capability the mode of the socket counts for it too.
const powerless = ["setpriv", "--bounding-set=-dac_override", "--inh-caps=-dac_override"];
const mayDrop = !isRoot || spawnSync(powerless[0]!, [...powerless.slice(1), "true"]).status === 0;

test.skipIf(!mayDrop || process.platform !== "linux")(
  "a socket that the gateway may not open: connect-permission-denied",
  async () => {
    const path = join(folder, "app.sock");
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(path, resolve));
    chmodSync(path, 0);
    const gateway = await startGateway({ upstreams: { app: `unix:${path}` } }, [], isRoot ? { prefix: powerless } : {});
    try {
      const response = await exchange(gateway.port, PROBLEM);
      expect(response.status).toBe(500);
      expect(response.fields.get("proxy-status")).toMatch(/^goodgate; error=proxy_internal_error/);
      expect(JSON.parse(response.body.toString())).toMatchObject({
        cause: "connect-permission-denied",
        evidence: { errno: "EACCES" },
      });
    } finally {
      await gateway.stop("SIGKILL");
      await new Promise((resolve) => server.close(resolve));
    }
  },
);

test("a client of a Unix socket has no address: nothing is made up, and no field is empty", async () => {
  const upstream = await startRawUpstream(() => rawResponse("ok"));
  const path = join(folder, "edge.sock");
  const gateway = await startGateway({ listen: ["127.0.0.1:0", `unix:${path}`], upstreams: { app: upstream.address } });
  try {
    const socket = connect(path);
    let text = "";
    socket.on("data", (chunk: Buffer) => (text += chunk.toString()));
    socket.write("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    await until(
      () => text.endsWith("ok"),
      2_000,
      () => `got ${JSON.stringify(text)}`,
    );
    socket.destroy();
    // RFC 7239 §6.2: "unknown" where the address is not known.
    expect(upstream.requests[0]).toMatch(/\r\nForwarded: for=unknown;host=h;proto=http\r\n/);
    expect(upstream.requests[0]).not.toMatch(/\r\n[^:\r]+: *\r\n/);
  } finally {
    await gateway.stop("SIGKILL");
    await upstream.close();
  }
});

test("a client that leaves while its second request runs is noticed too", async () => {
  const gateway = await startGateway({ upstreams: { lab: lab.address } });
  try {
    const client = new RawClient(gateway.port);
    client.send(
      "GET /lab/slow?ms=300&first HTTP/1.1\r\nHost: h\r\n\r\nGET /lab/slow?ms=6000&second HTTP/1.1\r\nHost: h\r\nX-Request-Id: second\r\n\r\n",
    );
    await until(
      () => lab.deliveries.some(({ target }) => target.endsWith("&first")),
      2_000,
      () => "nothing arrived",
    );
    // Its FIN comes while the first is running; the second is begun for nobody.
    client.close();
    const second = () => lab.deliveries.find(({ target }) => target.endsWith("&second"));
    await until(second, 2_000, () => "").catch(() => undefined);
    await until(
      () => !second() || second()!.peerLeftAt !== null,
      3_000,
      () => "the upstream works on for nobody",
    );
    expect(await gateway.entryOf("second")).toMatchObject({ cause: "client-closed-request", status: 499 });
  } finally {
    await gateway.stop("SIGKILL");
  }
});
