// What cannot be used: each wrong input is named in a clear line, the rest still runs, nothing ends in a stack trace,
// nothing hangs, and exit code 2 is kept for when nothing could be looked at.
import { execFileSync } from "node:child_process";
import { mkdirSync, truncateSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Chain } from "./chain.ts";
import { nginx } from "./programs.ts";
import { lacks, type Result, runDoctor } from "./run.ts";
import { nginxSite, nginxTime } from "./shapes.ts";

const TOOK_MS_MAX = 12_000;
const REFUSED =
  "[error] 7#7: *1 connect() failed (111: Connection refused) while connecting to upstream, client: 203.0.113.9, " +
  'server: shop.test, request: "GET / HTTP/1.1", upstream: "http://192.0.2.7:3000/", host: "shop.test"\n';

let chain: Chain;
beforeEach(() => {
  chain = new Chain();
});
afterEach(() => chain.close());

/** Doctor on these words; what holds for every run is held here. */
async function doctor(url: string | null, ...args: string[]): Promise<Result> {
  const result = await runDoctor(chain, { url, args: [...args, "--timeout", "2s"] });
  const { code, stdout, stderr, tookMs } = result;
  expect([0, 1, 2], `${stdout}${stderr}`).toContain(code);
  expect(`${stdout}${stderr}`).not.toMatch(/\n\s+at .*(?:\.js|node:)/);
  expect(tookMs).toBeLessThan(TOOK_MS_MAX);
  return result;
}

const problemsOf = ({ said }: Result): string =>
  (said?.problems ?? []).map(({ input, text }) => `${input}: ${text}`).join("\n");

describe("nothing can be done: exit code 2 and a line on standard error", () => {
  test.each([
    ["http://exa mple/", "blank"],
    ["ftp://127.0.0.1/", "ftp"],
    ["http://127.0.0.1:99999/", "99999"],
    ["http://", "host"],
    ["http://user:secret@127.0.0.1/", "credentials"],
    ["http://127.0.0.1:0/", "0"],
    ["", "empty"],
  ])("%s", async (url, says) => {
    const { code, stdout, stderr } = await doctor(url);
    expect(code).toBe(2);
    expect(stderr).toContain(says);
    expect(stdout).toBe("");
    expect(stderr).not.toContain("secret");
  });

  test("nothing is asked", async () => {
    const { code, stderr } = await doctor(null);
    expect(code).toBe(2);
    expect(stderr).toContain("goodgate doctor");
  });

  test("the only file is missing", async () => {
    const result = await doctor(null, "--config", chain.path("no/nginx.conf"));
    expect(result.code).toBe(2);
    expect(problemsOf(result) + result.stderr).toContain("no/nginx.conf");
  });
});

