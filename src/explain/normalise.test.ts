import fc from "fast-check";
import { expect, test } from "vitest";
import { normalise } from "./normalise.ts";
import { recognise } from "./recognise.ts";

const LINE = "2026/03/02 10:15:04 [error] 31#31: *7 connect() failed (111: Connection refused)";

test.each<[wrapper: string, input: string, text: string, facts: object]>([
  ["docker-compose", `web-1  | ${LINE}`, LINE, {}],
  ["docker-compose", `nginx_1 | ${LINE}`, LINE, { software: "nginx" }],
  ["pm2", `0|api      | Error: x`, "Error: x", {}],
  ["cri", `2026-03-02T10:15:04.123456789Z stderr F ${LINE}`, LINE, { time: "2026-03-02T10:15:04.123456789Z" }],
  [
    "time",
    "2026-03-02T10:15:04.1234567Z npm error code 1",
    "npm error code 1",
    { time: "2026-03-02T10:15:04.1234567Z" },
  ],
  ["kubectl", `[pod/web-5d9c7b8f6-abcde/nginx] ${LINE}`, LINE, { software: "nginx" }],
  ["kubectl", `web-5d9c7b8f6-abcde nginx ${LINE}`, LINE, { software: "nginx" }],
  ["syslog", `Mar  2 10:15:04 web1 nginx: ${LINE}`, LINE, { software: "nginx", time: "Mar  2 10:15:04" }],
  [
    "syslog",
    `<134>Mar  2 10:15:04 haproxy[14389]: Proxy shop started.`,
    "Proxy shop started.",
    { software: "haproxy", pid: 14389 },
  ],
  ["syslog", `<165>1 2026-03-02T10:15:04.003Z web1 nginx 31 - - ${LINE}`, LINE, { software: "nginx", pid: 31 }],
  [
    "syslog",
    `<165>1 2026-03-02T10:15:04.003Z web1 app - ID47 [a@1 b="c"] ${LINE}`,
    LINE,
    { time: "2026-03-02T10:15:04.003Z" },
  ],
  ["syslog", `2026-03-02T10:15:04.003+01:00 web1 nginx[31]: ${LINE}`, LINE, { software: "nginx" }],
  ["journald", `Mon 2026-03-02 10:15:04 UTC web1 nginx[31]: ${LINE}`, LINE, { software: "nginx", pid: 31 }],
  [
    "journald",
    `1772446504.123456 web1 systemd[1]: app.service: Failed.`,
    "app.service: Failed.",
    { software: "systemd" },
  ],
  ["cloudfoundry", "2026-03-02 10:15:04 [APP/0] ERR Error: x", "Error: x", { time: "2026-03-02 10:15:04" }],
  ["github-actions", "##[error]Process completed with exit code 1.", "Process completed with exit code 1.", {}],
  ["grep", `/var/log/nginx/error.log:12:${LINE}`, LINE, {}],
  ["quotes", `"${LINE}"`, LINE, {}],
  ["quotes", '"request: \\"GET /\\""', 'request: "GET /"', {}],
  ["code", `\`\`\`log\n${LINE}\n\`\`\``, LINE, {}],
  ["quoting", `> ${LINE}\n> more`, `${LINE}\nmore`, {}],
  ["ansi", `\x1b[31m${LINE}\x1b[0m`, LINE, {}],
  ["ansi", `[31m${LINE}[0m`, LINE, {}],
  ["ansi", `#033[31m${LINE}#033[0m`, LINE, {}],
  [
    "docker-json",
    `{"log":"a \\"b\\"\\n","stream":"stderr","time":"2026-03-02T10:15:04Z"}`,
    'a "b"',
    { time: "2026-03-02T10:15:04Z" },
  ],
  [
    "json",
    '{"level":"error","ts":1.5,"logger":"http.log.error","msg":"EOF","status":502}',
    "EOF",
    { software: "caddy", status: 502, level: "error" },
  ],
  [
    "json",
    '{"level":50,"pid":7,"hostname":"h","err":{"message":"x y","code":"ECONNREFUSED"},"msg":"failed"}',
    'failed\nx y\n"code":"ECONNREFUSED"',
    { level: "error", pid: 7, software: "node" },
  ],
  ["json", '{"message":"caf\\u00e9 cut', "café cut", {}],
  ["logfmt", 'time="2026-03-02T10:15:04Z" level=warning msg="Endpoints \\"a\\""', 'Endpoints "a"', { level: "warn" }],
  [
    "html",
    "<html><head><title>502 Bad Gateway</title><style>b{}</style></head><body><center><h1>502 Bad Gateway</h1></center><hr><center>nginx&#47;1.25</center></body></html>",
    "502 Bad Gateway\n502 Bad Gateway\nnginx/1.25",
    {},
  ],
])("%s is taken off", (wrapper, input, text, facts) => {
  const normalised = normalise(input);
  expect(normalised.text).toBe(text);
  expect(normalised.wrappers).toContain(wrapper);
  expect(normalised.facts).toMatchObject(facts);
});

