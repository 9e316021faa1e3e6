// goodgate-nginx beside nginx itself: the same files, the same command line, and then the same bytes on standard
// output and standard error, the same exit code, the same lines in the error log and the same files made. Each program
// gets a folder of its own; the folder's name, times and process numbers are masked. Skipped where no nginx is.
// What differs on purpose is at the end of the file, with its reason.
import { spawn } from "node:child_process";
import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, test } from "vitest";
import { isInstalled } from "./command.ts";

const OURS = [process.execPath, fileURLToPath(new URL("../bin/goodgate-nginx.js", import.meta.url))];
const THEIRS = ["nginx"];
const PATH = `${process.env["PATH"]}:/usr/sbin:/usr/local/sbin`;
const whyNot = isInstalled("nginx") ? null : "no nginx is installed here";
/** nobody */
const UNPRIVILEGED = 65_534;
const isRoot = process.geteuid?.() === 0;

interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** Every file that is there afterwards; of logs, their lines. */
  readonly files: Readonly<Record<string, string>>;
}

interface Case {
  readonly name: string;
  /** "DIR" is the folder. */
  readonly args: readonly string[];
  readonly files?: Readonly<Record<string, string>>;
  /** Nobody may read these. */
  readonly closed?: readonly string[];
  readonly unprivileged?: true;
  /** The exit code, so that a case cannot pass by failing for another reason. */
  readonly code: 0 | 1;
}

const root = mkdtempSync(join(tmpdir(), "goodgate-nginx-command-"));
chmodSync(root, 0o755);
afterAll(() => rmSync(root, { recursive: true }));

let runs = 0;

type Given = Omit<Case, "name" | "code">;

async function run(
  program: readonly string[],
  { args, files = {}, closed = [], unprivileged }: Given,
  env: Record<string, string> = {},
) {
  runs += 1;
  const folder = join(root, String(runs).padStart(4, "0"));
  const given = { "logs/": "", ...files };
  mkdirSync(folder);
  for (const [name, text] of Object.entries(given)) {
    const path = join(folder, name);
    mkdirSync(name.endsWith("/") ? path : dirname(path), { recursive: true });
    if (!name.endsWith("/")) writeFileSync(path, text.replaceAll("DIR", folder), "latin1");
  }
  for (const name of closed) chmodSync(join(folder, name), 0);
  const asNobody = unprivileged === true && isRoot;
  if (asNobody) for (const each of [folder, join(folder, "logs")]) chownSync(each, UNPRIVILEGED, UNPRIVILEGED);
  const [command = "", ...first] = program;
  const child = spawn(command, [...first, ...args.map((arg) => arg.replaceAll("DIR", folder))], {
    cwd: folder,
    stdio: ["ignore", "pipe", "pipe"],
    env: { PATH, ...env },
    ...(asNobody ? { uid: UNPRIVILEGED, gid: UNPRIVILEGED } : {}),
  });
  const mask = (bytes: Buffer[]) =>
    Buffer.concat(bytes)
      .toString("latin1")
      .replaceAll(folder, "DIR")
      .replace(/^\d{4}\/\d\d\/\d\d \d\d:\d\d:\d\d (\[\w+\]) (\d+)#\2: /gm, "TIME $1 PID#PID: ");
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  child.stdout.on("data", (chunk: Buffer) => stdout.push(chunk));
  child.stderr.on("data", (chunk: Buffer) => stderr.push(chunk));
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", resolve);
  });
  const made: Record<string, string> = {};
  for (const name of readdirSync(folder, { recursive: true, encoding: "utf8" }).sort()) {
    // Folders for bodies that are written to disk are nginx's own affair.
    if (/^temp/.test(name)) continue;
    made[name] = name.endsWith(".log") ? mask([readFileSync(join(folder, name))]) : "";
  }
  return { code, stdout: mask(stdout), stderr: mask(stderr), files: made } satisfies Outcome;
}

/** Whether the user that root becomes for a case can reach Node, the checkout and the folder for temporary files. */
async function mayRunUnprivileged(): Promise<boolean> {
  const { code } = await run(OURS, { args: ["-v"], unprivileged: true }).catch(() => ({ code: null }));
  return code === 0;
}

const FINE = "events {}\npid logs/pid;\n";
const MAIN = ["-p", "DIR", "-c", "nginx.conf"];
const TO_FILE = [...MAIN, "-e", "error.log"];
const TO_STDERR = [...MAIN, "-e", "stderr"];
const conf = (text: string): Record<string, string> => ({ "nginx.conf": text });
const HTTP = (text: string) =>
  `${FINE}http {\n${["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map((name) => `${name}_temp_path temp-${name};\n`).join("")}${text}}\n`;