describe("the rest still runs", () => {
  const wrong: Readonly<Record<string, () => string[]>> = {
    "a configuration that is missing": () => ["--config", chain.path("none.conf")],
    "a log that is missing": () => ["--log", chain.path("none.log")],
    "a folder as log": () => {
      mkdirSync(chain.path("folder"));
      return ["--log", chain.path("folder")];
    },
    "a folder as configuration": () => {
      mkdirSync(chain.path("folder"));
      return ["--config", chain.path("folder")];
    },
    "an image as configuration": () => ["--config", chain.file("logo.png", noise(20_000))],
    "prose as configuration": () => ["--config", chain.file("README.md", "# Shop\n\nHow to run the shop.\n")],
    "an empty configuration": () => ["--config", chain.file("nginx.conf", "")],
    "a broken nginx.conf": () => ["--config", chain.file("nginx.conf", "http {\n server { listen 80; location / { ")],
    "broken YAML": () => ["--config", chain.file("compose.yaml", "services:\n  web: [\n")],
    "a CA that is none": () => ["--ca", chain.file("ca.pem", "hello\n")],
    "an origin that is none": () => ["--origin", "not an address"],
    "a number that is none": () => ["--requests", "many"],
    "a chain of unknown hops": () => ["--chain", "moon > nginx > node"],
    "a what-if that is none": () => ["--what-if", "faster"],
  };

  test.each(Object.keys(wrong))("%s", async (name) => {
    const app = await chain.app();
    const result = await doctor(`http://${app.address}/`, ...wrong[name]!());
    expect(result.said?.outcome, result.stdout).toBe("healthy");
    expect(result.said?.verdict).toBeNull();
    expect(problemsOf(result), result.stdout.slice(0, 2_000)).not.toBe("");
    expect(result.code).toBe(0);
  });

  test("a log of bytes that are no text", async () => {
    const app = await chain.app();
    const result = await doctor(`http://${app.address}/`, "--log", chain.file("access.log", noise(200_000)));
    expect(result.said?.outcome).toBe("healthy");
    expect(result.said?.verdict).toBeNull();
  });

  test("a pipe that nobody writes to", async () => {
    const app = await chain.app();
    const pipe = chain.path("pipe.log");
    execFileSync("mkfifo", [pipe]);
    const result = await doctor(`http://${app.address}/`, "--log", pipe, "--config", pipe);
    expect(result.said?.outcome).toBe("healthy");
    expect(problemsOf(result)).toContain("pipe.log");
  });

  test("a log of 2 GB, almost all of it a hole", async () => {
    const app = await chain.app();
    const log = chain.file("huge.log", `${nginxTime(60_000)} ${REFUSED}`);
    truncateSync(log, 2 ** 31);
    const result = await doctor(`http://${app.address}/`, "--log", log);
    expect(result.said, result.stderr).not.toBeNull();
  });

  test("a configuration of 60 MB", async () => {
    const app = await chain.app();
    const config = chain.file("nginx.conf", "# a comment that is repeated\n".repeat(2_100_000));
    const result = await doctor(`http://${app.address}/`, "--config", config);
    expect(result.said?.outcome, result.stderr).toBe("healthy");
  });

  test("a configuration that includes itself", async () => {
    const app = await chain.app();
    const config = chain.path("nginx.conf");
    chain.file("nginx.conf", `events {}\nhttp { include ${config}; }\n`);
    const result = await doctor(`http://${app.address}/`, "--config", config);
    expect(result.said?.outcome, result.stderr).toBe("healthy");
  });
});

describe("logs in another encoding are read", () => {
  const text = `${nginxTime(60_000)} ${REFUSED}`.repeat(5);
  test.each([
    ["UTF-16, little endian", Buffer.from(`\ufeff${text}`, "utf16le")],
    ["UTF-16, big endian", Buffer.from(`\ufeff${text}`, "utf16le").swap16()],
    ["gzip", gzipSync(text)],
    ["UTF-8 with a byte order mark and CR LF", Buffer.from(`\ufeff${text.replaceAll("\n", "\r\n")}`)],
  ])("%s", async (_, bytes) => {
    const { said, stdout } = await doctor(null, "--log", chain.file("error.log", bytes));
    expect(said?.verdict?.class, stdout.slice(0, 2_000)).toBe("connect-refused");
  });
});

describe.skipIf(lacks(["nginx"]) !== null)("a fault is found beside what is wrong", () => {
  test("a missing log, a foreign configuration and the right one", async () => {
    const dead = await chain.nowhere();
    const { address, config } = await nginx(chain, nginxSite([dead]));
    const others = ["--log", chain.path("none.log"), "--config", chain.file("photo.jpg", noise(5_000))];
    const result = await doctor(`http://${address}/`, "--config", config, ...others);
    expect(result.said?.verdict).toMatchObject({ class: "connect-refused", certainty: "proven" });
    expect(problemsOf(result)).toContain("none.log");
    expect(problemsOf(result)).toContain("photo.jpg");
  });
});

/** Bytes that no encoding has, the same with each run. */
function noise(count: number): Buffer {
  const bytes = Buffer.alloc(count);
  let state = 12_345;
  for (let at = 0; at < count; at++) {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
    bytes[at] = state >> 16;
  }
  return bytes;
}
