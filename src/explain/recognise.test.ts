import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { read } from "./formats/read.fixture.ts";

const FOLDER = new URL("../../test/corpus/explain/", import.meta.url);
const CASES = readdirSync(FOLDER)
  .filter((name) => name.endsWith(".txt"))
  .map((name) => {
    const [head = "", ...rest] = readFileSync(new URL(name, FOLDER), "utf8").split("\n---\n");
    return { name, software: /^software: (.+)$/m.exec(head)?.[1] ?? "", text: rest.join("\n---\n").replace(/\n$/, "") };
  });

/** Where the text cannot say it: the line of another program in the same image, or a library's page. */
const AS_WELL: Readonly<Record<string, readonly string[]>> = {
  "ingress-nginx": ["nginx"],
  "http-proxy": ["vite", "node"],
  "gorilla-websocket": ["undefined"],
  node: ["undefined", "node"],
  openssl: ["undefined"],
};

test("pasted lines: the program is known wherever the text says it", () => {
  expect(CASES.length).toBeGreaterThanOrEqual(97);
  const wrong = CASES.map(({ name, software, text }) => ({ name, software, seen: String(read(text).facts.software) }))
    .filter(({ software, seen }) => seen !== software && !AS_WELL[software]?.includes(seen))
    .map(({ name, software, seen }) => `${name}: ${software}, not ${seen}`);
  expect(wrong).toEqual([]);
});

test("pasted lines: none of them is called benign, each has something that speaks or a code", () => {
  for (const { name, text } of CASES) {
    const { benign, messages, codes } = read(text);
    expect([name, benign]).toEqual([name, false]);
    expect([name, messages.length + codes.length > 0]).toEqual([name, true]);
  }
});

test("several lines: facts of the one that failed, codes of all that did", () => {
  const seen = read(
    [
      '203.0.113.9 - - [02/Mar/2026:10:15:03 +0000] "GET /ok HTTP/1.1" 200 157 "-" "curl/8" "-"',
      '2026/03/02 10:15:04 [error] 31#31: *7 connect() failed (111: Connection refused) while connecting to upstream, client: 203.0.113.9, server: , request: "GET /cart HTTP/1.1", upstream: "http://10.0.0.7:3000/cart", host: "shop.example"',
      '203.0.113.9 - - [02/Mar/2026:10:15:04 +0000] "GET /cart HTTP/1.1" 502 157 "-" "curl/8" "-"',
    ].join("\n"),
  );
  expect(seen).toMatchObject({
    format: "nginx-error",
    benign: false,
    facts: { path: "/cart", upstream: "http://10.0.0.7:3000", status: 502 },
    codes: ["errno=ECONNREFUSED", "http-status=502"],
    messages: ["connect() failed (111: Connection refused) while connecting to upstream"],
  });
});

test("free text: time and level are facts", () => {
  expect(read("2026-03-02 10:15:04,123 ERROR shop.orders cannot reach the database")).toMatchObject({
    format: null,
    facts: { time: "2026-03-02 10:15:04,123", level: "error" },
  });
  expect(read("error while reading the file").facts.level).toBeUndefined();
});

test("lines that belong to nothing", () => {
  expect(read("")).toMatchObject({ format: null, codes: [], messages: [], benign: false });
  expect(read("\n\n \n")).toMatchObject({ format: null, messages: [] });
});