const SERVER_LOGS = "access_log logs/$host.log; error_log logs/s.log;";
const SERVER = "server { listen 127.0.0.1:18090;";

/** Includes of all kinds, with bytes of all kinds. */
const MANY: Record<string, string> = {
  "nginx.conf": `# one\n${FINE}include parts/*.conf;\ninclude DIR/last;\ninclude last;\ninclude none/*.conf;`,
  "parts/b.conf": "env B;\r\n# \xe4\xf6\r\n",
  "parts/a.conf": "include more/a;\n",
  "parts/.hidden.conf": "nonsense;\n",
  "more/a": "env A;",
  last: "\n\n# \xc3\xa4\n\n",
};

const CASES: readonly Case[] = [
  { name: "a test that succeeds", args: ["-t", ...TO_FILE], files: conf(FINE), code: 0 },
  { name: "a test, quietly", args: ["-tq", ...TO_FILE], files: conf(FINE), code: 0 },
  { name: "a dump", args: ["-T", ...TO_FILE], files: MANY, code: 0 },
  { name: "a dump, quietly", args: ["-q", "-T", ...TO_STDERR], files: MANY, code: 0 },
  { name: "a large dump", args: ["-T", ...TO_FILE], files: conf(FINE + "# comment\n".repeat(100_000)), code: 0 },
  { name: "a dump of what has mistakes", args: ["-Tq", ...TO_FILE], files: conf(`${FINE}nonsense;\n`), code: 1 },
  { name: "an unknown directive, to a log file", args: ["-t", ...TO_FILE], files: conf("\nnonsense a;\n"), code: 1 },
  { name: "an unknown directive, to standard error", args: ["-t", ...TO_STDERR], files: conf("nonsense;"), code: 1 },
  { name: "the first mistake only", args: ["-tq", ...TO_FILE], files: conf("a;\nb;\nevents\n"), code: 1 },
  { name: "a file that ends too early", args: ["-t", ...TO_FILE], files: conf(HTTP("server {")), code: 1 },
  { name: "a name of UTF-8", args: ["-t", ...TO_FILE], files: conf("f\xc3\xa4;\n"), code: 1 },
  { name: "a very long name", args: ["-t", ...TO_FILE], files: conf(`${"a".repeat(3000)} b;\n`), code: 1 },
  {
    name: "a mistake in an included file",
    args: ["-t", ...TO_FILE],
    files: { "nginx.conf": `${FINE}include parts/*;\n`, "parts/1": "env A;\n", "parts/2": "\n\nenv;\n" },
    code: 1,
  },
  { name: "an included file that is missing", args: ["-t", ...TO_FILE], files: conf(`${FINE}include x;\n`), code: 1 },
  { name: "an included folder", args: ["-t", ...TO_FILE], files: conf(`${FINE}include logs;\n`), code: 1 },
  {
    name: "an included file that may not be read",
    args: ["-t", ...TO_FILE],
    files: { "nginx.conf": `${FINE}include x;\n`, x: "env A;\n" },
    closed: ["x"],
    unprivileged: true,
    code: 1,
  },
  {
    name: "a main file that may not be read",
    args: ["-t", ...TO_STDERR],
    files: conf(FINE),
    closed: ["nginx.conf"],
    unprivileged: true,
    code: 1,
  },
  {
    name: "the user directive of somebody who is not root",
    args: ["-t", ...TO_FILE],
    files: conf(`user nobody;\n${FINE}`),
    unprivileged: true,
    code: 0,
  },
  { name: "a missing main file", args: ["-t", ...TO_FILE], code: 1 },
  {
    name: "a missing main file in a missing folder",
    args: ["-t", "-p", "DIR/none", "-c", "nginx.conf", "-e", "stderr"],
    code: 1,
  },
  { name: "a folder for the main file", args: ["-t", "-p", "DIR", "-c", "logs", "-e", "error.log"], code: 1 },
  { name: "a file for a folder", args: ["-t", "-c", "DIR/x/nginx.conf", "-e", "stderr"], files: { x: "" }, code: 1 },
  { name: "no events", args: ["-t", ...TO_FILE], files: conf("pid logs/pid;\n"), code: 1 },
  { name: "no events, quietly", args: ["-tq", ...TO_STDERR], files: conf(""), code: 1 },
  { name: "-g", args: ["-t", ...TO_FILE, "-g", "daemon off; user root;"], files: conf(FINE), code: 0 },
  { name: "-g with nothing", args: ["-t", ...TO_FILE, "-g", ""], files: conf(FINE), code: 0 },
  { name: "-g with a mistake", args: ["-t", ...TO_FILE, "-g", "daemon off; nonsense;"], files: conf(FINE), code: 1 },
  { name: "-g without a semicolon", args: ["-t", ...TO_FILE, "-g", "daemon off"], files: conf(FINE), code: 1 },
  { name: "-g with a block", args: ["-t", ...TO_FILE, "-g", "events {}"], files: conf(FINE), code: 1 },
  { name: "-g before the file", args: ["-t", ...TO_FILE, "-g", "pid a;"], files: conf(FINE), code: 1 },
  { name: "-g before a missing file", args: ["-t", ...TO_FILE, "-g", "nonsense;"], code: 1 },
  {
    name: "-p with its slash",
    args: ["-t", "-p", "DIR/", "-c", "nginx.conf", "-e", "error.log"],
    files: conf("x;"),
    code: 1,
  },
  {
    name: "-p relative to where it is run",
    args: ["-T", "-p", ".", "-c", "nginx.conf", "-e", "stderr"],
    files: MANY,
    code: 0,
  },
  {
    name: "values joined to their options",
    args: ["-tqpDIR", "-cnginx.conf", "-eerror.log", "-gdaemon off;"],
    files: conf(`${FINE}error_log logs/e.log;\n`),
    code: 0,
  },
  {
    name: "-c in another folder: includes beside it, logs below the prefix",
    args: ["-T", "-p", "DIR", "-c", "conf/main", "-e", "error.log"],
    files: { "conf/main": `${FINE}include part;\nerror_log logs/e.log;\n`, "conf/part": "env A;\n" },
    code: 0,
  },
  { name: "-p without a value", args: ["-t", "-p"], code: 1 },
  { name: "an empty -p", args: ["-t", "-p", "", "-c", "nginx.conf", "-e", "stderr"], files: conf("x;"), code: 1 },
  {
    name: "the last of two",
    args: ["-t", "-c", "a", "-e", "a", "-c", "DIR/nginx.conf", "-e", "stderr"],
    files: conf("x;"),
    code: 1,
  },
  { name: "-c takes what follows", args: ["-t", "-p", "DIR", "-c", "-t", "-e", "stderr"], code: 1 },
  { name: "-c without a value", args: ["-tc"], code: 1 },
  { name: "-e without a value", args: ["-t", "-e"], code: 1 },
  { name: "-g without a value", args: ["-g"], code: 1 },
  { name: "-s without a value", args: ["-s"], code: 1 },
  { name: "-s with another word", args: ["-s", "halt"], code: 1 },
  { name: "an unknown option", args: ["-x"], code: 1 },
  { name: "an unknown option behind known ones", args: ["-v", "-tqx"], code: 1 },
  { name: "long options", args: ["--version"], code: 1 },
  { name: "a word", args: ["-t", "nginx.conf"], code: 1 },
  { name: "a lone dash", args: ["-", "-t", ...TO_FILE], files: conf(FINE), code: 0 },
  { name: "an error log that cannot be opened", args: ["-t", ...MAIN, "-e", "x/y"], files: conf(FINE), code: 1 },
  {
    name: "an error log that cannot be opened, and is not needed",
    args: ["-t", ...MAIN, "-e", "x/y"],
    files: conf(`${FINE}error_log stderr;\n`),
    code: 0,
  },
  {
    name: "the folder of an error log is missing",
    args: ["-t", ...TO_FILE],
    files: conf(`${FINE}error_log none/e.log warn;\n`),
    code: 1,
  },
  { name: "the folder of the pid file is missing", args: ["-t", ...TO_FILE], files: conf("events{}pid x/y;"), code: 1 },
  {
    name: "logs are made",
    args: ["-t", ...TO_FILE],
    files: conf(HTTP(`access_log logs/a.log;\n${SERVER} ${SERVER_LOGS} location / { access_log off; } }\n`)),
    code: 0,
  },
  {
    name: "the folder of an access log is missing",
    args: ["-t", ...TO_FILE],
    files: conf(HTTP(`${SERVER} location / { access_log none/a.log; } }\n`)),
    code: 1,
  },
];

