// Requests that two readers could end, route or understand in two ways: each is refused, or goes on so that nobody
// can. One file per case in corpus/requests: what it is about, the exact bytes, "====", what is owed:
//   responses  statuses on the connection, in order      closed     whether the gateway then ends it
//   delivered  what reached the upstream: "METHOD target body-bytes" (a line each), "none", or "unfinished" = no
//              request that an upstream could take for whole
//   has, lacks, trailers   fields of the first delivery   cause      of the last response
// A line of the input stands for itself and CRLF, with a backslash at its end for itself only; \r \n \t \0 \\ \xHH are
// bytes, \R{17000:a} is many. Every case runs three times: at once, byte by byte, and cut in the middle.
import { readdirSync, readFileSync } from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Lab, startLab } from "../src/lab/server.ts";
import {
  type LogEntry,
  pause,
  RawClient,
  type RawResponse,
  type RunningGateway,
  startGateway,
  until,
} from "./harness.ts";

const FOLDER = new URL("corpus/requests/", import.meta.url);
/** How long the gateway gets to do what it should not do. */
const QUIET_MS = 25;

interface Case {
  readonly input: Buffer;
  readonly expected: ReadonlyMap<string, readonly string[]>;
}

let lab: Lab;
let gateway: RunningGateway;

beforeAll(async () => {
  lab = await startLab();
  gateway = await startGateway({ upstreams: { lab: lab.address } });
});

afterAll(async () => {
  await gateway?.stop("SIGKILL");
  await lab?.close();
});

function readCase(name: string): Case {
  const [input = "", expected = ""] = readFileSync(new URL(name, FOLDER), "utf8")
    .replace(/^(?:#.*\n)+/, "")
    .split("====\n");
  const lines = new Map<string, string[]>();
  for (const line of expected.replace(/\n$/, "").split("\n")) {
    const [, key, value] = /^(\w+): ?(.*)$/.exec(line) ?? [];
    if (!key || value === undefined) throw new Error(`${name}: cannot read ${JSON.stringify(line)}`);
    lines.set(key, [...(lines.get(key) ?? []), bytesOf(value)]);
  }
  const text = input.replace(/(?<!\\)((?:\\\\)*)\\\n/g, "$1").replaceAll("\n", "\r\n");
  return { input: Buffer.from(bytesOf(text), "latin1"), expected: lines };
}

const ESCAPES: Readonly<Record<string, string>> = { r: "\r", n: "\n", t: "\t", "0": "\0", "\\": "\\" };

/** latin1 text with its escapes made bytes. */
function bytesOf(text: string): string {
  return text.replace(
    /\\(?:x([0-9a-f]{2})|R\{(\d+):(.)\}|([rnt0\\]))/g,
    (_all, hex: string, count: string, filler: string, name: string) =>
      hex ? String.fromCharCode(Number.parseInt(hex, 16)) : count ? filler.repeat(Number(count)) : ESCAPES[name]!,
  );
}

type Sending = (client: RawClient, input: Buffer) => Promise<void>;

const SENDINGS: Readonly<Record<string, Sending>> = {
  "at once": async (client, input) => client.send(input),
  "byte by byte": async (client, input) => {
    // A few thousand single bytes show nothing that the first and the last of them do not.
    const [from, to] = input.length > 2000 ? [500, input.length - 500] : [input.length, input.length];
    for (let i = 0; i < input.length && client.ending === "open"; i++) {
      const end = i === from ? to : i + 1;
      client.send(input.subarray(i, end));
      i = end - 1;
      await new Promise(setImmediate);
    }
  },
  "in two halves": async (client, input) => {
    client.send(input.subarray(0, input.length >> 1));
    await pause(5);
    client.send(input.subarray(input.length >> 1));
  },
};

const CASES = readdirSync(FOLDER).filter((name) => name.endsWith(".txt"));

test("the corpus is there", () => {
  expect(CASES.length).toBeGreaterThan(150);
});

for (const name of CASES) {
  test(name.replace(/\.txt$/, ""), async () => {
    const { input, expected } = readCase(name);
    for (const [how, send] of Object.entries(SENDINGS)) await run(input, expected, how, send);
  });
}

async function run(input: Buffer, expected: Case["expected"], how: string, send: Sending): Promise<void> {
  lab.clear();
  const client = new RawClient(gateway.port);
  try {
    await send(client, input);
    const responses: RawResponse[] = [];
    const statuses = one(expected, "responses").split(" ").map(Number);
    for (const _ of statuses) responses.push(await client.response("GET", 2_000));
    expect(
      responses.map(({ status }) => status),
      how,
    ).toEqual(statuses);
    if (expected.has("closed")) await expectEnding(client, responses.at(-1)!, one(expected, "closed"), how);
    await pause(QUIET_MS);
    expect(client.text, `${how}: bytes behind the responses`).toBe("");
    expectDelivered(expected.get("delivered") ?? [], how);
    expectFields(expected, how);
    // The log is written in batches: one look per case is enough.
    if (how === "at once" && expected.has("cause"))
      expect((await entryFor(responses.at(-1)!)).cause).toBe(one(expected, "cause"));
  } finally {
    client.close();
  }
}

function one(expected: Case["expected"], key: string): string {
  const [value] = expected.get(key) ?? [];
  if (value === undefined) throw new Error(`the case does not say "${key}"`);
  return value;
}

async function expectEnding(client: RawClient, last: RawResponse, closed: string, how: string): Promise<void> {
  if (closed === "no") {
    expect(last.fields.get("connection"), how).toBeUndefined();
    expect(client.ending, how).toBe("open");
    return;
  }
  // RFC 9112 §9.6: whoever will close says so. An HTTP/1.0 client expects it unsaid, too.
  expect(last.fields.get("connection"), how).toBe("close");
  await until(
    () => client.ending !== "open",
    1_500,
    () => `${how}: the connection stays open`,
  );
  expect(client.ending, how).toBe("fin");
}

function expectDelivered(expected: readonly string[], how: string): void {
  const whole = lab.deliveries.filter((delivery) => delivery.bodyComplete);
  const seen = whole.map(({ method, target, bodyBytes }) => `${method} ${target} ${bodyBytes}`);
  const [first] = expected;
  if (first === "none") expect(lab.deliveries.length + lab.unreadable.length, how).toBe(0);
  else if (first === "unfinished") expect(seen, how).toEqual([]);
  else {
    expect(seen, how).toEqual(expected);
    expect(lab.unreadable, how).toEqual([]);
    for (const { oddities } of lab.deliveries) expect(oddities, how).toEqual([]);
  }
}

function expectFields(expected: Case["expected"], how: string): void {
  const [delivery] = lab.deliveries;
  const lines = delivery?.headers.map(([name, value]) => `${name}: ${value}`) ?? [];
  for (const line of expected.get("has") ?? []) expect(lines, how).toContain(line);
  for (const name of expected.get("lacks") ?? [])
    expect(lines.join("\n").toLowerCase(), how).not.toContain(`${name.toLowerCase()}: `);
  const trailers = expected.get("trailers");
  if (trailers)
    expect(
      delivery?.body.trailers.map(([name]) => name),
      how,
    ).toEqual(trailers);
}

function entryFor(response: RawResponse): Promise<LogEntry> {
  return gateway.entryOf(response.fields.get("x-request-id") ?? "");
}
