// Each fault against a bare client: what arrives, and how the connection ends.
import { connect, type Socket } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CAUSES } from "../failure/causes.ts";
import { FAULT_NAMES, FAULTS, type FaultName, readFaultField } from "./faults.ts";
import { type Lab, startLab } from "./server.ts";

let lab: Lab;
beforeAll(async () => {
  lab = await startLab();
});
afterAll(() => lab.close());

type End = "fin" | "rst" | "open";

interface Seen {
  text: string;
  bytes: number;
  end: End;
}

/** Sends the text and reads until the peer ends, `until` is seen, or nothing has come for `quietMs`. */
function talk(address: string, text: string, { quietMs = 400, until = "" } = {}): Promise<Seen> {
  const [host = "", port = ""] = address.split(":");
  return exchange(connect(Number(port), host), text, quietMs, until);
}

function exchange(socket: Socket, text: string, quietMs: number, until: string): Promise<Seen> {
  return new Promise((resolve) => {
    const seen: Seen = { text: "", bytes: 0, end: "open" };
    let quiet: NodeJS.Timeout | undefined;
    const done = (end: End) => {
      clearTimeout(quiet);
      socket.destroy();
      resolve({ ...seen, end });
    };
    const wait = () => {
      clearTimeout(quiet);
      quiet = setTimeout(() => done("open"), quietMs);
    };
    socket.on("data", (chunk: Buffer) => {
      seen.bytes += chunk.length;
      if (seen.text.length < 4_000_000) seen.text += chunk.toString("latin1");
      if (until !== "" && seen.text.endsWith(until)) done("open");
      else wait();
    });
    socket.on("end", () => done("fin"));
    socket.on("error", (error: NodeJS.ErrnoException) => done(error.code === "ECONNRESET" ? "rst" : "open"));
    wait();
    socket.write(text);
  });
}

const get = (path: string, fields = "") => `GET ${path} HTTP/1.1\r\nHost: lab\r\n${fields}\r\n`;
const UPGRADE = "Connection: Upgrade\r\nUpgrade: websocket\r\n";

function requestFor(name: FaultName, query = ""): string {
  const path = `/lab/fault/${name}${query}`;
  switch (FAULTS[name].provoke) {
    case "upgrade":
      return get(path, UPGRADE);
    case "head":
      return get(path).replace("GET", "HEAD");
    case "expect":
      return `POST ${path} HTTP/1.1\r\nHost: lab\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n`;
    case "post":
    case "large-post":
      return `POST ${path} HTTP/1.1\r\nHost: lab\r\nContent-Length: 200000\r\n\r\n${"x".repeat(100_000)}`;
    default:
      return get(path);
  }
}