describe("beside nginx", () => {
  test.for(CASES)("$name: $args", async (each, context) => {
    if (whyNot !== null) context.skip(whyNot);
    if (each.unprivileged && !(await mayRunUnprivileged())) context.skip("another user cannot run the program here");
    const [ours, theirs] = await Promise.all([run(OURS, each), run(THEIRS, each)]);
    expect(ours).toEqual(theirs);
    expect(ours.code).toBe(each.code);
  });
});

// From here on: what differs from nginx on purpose.
const ours = (args: readonly string[], files: Record<string, string> = {}, env: Record<string, string> = {}) =>
  run(OURS, { args, files }, env);

describe("versions: nginx's line, with the name of the build where nginx has it", () => {
  test("-v", async () => {
    const { code, stdout, stderr } = await ours(["-v"]);
    expect([code, stdout]).toEqual([0, ""]);
    expect(stderr).toMatch(/^nginx version: nginx\/\d+\.\d+\.\d+ \(Goodgate\)\n$/);
  });

  test("-V lists what is understood in nginx's own terms", async () => {
    const { code, stderr } = await ours(["-V"]);
    const [first, built, openssl, sni, configured, ...rest] = stderr.split("\n");
    expect([code, first, rest]).toEqual([0, expect.stringMatching(/^nginx version: nginx\//), [""]]);
    expect(built).toMatch(/^built by Goodgate \d+\.\d+\.\d+ /);
    expect(openssl).toMatch(/^built with OpenSSL \d/);
    expect(sni).toBe("TLS SNI support enabled");
    expect(configured).toMatch(/^configure arguments: --prefix=/);
    const words = configured?.split(" ") ?? [];
    expect(words).toContain("--with-http_ssl_module");
    expect(words).toContain("--without-http_fastcgi_module");
    expect(words).not.toContain("--without-http_proxy_module");
  });

  test("-h, but for the version and the places that are built in", async (context) => {
    if (whyNot !== null) context.skip(whyNot);
    const strip = ({ stderr }: Outcome) => stderr.replace(/^nginx version.*$/m, "").replace(/\(default: .*\)/g, "");
    const [mine, theirs] = [await ours(["-?"]), await run(THEIRS, { args: ["-?"] })];
    expect([strip(mine), mine.code]).toEqual([strip(theirs), theirs.code]);
  });
});

test("what Goodgate does not do fails the test: this program could not run it", async () => {
  const { code, stderr } = await ours(["-t", ...TO_FILE], conf(`${FINE}stream {\n  server { listen 25; }\n}\n`));
  expect(stderr).toBe(
    'nginx: [emerg] "stream" is not supported: Goodgate proxies HTTP only in DIR/nginx.conf:3\n' +
      "nginx: configuration file DIR/nginx.conf test failed\n",
  );
  expect(code).toBe(1);
});

test("folders for bodies are not made, so a test does not fail on them", async () => {
  const { code, files } = await ours(["-t", ...TO_FILE], conf(`${FINE}http { proxy_temp_path none/none/none; }\n`));
  expect(code).toBe(0);
  expect(Object.keys(files)).not.toContain("none");
});

test("with hints: every mistake, each with its line, a mark and what was meant", async () => {
  const files = conf("events {}\npid logs/pid\nhttp {\n  sendfle on;\n}\n");
  const { code, stderr } = await ours(["-t", ...TO_FILE], files, { GOODGATE_HINTS: "1" });
  expect(stderr).toBe(
    [
      'nginx: [emerg] directive "pid" is not terminated by ";" in DIR/nginx.conf:3',
      "   2 | pid logs/pid",
      '     |             ^ ";" is missing here',
      'nginx: [emerg] unknown directive "sendfle" in DIR/nginx.conf:4',
      "   4 |   sendfle on;",
      '     |   ^^^^^^^ did you mean "sendfile"?',
      "nginx: configuration file DIR/nginx.conf test failed",
      "",
    ].join("\n"),
  );
  expect(code).toBe(1);
});

test("a reader that has seen enough of a dump", async () => {
  const folder = join(root, "pipe");
  mkdirSync(folder);
  writeFileSync(join(folder, "nginx.conf"), `events {}\npid ${folder}/pid;\n${"# comment\n".repeat(100_000)}`);
  const child = spawn(OURS[0]!, [OURS[1]!, "-Tq", "-c", join(folder, "nginx.conf")], { stdio: "pipe" });
  let stderr = "";
  child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
  child.stdout.destroy();
  await new Promise((resolve) => child.once("close", resolve));
  expect(stderr).toBe("");
});
