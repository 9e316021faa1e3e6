// What an nginx.conf means: cases of a configuration, requests and the answers to expect, one file each in
// corpus/nginx-run/. All of them run in one goodgate-nginx, and where nginx is installed in one nginx as well, so that
// what is expected is nginx's and not ours.
//
// A case is a piece of an http block, "---", and what happens:
//
//   server {                      each server at the beginning of a line listens on {port} and has its root in {dir},
//       location /a { … }         unless the case says "listen" or "root" itself
//   }
//   ---
//   @ page.html                   a file in {dir}
//   | its text
//   > GET /a                      a request, "HTTP/1.1" with "Host: localhost" and "Connection: close" unless it says so
//   > X-Field: value
//   >> its body
//   < 200                         the answer: its status, fields that it has (several of a name joined by ", "),
//   < Content-Type: text/plain    fields that match, fields that it has not, nothing of other fields
//   < Location ~ ^http://
//   < !Vary
//   | its body, whole; unpacked where it is gzip
//   ~ a pattern in its body
//   = access.log                  behind all requests: a file in {dir}
//   | its text
//
// {port}, {port2}: ports of the case; {dir}: its folder; {echo}: the port of a backend, which answers with what it got,
// or as the query of the request says: status=, field=Name:value, body=. The case "# needs nginx 1.25" is left out
// where an older one is installed. Names of maps, zones, formats and upstreams are unique over all cases.
import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer as createHttpServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { isInstalled, runCommand } from "./command.ts";
import { exchange, type RawResponse, until } from "./harness.ts";

const CASES = fileURLToPath(new URL("corpus/nginx-run", import.meta.url));
const OURS = [process.execPath, fileURLToPath(new URL("../bin/goodgate-nginx.js", import.meta.url))];
const PATH = `${process.env["PATH"]}:/usr/sbin`;
const WAIT_MS = 15_000;

interface Step {
  readonly request: string[];
  readonly body: string[];
  readonly answer: string[];
  readonly text: string[];
  readonly patterns: string[];
}

interface Case {
  readonly name: string;
  readonly conf: string;
  readonly needs: string;
  /** Files before and behind the requests. */
  readonly files: Map<string, string[]>;
  readonly results: Map<string, string[]>;
  readonly steps: Step[];
}