/** What each fault that strikes a request or a connection must show: how it begins or what it holds, and its end. */
const EXPECTED: Partial<Record<FaultName, [shows: string | RegExp, end: End, query?: string]>> = {
  "reset-on-accept": ["", "rst"],
  "close-on-accept": ["", "fin"],
  "reset-on-first-byte": ["", "rst"],
  "http2-only": ["\0\0\0\x04\0", "fin"],
  "redis-server": ["-ERR", "fin"],
  "smtp-server": ["220 ", "fin"],
  "ssh-server": ["SSH-2.0", "fin"],
  "plain-to-tls": ["\x15\x03", "fin"],
  "close-on-reuse": [/ok\n$/, "open"],
  "reset-on-reuse": [/ok\n$/, "open"],
  "close-idle": [/ok\n$/, "fin", "?ms=5"],
  "reset-idle": [/ok\n$/, "rst", "?ms=5"],
  "close-unannounced": [/ok\n$/, "fin"],
  "unsolicited-on-idle": [/ok\n.*not your bytes$/s, "open", "?ms=5"],
  "extra-bytes-after-response": [/ok\n.*not your bytes$/s, "open"],
  "keep-alive-lie": [/Connection: close.*ok\n$/s, "open"],
  "early-413": ["HTTP/1.1 413", "fin"],
  "early-413-reset": ["HTTP/1.1 413", "rst"],
  "early-200": ["HTTP/1.1 200", "open"],
  "never-read": ["", "rst", "?ms=5"],
  "slow-read": ["", "open", "?ms=1"],
  "reset-during-upload": ["", "rst"],
  "100-continue-refused": ["HTTP/1.1 417", "fin"],
  "100-continue-ignored": ["", "open"],
  "upgrade-refused": ["HTTP/1.1 403", "open"],
  "upgrade-ignored": ["HTTP/1.1 200", "open"],
  "upgrade-garbage": ["\x81\x05hello", "fin"],
  "upgrade-wrong-protocol": [/101.*carrier-pigeon/s, "open"],
  "upgrade-unnamed": ["HTTP/1.1 101", "open"],
  "upgrade-stall": ["", "open"],
  "upgrade-close": ["", "fin"],
  "upgrade-then-reset": [/101.*hello$/s, "rst"],
  "app-500": ["HTTP/1.1 500", "open"],
  "app-502": ["HTTP/1.1 502", "open"],
  "app-503": [/503.*Retry-After: 7/s, "open"],
  "app-504": ["HTTP/1.1 504", "open"],
  "proxy-status-upstream": [/Proxy-Status: inner.lab; error=connection_refused/, "open"],
  "app-500-cut": [/500.*1000\r\n\r\nline/s, "fin"],
  "reset-before-head": ["", "rst"],
  "reset-after-request": ["", "rst"],
  "close-before-head": ["", "fin"],
  "stall-head": ["", "open"],
  "slow-head": [/ok\n$/, "open", "?ms=5"],
  "close-mid-head": [/Content-Ty$/, "fin"],
  "reset-mid-head": [/Content-Ty$/, "rst"],
  "stall-mid-head": [/Content-Ty$/, "open"],
  "drip-head": [/^HTTP\/1\.1 200 OK\r\nContent-Type: text\/plain\r\nContent-Length: 3\r\n\r\nok\n$/, "open", "?ms=0"],
  "garbage-head": [/^\x9d/, "fin"],
  "http-0.9": [/^<p>hello/, "fin"],
  "bad-status-line": ["HTTP/1.1 OK 200", "open"],
  "bad-status-code": ["HTTP/1.1 2OO", "open"],
  "long-status-code": ["HTTP/1.1 2000", "open"],
  "low-status-code": ["HTTP/1.1 099", "open"],
  "bad-version": ["HTTP/3.7", "open"],
  "lowercase-version": ["http/1.1", "open"],
  "nul-in-head": [/a\0b/, "open"],
  "bare-cr-in-head": [/a\rX/, "open"],
  "obs-fold": [/first\r\n second/, "open"],
  "space-before-colon": [/X-Note :/, "open"],
  "space-before-first-field": [/OK\r\n X-Note/, "open"],
  "empty-field-name": [/\r\n: value/, "open"],
  "bad-field-name": [/X\(Note\):/, "open"],
  "field-without-colon": [/X-Note\r\n/, "open"],
  "two-lengths": [/Length: 5.*Length: 3/s, "open"],
  "list-of-lengths": [/Length: 3, 4/, "open"],
  "bad-length": [/Length: 3x/, "open"],
  "empty-length": [/Length: \r\n/, "open"],
  "negative-length": [/Length: -3/, "open"],
  "signed-length": [/Length: \+3/, "open"],
  "overflowing-length": [/Length: 18446744073709551619/, "open"],
  "length-and-chunked": [/Length: 3.*chunked/s, "open"],
  "chunked-in-1.0": [/^HTTP\/1\.0.*chunked/s, "fin"],
  "unknown-coding": [/rot13, chunked/, "open"],
  "chunked-twice": [/chunked, chunked/, "open"],
  "oversized-head": [/X-Big: line.{5000}/, "open", "?bytes=9000"],
  "endless-head": [/X-Field-1000: /, "fin", "?count=2000"],
  "too-many-fields": [/X-99: a\r\n.*ok\n$/s, "open", "?count=100"],
  "hints-103": [/^HTTP\/1\.1 103.*HTTP\/1\.1 103.*200 OK/s, "open"],
  "unasked-100": [/^HTTP\/1\.1 100.*200 OK/s, "open"],
  "1xx-flood": [/103.*200 OK/s, "open", "?count=50"],
  "unasked-101": ["HTTP/1.1 101", "open"],
  "no-reason": ["HTTP/1.1 200 \r\n", "open"],
  "bare-lf-head": [/^[^\r]*\n\nok\n$/, "open"],
  "same-lengths": [/Length: 3.*Length: 3/s, "open"],
  "byte-by-byte": [/ok\n$/, "open"],
  "final-in-pieces": [/ok\n$/, "open", "?ms=5"],
  "short-body": [/Length: 1000\r\n\r\n(.{16}){25}$/s, "fin"],
  "reset-mid-body": [/Length: 1000\r\n\r\n(.{16}){25}$/s, "rst"],
  "stall-mid-body": [/\r\n\r\n(.{16}){25}$/s, "open"],
  "drip-body": [/\r\n\r\n.{1000}$/s, "open", "?ms=1"],
  "large-body": [/Length: 200000\r\n\r\n.{200000}$/s, "open", "?bytes=200000"],
  "oversized-body": [/\r\n10000\r\nline.*\r\n0\r\n\r\n$/s, "open", "?bytes=100000"],
  "body-on-204": [/204.*hello$/s, "open"],
  "body-on-head": [/\r\n\r\nhello\n$/, "open"],
  "broken-gzip": [/Content-Encoding: gzip/, "open"],
  "close-delimited": [/\r\n\r\nhello\n$/, "fin"],
  "close-delimited-reset": [/\r\n\r\nhel$/, "rst"],
  "http-1.0": ["HTTP/1.0 200", "fin"],
  "cut-in-chunk": [/20\r\nonly a part$/, "fin"],
  "reset-in-chunk": [/20\r\nonly a part$/, "rst"],
  "cut-between-chunks": [/hello\n\r\n$/, "fin"],
  "cut-in-chunk-size": [/hello\n\r\n2$/, "fin"],
  "cut-in-last-chunk": [/\r\n0\r\n$/, "fin"],
  "no-last-chunk": [/hello\n\r\n$/, "open"],
  "bad-chunk-size": [/\r\nzz\r\n/, "open"],
  "empty-chunk-size": [/\n\r\n\r\nhello/, "open"],
  "negative-chunk-size": [/\r\n-5\r\n/, "open"],
  "underscore-chunk-size": [/\r\n0_5\r\n/, "open"],
  "prefixed-chunk-size": [/\r\n0x5\r\n/, "open"],
  "chunk-overflow": [/\r\n10000000000000005\r\n/, "open"],
  "chunk-no-crlf": [/helloX0/, "open"],
  "chunk-bare-lf": [/\n5\nhello\n/, "open"],
  "long-chunk-extension": [/5;x=y{1000}/, "open"],
  "bad-trailer": [/0\r\nno colon here/, "open"],
  "chunk-extension": [/5;a=b;c="d"\r\nhello\r\n0;last\r\n\r\n$/, "open"],
  trailers: [/0\r\nX-Checksum: 1234\r\n\r\n$/, "open"],
};

