import fc from "fast-check";
import { expect, test } from "vitest";
import { isWireError, type RequestHead } from "../wire/head.ts";
import { parseRequestHead } from "../wire/request-head.ts";
import { shownEvent, shownEvidence, shownFields, shownHost, shownTarget, shownText } from "./capture-text.ts";

test.each([
  ["/cart?page=2&sort=price", "/cart?page=[redacted]&sort=[redacted]"],
  ["/cart?", "/cart?"],
  ["/cart?a=&b=1", "/cart?[redacted]&b=[redacted]"],
  ["/reset?c2VjcmV0dG9rZW4=", "/reset?[redacted]"],
  ["/reset?3f2a9c8b7d6e5f4a=1", "/reset?[redacted]"],
  ['/a?x=it\'s "here" <b>&y=2', "/a?x=[redacted]&y=[redacted]"],
  ["/a?next=/b?token=hunter2", "/a?next=[redacted]"],
  ["/a#access_token=hunter2", "/a#[redacted]"],
  ["/a?b=1#frag", "/a?b=[redacted]#[redacted]"],
  ["http://joe:hunter2@shop.example/a?b=c", "http://[redacted]@shop.example/a?b=[redacted]"],
  ["/app;jsessionid=A1B2C3D4E5F6/cart", "/app;jsessionid=[redacted]/cart"],
  ["/bot123456789:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw1/send", "/bot[redacted]/send"],
  ["/a\x1b[31mb", "/a\\x1b[31mb"],
  ["/reset-password/hunter2-3f2a9c8b7d6e", "/reset-password/[redacted]"],
  ["/auth/callback/step", "/auth/callback/step"],
  ["/orders/3f2a9c8b-7d6e-5f4a-3b2c-1d0e9f8a7b6c", "/orders/3f2a9c8b-7d6e-5f4a-3b2c-1d0e9f8a7b6c"],
  ["/go%3Fa=hunter2&b=1", "/go%3F[redacted]"],
])("target %s is shown as %s", (target, shown) => {
  expect(shownTarget(target)).toBe(shown);
  expect(shownTarget(shown)).toBe(shown);
});

test("texts are bounded, and half a secret at the end is none", () => {
  expect(shownTarget(`/${"a/".repeat(5000)}`)).toHaveLength(1024);
  expect(shownText("x ".repeat(10_000))).toHaveLength(512);
  const jwt = `eyJ${"a".repeat(5000)}.eyJzdWIiOiJtZSJ9.c2lnbmF0dXJl`;
  expect(shownText(`token ${jwt}`)).toBe("token ");
  expect(shownHost("joe:hunter2@shop.example")).toBe("[redacted]@shop.example");
  expect(shownTarget(`/a?${"b=1&".repeat(5000)}`).length).toBeLessThanOrEqual(1024);
});

function headOf(lines: string): RequestHead {
  const bytes = Buffer.from(`GET / HTTP/1.1\r\nHost: a\r\n${lines}\r\n`, "latin1");
  const limits = { lineBytes: 65536, headBytes: 65536, fields: 500 };
  const head = parseRequestHead(bytes, 0, bytes.length, limits);
  if (head === undefined || isWireError(head)) throw new Error("not a head");
  return head;
}

test("fields: what is secret goes, what helps stays", () => {
  const head = headOf(
    [
      "Authorization: Bearer abc.def",
      "authorization: hunter2 and more",
      "Cookie: sid=hunter2; theme=dark",
      "X-Internal-Token: hunter2",
      "X-Secret: hunter2",
      "X-Original-Cookie: sid=hunter2",
      "Referer: https://shop.example/a?token=hunter2&page=it's-hunter2",
      "User-Agent: curl/8.5.0",
      "Accept: text/html;q=0.9",
      "X-Forwarded-For: 192.0.2.7",
      "X-Note: see https://a.example/?q=hunter2 there",
      "",
    ].join("\r\n"),
  );
  expect(shownFields(head)).toEqual([
    ["Host", "a"],
    ["Authorization", "Bearer [redacted]"],
    ["authorization", "[redacted]"],
    ["Cookie", "sid=[redacted]; theme=[redacted]"],
    ["X-Internal-Token", "[redacted]"],
    ["X-Secret", "[redacted]"],
    ["X-Original-Cookie", "sid=[redacted]"],
    ["Referer", "https://shop.example/a?token=[redacted]&page=[redacted]"],
    ["User-Agent", "curl/8.5.0"],
    ["Accept", "text/html;q=0.9"],
    ["X-Forwarded-For", "192.0.2.7"],
    ["X-Note", "see https://a.example/?q=[redacted] there"],
  ]);
});

test("fields: at most 4 KiB of a head, and how many are missing", () => {
  const many = Array.from({ length: 300 }, (_, i) => `X-Field-${i}: ${"v".repeat(40)}`);
  const shown = shownFields(headOf(`X-Long: ${"y".repeat(20_000)} z\r\n${many.join("\r\n")}\r\n`));
  expect(JSON.stringify(shown).length).toBeLessThan(6000);
  expect(shown.find(([name]) => name === "X-Long")![1].length).toBeLessThanOrEqual(512);
  expect(shown.at(-1)![0]).toBe("…");
  expect(shown.length - 1 + Number.parseInt(shown.at(-1)![1], 10)).toBe(302);
});

test("evidence and events: their texts only", () => {
  const evidence = { errno: "ECONNRESET", detail: "\x07 Set-Cookie: sid=hunter2", waitedMs: 3, closeDelimited: true };
  expect(shownEvidence(evidence)).toEqual({ ...evidence, detail: "\\x07 Set-Cookie: sid=[redacted]" });
  const event = { at: 1, upstream: "app", kind: "poison-request", request: "GET /a?b=hunter2", detail: "" } as const;
  expect(shownEvent(event)).toEqual({ ...event, request: "GET /a" });
});

test("property: no value of a query is shown, wherever a URL stands", () => {
  const secret = fc.string({ unit: fc.constantFrom(..."abcXYZ019._~-+/%'!$*"), minLength: 6, maxLength: 40 });
  const name = fc.string({ unit: fc.constantFrom(..."abcdefg_"), minLength: 1, maxLength: 8 });
  fc.assert(
    fc.property(fc.array(fc.tuple(name, secret), { minLength: 1, maxLength: 8 }), (pairs) => {
      const query = pairs.map(([key, value]) => `${key}=Q${value}Q`).join("&");
      for (const text of [shownTarget(`/a?${query}`), shownText(`see http://a.example/b?${query} now`)]) {
        for (const [key, value] of pairs) {
          expect(text).not.toContain(`Q${value}Q`);
          if (text.length < 400) expect(text).toContain(`${key}=[redacted]`);
        }
      }
    }),
  );
});

test("texts that are made to take long do not", () => {
  const from = performance.now();
  for (const unit of [
    "a",
    "#",
    "?",
    "=",
    "&",
    "/token/",
    "token",
    "#=",
    "%3f",
    "eyJ",
    "a=",
    "/a?b=c#d=",
    '"',
    "\x07",
  ]) {
    const text = unit.repeat(70_000 / unit.length);
    for (const shown of [shownText(text), shownTarget(text), shownTarget(`/${text}`), shownHost(text)]) {
      expect(shown.length).toBeLessThanOrEqual(1024);
    }
    shownFields(headOf(`X-Long: ${text.replace(/\x07/g, "b").slice(0, 30_000)}\r\n`));
  }
  // 70 texts of 70 KB; a pattern that looks at each character again for each other takes minutes.
  expect(performance.now() - from).toBeLessThan(5_000);
});
