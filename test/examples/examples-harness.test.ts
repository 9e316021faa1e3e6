// The harness of the examples can fail, and accepts what it should: each example here is deliberately wrong in one way,
// or of a shape that entries use.
import { expect, test } from "vitest";
import { indexOf, readEntries } from "../../src/knowledge/read-entries.ts";
import { isInstalled } from "../command.ts";
import { type Example, examplesIn } from "./fences.ts";
import { runExample } from "./run.ts";
import { settingProblem } from "./settings.ts";
import { hastyMs } from "./surroundings.ts";

const { entries } = readEntries(new URL("../../knowledge", import.meta.url).pathname);
const index = indexOf(entries);
const CASE_MS = 30_000;

const PROGRAMS: Readonly<Record<string, string>> = { nginx: "nginx", haproxy: "haproxy", caddyfile: "caddy" };
const isHere = ({ language }: Example): boolean => isInstalled(PROGRAMS[language] ?? "bash");

/** "nginx run=good" and its code as an entry would have them. */
function example(info: string, code: string): Example {
  const [found] = examplesIn("test", `\`\`\`${info}\n${code}\n\`\`\`\n`);
  expect(settingProblem(found!)).toBeNull();
  return found!;
}

const PROXY = "proxy_pass http://127.0.0.1:3000;";
const GOODGATE = 'upstreams: { app: "127.0.0.1:3000" }';

const WRONG: readonly (readonly [info: string, code: string, says: RegExp])[] = [
  ["nginx", "location / { proxy_psas http://127.0.0.1:3000; }", /unknown directive "proxy_psas"/],
  ["nginx", "location / { upstream app { server 127.0.0.1:3000; } }", /"upstream" directive is not allowed here/],
  ["nginx", "proxy_pass http://127.0.0.1:3000", /unexpected|not terminated/],
  ["nginx", `server { listen 80; location / { ${PROXY} }`, /unexpected end of file/],
  ["nginx", "location / { proxy_read_timeout soon; }", /invalid value/],
  ["nginx", "server { listen 80; server_name a; }\nserver { listen 80; server_name a; }", /conflicting server name/],
  ["haproxy", "backend app\n    sevrer a 127.0.0.1:3000", /unknown keyword 'sevrer'/],
  ["haproxy", "sevrer a 127.0.0.1:3000", /unknown keyword 'sevrer'/],
  ["haproxy", "frontend www\n    bind :8080\n    default_backend app\n    acl x", /parsing ACL 'x'/],
  ["haproxy", "backend app\n    server a 127.0.0.1:3000 chekc", /unknown keyword 'chekc'/],
  ["haproxy", "frontend www\n    bind :8080\n    timeout server 5s\n    default_backend app", /will be ignored/],
  ["haproxy", "global\n    maxcon 5", /unknown keyword 'maxcon'/],
  ["caddyfile", "revers_proxy 127.0.0.1:3000", /unrecognized directive/],
  ["caddyfile", ":80 {\n\treverse_proxy 127.0.0.1:3000 {\n\t\tlb_polciy first\n\t}\n}", /unrecognized subdirective/],
  ["goodgate", 'upstream: { app: "127.0.0.1:3000" }', /upstream/],
  ["js", "const a = ;", /SyntaxError/],
  ["sh", "if true; then echo", /syntax error/],
  ["json", '{"a": 1,}', /JSON/],
  ["yaml", "a: 1\n---\nb: [1\n", /flow/i],

  ["nginx run=bad app=down cause=connect-timeout", PROXY, /explain says connect-refused.*not connect-timeout/s],
  ["nginx run=bad app=good cause=connect-refused", PROXY, /not connect-refused/],
  ["nginx run=bad app=down cause=connect-refused status=504", PROXY, /the answer is 502, not 504/],
  ["nginx run=good app=down", PROXY, /the answer is 502, not 200/],
  ["nginx run=good app=short-body", PROXY, /not whole|no response/],
  ["nginx run=good", `return 200 "in the place of 127.0.0.1:3000";`, /no request reached an application/],
  [
    "nginx run=good",
    "location / { proxy_pass http://127.0.0.1:9; error_page 502 =200 @b; } location @b { proxy_pass http://127.0.0.1:3001; }",
    /explain calls it connect-refused/,
  ],
  ["haproxy run=bad app=down cause=response-timeout", "server a 127.0.0.1:3000", /not response-timeout/],
  ["haproxy run=good app=close-before-head", "server a 127.0.0.1:3000", /the answer is 502, not 200/],
  ["caddyfile run=good", "@b host b.example\nreverse_proxy @b 127.0.0.1:3000", /no request reached an application/],
  ["caddyfile run=bad app=close-before-head cause=connect-refused", "reverse_proxy 127.0.0.1:3000", /not connect-ref/],
  ["goodgate run=bad app=down cause=connect-timeout", GOODGATE, /not connect-timeout/],
  ["goodgate run=good app=app-503", GOODGATE, /the answer is 503, not 200/],
  ["js run=client", "process.exit(3);", /Command failed/],
  ["js run=client prints=hello", "console.log('good bye');", /does not print "hello"/],
  ["js run=app", "console.log('no server');", /answers nothing\nno server/],
  [
    "js run=app",
    'import http from "node:http"; http.createServer((_, r) => r.writeHead(500).end()).listen(process.env.PORT);',
    /answers 500/,
  ],
  ["sh run=ok", "false", /Command failed/],
  ["sh run=ok prints=404", "curl -s -o /dev/null -w '%{http_code}' http://127.0.0.1:8080/", /but\n200/],
];