describe("the table", () => {
  test("has at least 55 faults, each with a cause of the table of failures or null", () => {
    expect(FAULT_NAMES.length).toBeGreaterThanOrEqual(55);
    for (const name of FAULT_NAMES) {
      const { cause, description } = FAULTS[name];
      expect(name).toMatch(/^[a-z0-9]+([-.][a-z0-9]+)*$/);
      expect(description).toMatch(/^[A-Z0-9].*\.$/);
      if (cause !== null) expect(CAUSES[cause].live).toBe(true);
    }
  });

  test("every fault that strikes a request has an expectation here", () => {
    const without = FAULT_NAMES.filter((name) => FAULTS[name].how !== "listen" && name !== "crash" && !EXPECTED[name]);
    expect(without).toEqual([]);
  });

  test("X-Lab-Fault is read with its settings", () => {
    expect(readFaultField("stall-head; ms=5 ; after=3; bytes=x")).toEqual({
      name: "stall-head",
      options: { ms: 5, after: 3 },
    });
    expect(readFaultField("toString")).toBeNull();
  });
});

describe("each fault shows what it claims", () => {
  test.concurrent.each(Object.entries(EXPECTED))("%s", async (name, [shows, end, query = ""]) => {
    const fault = name as FaultName;
    let address = lab.address;
    if (FAULTS[fault].how === "accept") ({ address } = await lab.listener(fault));
    const seen = await talk(address, requestFor(fault, query));
    if (typeof shows === "string") expect(seen.text.slice(0, shows.length || 1)).toBe(shows);
    else expect(seen.text).toMatch(shows);
    expect(seen.end).toBe(end);
  });

  test.each(["close-on-reuse", "reset-on-reuse"] as const)("%s: the second request finds the end", async (name) => {
    lab.clear();
    const socket = connect(lab.port, lab.host);
    await new Promise<void>((resolve) => {
      socket.once("data", () => resolve());
      socket.write(get("/lab/fault/" + name));
    });
    const second = await exchange(socket, get("/lab/echo"), 500, "");
    expect([second.bytes, second.end]).toEqual([0, name === "close-on-reuse" ? "fin" : "rst"]);
    expect(lab.deliveries.length).toBe(1);
  });
});