test("wrappers within wrappers, and lines of several", () => {
  const input = `web-1  | {"log":"2026-03-02T10:15:04Z ERR \\u001b[31mx\\u001b[0m y\\n","stream":"stderr"}\r\nweb-1  | {"log":"second\\n","stream":"stderr"}\r\n`;
  const normalised = normalise(input);
  expect(normalised.text).toBe("ERR x y\nsecond");
  expect(normalised.wrappers).toEqual(["ansi", "docker-compose", "docker-json", "time"]);
});

test.each([
  "web-1 exited with code 137",
  "keep-alive connection closed by upstream",
  "connect ECONNREFUSED 10.0.0.7:3000",
  "> GET /cart HTTP/1.1\n< HTTP/1.1 502 Bad Gateway",
  "'502 Bad Gateway' caused by: 'EOF'",
  "rate(http_requests[5m]) is 0",
  "a < b and c > d",
])("%j has no wrapper", (text) => {
  expect(normalise(text)).toMatchObject({ text, offsets: null, wrappers: [] });
});

test("heroku's tag stays: it belongs to the format", () => {
  expect(normalise("2026-03-02T10:15:04+00:00 heroku[router]: at=error").text).toBe("heroku[router]: at=error");
  expect(normalise("Mar  2 10:15:04 shop heroku/router: at=error").text).toBe("heroku/router: at=error");
});

/** What pastes are made of, so that the wrappers meet. */
const piece = fc.constantFrom(
  "web-1  | ",
  "2026-03-02T10:15:04Z ",
  "stdout F ",
  "Mar  2 10:15:04 h nginx[1]: ",
  "\x1b[31m",
  "\x1b[0m",
  '"',
  "`",
  "```",
  "> ",
  "{",
  "}",
  '{"log":"',
  '{"msg":"a\\nb\\"c"}',
  '","stream":"stderr"}',
  "\\n",
  "\\u00e9",
  "\\",
  "level=error msg=",
  '"a=b"',
  "<html>",
  "<p>",
  "</p>",
  "&amp;",
  "<!--",
  "\n",
  "\r\n",
  " ",
  "\t",
  "\ufeff",
  "error",
  "502",
  ": ",
  ", client: ",
  "é",
  "[error] 1#1: ",
);
const paste = fc.oneof(
  fc.array(piece, { maxLength: 30 }).map((pieces) => pieces.join("")),
  fc.string({ unit: "binary", maxLength: 200 }),
);

test("each character stands where its offset says, but for escapes and what joins pieces", () => {
  let moved = 0;
  fc.assert(
    fc.property(paste, (input) => {
      const { text, offsets } = normalise(input);
      if (offsets === null) {
        expect(text).toBe(input);
        return;
      }
      moved++;
      expect(offsets.length).toBe(text.length + 1);
      for (let at = 0; at < text.length; at++) {
        const from = offsets[at]!;
        expect(from).toBeGreaterThanOrEqual(0);
        expect(from).toBeLessThan(input.length);
        if (text[at] !== input[from]) expect(text[at] === "\n" || "\\&".includes(input[from]!)).toBe(true);
      }
    }),
    { numRuns: 1_000 },
  );
  expect(moved).toBeGreaterThan(100);
});

test("nothing throws, and all ranges lie within the text", () => {
  fc.assert(
    fc.property(paste, (input) => {
      const normalised = normalise(input);
      const { codes, messages } = recognise(normalised);
      for (const [start, end] of [...messages, ...codes.map(({ range }) => range)]) {
        expect(start).toBeGreaterThanOrEqual(0);
        expect(end).toBeGreaterThanOrEqual(start);
        expect(end).toBeLessThanOrEqual(normalised.text.length);
      }
      for (const { code } of codes) expect(code).not.toBe("");
    }),
    { numRuns: 2_000 },
  );
});