function readCase(file: string): Case {
  const [conf = "", story = ""] = readFileSync(join(CASES, file), "latin1").split("\n---\n");
  const needs = /^# needs nginx (\S+)/m.exec(conf)?.[1] ?? "0";
  const [files, results] = [new Map<string, string[]>(), new Map<string, string[]>()];
  const steps: Step[] = [];
  let lines: string[] | null = null;
  const begin = (into: Map<string, string[]>, name: string): void => {
    lines = [];
    into.set(name, lines);
  };
  for (const [index, line] of story.split("\n").entries()) {
    const [, sign, rest = ""] = /^(@|>>|>|<|\||~|=|#) ?(.*)$/.exec(line) ?? [];
    const step = steps.at(-1);
    const wrong = (): never => {
      throw new Error(`${file}: line ${index + 1} of the story: ${line}`);
    };
    if (sign === undefined && line !== "") wrong();
    else if (sign === "@") begin(files, rest);
    else if (sign === "=") begin(results, rest);
    else if (sign === "|") (lines ?? step?.text ?? wrong()).push(rest);
    else if (sign === ">" && (!step || step.answer.length > 0 || lines)) {
      lines = null;
      steps.push({ request: [rest], body: [], answer: [], text: [], patterns: [] });
    } else if (sign === ">") step!.request.push(rest);
    else if (sign === ">>") step!.body.push(rest);
    else if (sign === "<") (step ?? wrong()).answer.push(rest);
    else if (sign === "~") (step ?? wrong()).patterns.push(rest);
  }
  return { name: file.replace(/\.case$/, ""), conf, needs, files, results, steps };
}

const all = readdirSync(CASES)
  .filter((file) => file.endsWith(".case"))
  .map(readCase);

/** Where a case is at home in one program. */
interface Home {
  readonly dir: string;
  readonly ports: readonly [number, number];
}

class Program {
  readonly #command: readonly string[];
  readonly #folder = mkdtempSync(join(tmpdir(), "goodgate-nginx-run-"));
  readonly #homes = new Map<string, Home>();
  #child: ChildProcess | null = null;

  constructor(command: readonly string[]) {
    this.#command = command;
  }

  async start(cases: readonly Case[], echo: number): Promise<void> {
    const ports = await freePorts(cases.length * 2);
    const parts = cases.map((one, index) => {
      const dir = join(this.#folder, one.name);
      this.#homes.set(one.name, { dir, ports: [ports[2 * index]!, ports[2 * index + 1]!] });
      for (const [name, lines] of one.files) write(join(dir, name), lines);
      mkdirSync(dir, { recursive: true });
      return filledIn(withListen(one.conf), this.#homes.get(one.name)!, echo);
    });
    const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(
      (name) => `${name}_temp_path t-${name};`,
    );
    const asRoot = process.geteuid?.() === 0 ? "user root;" : "";
    const http = `access_log off; ${temporary.join(" ")} variables_hash_max_size 4096;\n${parts.join("\n")}`;
    const conf = `${asRoot} error_log error.log info; pid pid; events {}\nhttp {\n${http}\n}\n`;
    writeFileSync(join(this.#folder, "nginx.conf"), conf, "latin1");
    await this.#run();
  }

  async #run(): Promise<void> {
    const [command = "", ...first] = this.#command;
    const options = ["-p", `${this.#folder}/`, "-c", "nginx.conf", "-e", "error.log", "-g", "daemon off;"];
    const child = spawn(command, [...first, ...options], { stdio: "pipe", env: { PATH } });
    this.#child = child;
    let stderr = "";
    child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString("latin1")));
    const ended = new Promise((resolve) => child.once("exit", resolve));
    const pid = (): boolean => readdirSync(this.#folder).includes("pid");
    await until(pid, WAIT_MS, () => `it did not start:\n${stderr}`, ended);
  }

  async stop(): Promise<void> {
    const child = this.#child;
    if (child && child.exitCode === null) {
      const ended = new Promise((resolve) => child.once("exit", resolve));
      child.kill("SIGTERM");
      await ended;
    }
    rmSync(this.#folder, { recursive: true });
  }

  async play({ name, steps, results }: Case, echo: number): Promise<void> {
    const home = this.#homes.get(name)!;
    const fill = (text: string): string => filledIn(text, home, echo);
    for (const step of steps) {
      const sent = fill(requestOf(step));
      const got = await exchange(home.ports[0], sent);
      compare(step, got, fill);
    }
    for (const [file, lines] of results) {
      const expected = fill(lines.map((line) => `${line}\n`).join(""));
      const text = (): string => readFileSync(join(home.dir, file), "latin1");
      // Logs are written a moment later.
      await until(
        () => text().length >= expected.length,
        WAIT_MS,
        () => `${file}: ${text()}`,
      );
      expect(text()).toBe(expected);
    }
  }
}

function write(path: string, lines: readonly string[]): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, lines.join("\n"), "latin1");
}

function withListen(conf: string): string {
  const listen = /\blisten\b/.test(conf) ? "" : " listen 127.0.0.1:{port};";
  const root = /\broot\b/.test(conf) ? "" : " root {dir};";
  return conf.replaceAll(/^server \{/gm, `server {${listen}${root}`);
}

function filledIn(text: string, { dir, ports: [port, port2] }: Home, echo: number): string {
  const values: Readonly<Record<string, string>> = { dir, port: `${port}`, port2: `${port2}`, echo: `${echo}` };
  return text.replace(/\{(dir|port|port2|echo)\}/g, (_, name: string) => values[name]!);
}

function requestOf({ request, body }: Step): string {
  const [line = "", ...fields] = request;
  const full = / HTTP\/\d\.\d$/.test(line) ? line : `${line} HTTP/1.1`;
  const has = (name: string): boolean => fields.some((field) => field.toLowerCase().startsWith(`${name}:`));
  if (!has("host") && full.endsWith("1.1")) fields.push("Host: localhost");
  if (!has("connection")) fields.push("Connection: close");
  const text = body.join("\n");
  if (text !== "" && !has("content-length") && !has("transfer-encoding")) fields.push(`Content-Length: ${text.length}`);
  return `${full}\r\n${fields.map((field) => `${field}\r\n`).join("")}\r\n${text}`;
}

function compare(step: Step, got: RawResponse, fill: (text: string) => string): void {
  const [status, ...fields] = step.answer;
  const about = `${step.request[0]}\n${got.head}\n\n${got.body.toString("latin1").slice(0, 500)}`;
  expect(got.status, about).toBe(Number(status));
  for (const field of fields) {
    const [, absent, name = "", how, value = ""] = /^(!?)([\w-]+)(?:(:| ~) ?(.*))?$/.exec(field) ?? [];
    const present = got.fields.get(name.toLowerCase());
    if (absent) expect(present, about).toBeUndefined();
    else if (how === ":") expect(present, about).toBe(fill(value));
    else expect(present, about).toMatch(new RegExp(fill(value)));
  }
  const packed = got.fields.get("content-encoding") === "gzip" && got.body.length > 0;
  const text = (packed ? gunzipSync(got.body) : got.body).toString("latin1");
  if (step.text.length > 0) expect(text, about).toBe(fill(step.text.join("\n")));
  for (const pattern of step.patterns) expect(text, about).toMatch(new RegExp(fill(pattern), "m"));
}

/** Ports that are free, all of them at one time. */
async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, () => {
      const server = createServer();
      return new Promise<typeof server>((resolve) => server.listen(0, "127.0.0.1", () => resolve(server)));
    }),
  );
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

/** Says what it got, or what the query asks for. */
function echoBack(request: IncomingMessage, response: ServerResponse): void {
  const { searchParams } = new URL(request.url ?? "/", "http://echo");
  const parts: Buffer[] = [];
  request.on("data", (part: Buffer) => parts.push(part));
  request.on("end", () => {
    const fields = request.rawHeaders.flatMap((name, at, list) => (at % 2 === 0 ? [`${name}: ${list[at + 1]}`] : []));
    const told = `${request.method} ${request.url} HTTP/${request.httpVersion}\n${fields.sort().join("\n")}\n\n`;
    response.statusCode = Number(searchParams.get("status") ?? 200);
    response.setHeader("Content-Type", "text/plain");
    for (const field of searchParams.getAll("field")) {
      const [name = "", value = ""] = field.split(/:(.*)/s);
      response.setHeader(name, value);
    }
    response.end(searchParams.get("body") ?? told + Buffer.concat(parts).toString("latin1"));
  });
}

let echo: Server;
let echoPort = 0;

beforeAll(async () => {
  echo = createHttpServer(echoBack);
  await new Promise<void>((resolve) => echo.listen(0, "127.0.0.1", resolve));
  echoPort = (echo.address() as AddressInfo).port;
});

afterAll(() => new Promise((resolve) => echo.close(resolve)));

describe("goodgate-nginx", () => {
  const program = new Program(OURS);
  beforeAll(() => program.start(all, echoPort), WAIT_MS);
  afterAll(() => program.stop());
  test.each(all.map((one) => [one.name, one] as const))("%s", (_, one) => program.play(one, echoPort));
});

const hasNginx = isInstalled("nginx");
const version = hasNginx ? (await runCommand("sh", ["-c", `PATH=${PATH} nginx -v 2>&1`])).stdout : "";

function atLeast(needed: string): boolean {
  const [have = [], want = []] = [version, needed].map((text) =>
    (/[\d.]+/.exec(text)?.[0] ?? "0").split(".").map(Number),
  );
  const at = want.findIndex((part, index) => part !== (have[index] ?? 0));
  return at < 0 || (have[at] ?? 0) > want[at]!;
}

describe.skipIf(!hasNginx)("nginx itself", () => {
  const program = new Program(["nginx"]);
  const known = all.filter(({ needs }) => atLeast(needs));
  beforeAll(() => program.start(known, echoPort), WAIT_MS);
  afterAll(() => program.stop());
  test.each(known.map((one) => [one.name, one] as const))("%s", (_, one) => program.play(one, echoPort));
});
