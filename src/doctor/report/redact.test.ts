// No secret reaches an output, in whichever place of the report and in whichever form it stands there.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { DoctorReport } from "../diagnose/model.ts";
import { renderHtml } from "./html.ts";
import { toJson } from "./json.ts";
import { renderMarkdown } from "./markdown.ts";
import { httpTry, targetEvidence } from "./probes.fixture.ts";
import { redactReport } from "./redact.ts";
import { faulty, REPORTS, saying } from "./reports.fixture.ts";
import { renderTerminal } from "./terminal.ts";

const outputs = (report: DoctorReport): Record<string, string> => ({
  terminal: renderTerminal(report, { colour: false, columns: 100_000, verbose: true, unicode: true }).replace(
    /\s+/g,
    "",
  ),
  markdown: renderMarkdown(report).replace(/[\s\\]+/g, ""),
  html: renderHtml(report).replace(/\s+/g, ""),
  json: JSON.stringify(toJson(report)),
});

function keepsSecret(report: DoctorReport, secret: string): void {
  for (const [format, text] of Object.entries(outputs(report))) expect(text.includes(secret), format).toBe(false);
}

const alphabet = "abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789".split("");
/** Long enough that it stands nowhere by chance. */
const secret = fc
  .string({ unit: fc.constantFrom(...alphabet), minLength: 20, maxLength: 40 })
  .map((text) => `q7${text}Zx9`);
const text = (write: (secret: string) => string): ((secret: string) => string) => write;

/** How secrets stand in texts. */
const FORMS: Readonly<Record<string, (secret: string) => string>> = {
  "a cookie in a line": text((s) => `GET / HTTP/1.1, Cookie: sid=${s}; theme=dark`),
  "Set-Cookie": text((s) => `set-cookie: session=${s}; Path=/; HttpOnly`),
  "bearer token": text((s) => `curl -H 'Authorization: Bearer ${s}' https://shop.example.com/`),
  "basic credentials": text((s) => `Authorization: Basic ${s}==`),
  "API key": text((s) => `X-Api-Key: ${s}`),
  "query parameter": text((s) => `https://shop.example.com/cb?page=2&access_token=${s}&x=1`),
  "relative query": text((s) => `/reset?token=${s}`),
  "encoded query": text((s) => `/go?next=%2Fcb%3Ftoken%3D${s}%26page%3D2`),
  userinfo: text((s) => `https://ann:${s}@shop.example.com/`),
  JWT: text((s) => `eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.${s}`),
  "private key": text((s) => `-----BEGIN RSA PRIVATE KEY-----\n${s}\n-----END RSA PRIVATE KEY-----`),
  "JSON member": text((s) => `{"password":"${s}","status":502}`),
  environment: text((s) => `DB_PASSWORD=${s} node server.js`),
  "GitHub token": text((s) => `ghp_${s}${s}`.slice(0, 44)),
  "hidden input": text((s) => `<form><input type="hidden" name="csrf_token" value="${s}"></form>`),
  "meta of a page": text((s) => `<meta content="${s}" name="csrf-token">`),
};

describe.each(Object.entries(FORMS))("%s", (_, write) => {
  test("stands nowhere in any output", () => {
    fc.assert(
      fc.property(secret, (value) => keepsSecret(saying(write(value)), value)),
      { numRuns: 6 },
    );
  });
});

const SECRET_FIELDS = [
  "Cookie",
  "Set-Cookie",
  "Authorization",
  "Proxy-Authorization",
  "X-Api-Key",
  "X-Auth-Token",
  "X-Amz-Security-Token",
  "X-CSRF-Token",
  "X-Session-Id",
  "CF-Access-Jwt-Assertion",
  "X-Amzn-Oidc-Accesstoken",
  "X-Vendor-Secret",
  "Authentication-Info",
];

describe.each(SECRET_FIELDS)("field %s", (name) => {
  test("loses its value, there and where a page or a log repeats it", () => {
    fc.assert(
      fc.property(secret, (value) => {
        const sent = /cookie/i.test(name) ? `sid=${value}; Path=/` : value;
        const report = faulty(
          { summary: `The page said ${value}.` },
          {
            targets: [
              targetEvidence({
                http: [
                  httpTry({
                    fields: [
                      ["Server", "nginx"],
                      [name.toLowerCase(), sent],
                    ],
                    excerpt: `<p>hello ${value}</p>`,
                  }),
                ],
              }),
            ],
          },
        );
        keepsSecret(report, value);
        expect(JSON.stringify(toJson(report))).toContain(name.toLowerCase());
      }),
      { numRuns: 6 },
    );
  });
});

test("a token of a URL is taken out of lines that name it alone", () => {
  const report = faulty(
    { summary: "cache key 7fA93kd0Qpz1 was stale" },
    { url: "https://shop.example.com/?sig=7fA93kd0Qpz1" },
  );
  keepsSecret(report, "7fA93kd0Qpz1");
});

test("names of cookies, attributes and schemes stay, and all that is no secret", () => {
  const fields: [string, string][] = [
    ["Set-Cookie", "sid=abc; Path=/; HttpOnly"],
    ["Authorization", "Bearer abc"],
    ["ETag", '"33a64df551425fcc55e4d42a148795d9"'],
    ["X-Cache-Key", "/cart-v2"],
    ["WWW-Authenticate", 'Basic realm="shop"'],
  ];
  const report = faulty({}, { targets: [targetEvidence({ http: [httpTry({ fields })] })] });
  const [first] = redactReport(report).evidence.targets[0]!.http;
  expect(first!.fields).toEqual([
    ["Set-Cookie", "sid=[redacted]; Path=/; HttpOnly"],
    ["Authorization", "Bearer [redacted]"],
    ...fields.slice(2),
  ]);
  expect(first!.bodyHash).toBe(httpTry().bodyHash);
});

test("a sticky cookie that names a server does not take that name out of the report", () => {
  const fields: [string, string][] = [["Set-Cookie", "SERVERID=app-server-12.prod.example; Path=/"]];
  const report = faulty(
    { summary: "app-server-12.prod.example is down" },
    { targets: [targetEvidence({ http: [httpTry({ fields })] })] },
  );
  expect(redactReport(report).diagnosis.summary).toBe("app-server-12.prod.example is down");
});

test("reports without secrets come out as they are, and redacted ones a second time", () => {
  for (const make of Object.values(REPORTS)) expect(redactReport(make())).toEqual(make());
  const once = redactReport(saying("Cookie: a=b1b1b1b1b1b1b1b1b1b1; /x?token=abcdef012345 https://u:p4ssw0rd@h/"));
  expect(redactReport(once)).toEqual(once);
});

test("links between parts of the report hold", () => {
  const report = faulty();
  const clean = redactReport(report);
  expect(clean.diagnosis.chain.map(({ id }) => id)).toContain(clean.diagnosis.verdict?.hop);
});