test.concurrent.each(WRONG.map(([info, code, says]) => [info, code, says] as const))(
  "refuses: %s: %s",
  async (info, code, says) => {
    const wrong = example(info, code);
    if (isHere(wrong)) expect(await runExample(wrong, index)).toMatch(says);
  },
  CASE_MS,
);

const RIGHT: readonly (readonly [info: string, code: string])[] = [
  ["nginx", "upstream app { server app.example:3000; }"],
  ["nginx", "resolver 10.0.0.2;\nresolver_timeout 5s;"],
  ["nginx", "map $http_upgrade $c { default upgrade; '' close; }\nlocation ~ \\.php$ { proxy_pass http://somewhere; }"],
  ["nginx", "server { listen 443 ssl; listen [::]:443 ssl; ssl_certificate /a.pem; ssl_certificate_key /b.key; }"],
  ["nginx", "worker_processes auto;\nevents { worker_connections 64; }\nhttp { server { listen 80; return 204; } }"],
  ["nginx", `if ($request_method = "}") { return 405; } # }\n${PROXY}`],
  ["haproxy", "global\n    maxconn 500\n    log /dev/log local0\n    stats socket /run/haproxy.sock"],
  ["haproxy", "listen app\n    bind *:80\n    server a app.example:3000 check"],
  ["haproxy", "timeout server 5s\nserver a 127.0.0.1:3000 ssl verify required ca-file /etc/ca.pem crt /etc/c.pem"],
  ["haproxy", "frontend www\n    bind :443 ssl crt /etc/site.pem\n    use_backend b if { path /b }"],
  ["caddyfile", "a.example, b.example:8443 {\n\treverse_proxy 127.0.0.1:3000\n}\n:80 {\n\trespond ok\n}"],
  ["caddyfile", "{\n\tgrace_period 10s\n}\nshop.example {\n\trespond ok\n}"],
  ["yaml", "a: 1\n---\nb: 2"],
  [
    "nginx run=good app=black-hole",
    "upstream app { server 127.0.0.1:3000; server 127.0.0.1:3001; }\n" +
      "server { listen 80; location / { proxy_connect_timeout 20s; proxy_pass http://app; } }",
  ],
  ["haproxy run=good host=shop.example", "frontend a\n    bind :80\n    use_backend b if { hdr(host) shop.example }"],
  ["js run=client app=app-502 prints=502", "console.log((await fetch(process.env.URL)).status);"],
];

test.concurrent.each(RIGHT.map(([info, code]) => [info, code] as const))(
  "accepts: %s: %s",
  async (info, code) => {
    const right = example(info, code);
    if (isHere(right)) expect(await runExample(right, index)).toBeNull();
  },
  CASE_MS,
);

test.each([
  "ngnix",
  "nginx app=down",
  "nginx run=bad",
  "nginx run=bad app=down",
  "nginx run=bda cause=connect-refused",
  "nginx run=bad cause=conect-refused",
  "nginx run=bad app=dwon cause=connect-refused",
  "nginx run=good cause=connect-refused",
  "nginx run=good statsu=404",
  "nginx run=good status=20",
  "nginx run=good requests=many",
  "nginx run=client",
  "js run=good",
  "sh run=no",
  "sh run=ok loudly",
])("does not know what to do with: %s", (info) => {
  const [found] = examplesIn("test", `\`\`\`${info}\n\n\`\`\`\n`);
  expect(settingProblem(found!)).not.toBeNull();
});

test("finds fences inside lists, with longer marks, with quoted settings, and their lines", () => {
  const text = 'one\n\n- two\n\n  ```sh run=ok prints="a b"\n  echo a\n    b\n  ```\n\n````text\n```\n````\n';
  expect(examplesIn("f.md", text)).toEqual([
    { name: "f.md:5", language: "sh", settings: { run: "ok", prints: "a b" }, code: "echo a\n  b\n" },
    { name: "f.md:10", language: "text", settings: {}, code: "```\n" },
  ]);
});

test("shortened durations keep their order and leave time for what comes after", () => {
  const written = [
    ["300", "ms"],
    ["2", "s"],
    ["10", "s"],
    ["1", "m"],
    ["1", "h"],
  ] as const;
  const waited = written.map(([count, unit]) => hastyMs(count, unit));
  expect(waited).toEqual([...waited].sort((a, b) => a - b));
  expect(waited[3]).toBeLessThan(5_000);
});
