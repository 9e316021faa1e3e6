// Runs one example: its syntax by the program it is for, or the whole thing before the lab.
import { execFile, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { parse } from "yaml";
import { checkReport } from "../../src/cli/check.ts";
import { explain } from "../../src/explain/explain.ts";
import { loadIndex } from "../../src/knowledge/load-index.ts";
import { isFaultName } from "../../src/lab/faults.ts";
import { certificates } from "../../src/lab/faults-listen.ts";
import { type Lab, startLab } from "../../src/lab/server.ts";
import { exchange, pause, startGateway, until } from "../harness.ts";
import { freePort } from "../origin.ts";
import type { Example } from "./fences.ts";
import {
  linesOf,
  type Surroundings,
  type Wrapped,
  withApplications,
  wrapCaddy,
  wrapHaproxy,
  wrapNginx,
} from "./wrap.ts";

const execute = promisify(execFile);
const ENV = { ...process.env, PATH: `${process.env["PATH"]}:/usr/sbin`, NO_COLOR: "1" };
/** Minutes become seconds. */
const HASTE = 60;
const ANSWER_MS = 9_000;

/** Runs it; resolves with what is wrong, null = nothing. */
export async function runExample(example: Example): Promise<string | null> {
  const folder = mkdtempSync(join(tmpdir(), "goodgate-example-"));
  const labs: Lab[] = [];
  try {
    const around: Surroundings = { folder, app: "127.0.0.1:3000", second: "127.0.0.1:3001", freePort, haste: 1 };
    const mode = example.settings["run"];
    if (mode === undefined) return await syntaxProblem(example, around);
    const running = { ...around, ...(await startApplications(example, labs)), haste: HASTE };
    writeCertificate(folder);
    if (example.language === "js") return await runScript(example, running, mode);
    if (example.language === "sh") return await runShell(example, running);
    return await runProxy(example, running, mode);
  } finally {
    await Promise.all(labs.map((lab) => lab.close()));
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The application of the example with its fault, and a second one that is well. */
async function startApplications(example: Example, labs: Lab[]): Promise<{ app: string; second: string }> {
  const fault = example.settings["app"];
  const lab = await startLab();
  const well = await startLab();
  labs.push(lab, well);
  if (fault === undefined || fault === "good") return { app: lab.address, second: well.address };
  if (fault === "down") return { app: `127.0.0.1:${await freePort()}`, second: well.address };
  if (!isFaultName(fault)) throw new Error(`app=${fault}: the lab has no such fault`);
  const opened = await lab.listener(fault);
  return { app: opened.address, second: well.address };
}

function writeCertificate(folder: string): void {
  const { ca, good } = certificates();
  writeFileSync(join(folder, "ca.pem"), ca);
  writeFileSync(join(folder, "cert.pem"), good.cert);
  writeFileSync(join(folder, "key.pem"), good.key);
  writeFileSync(join(folder, "both.pem"), good.cert + good.key);
}

/** Null where the program accepts it. */
async function syntaxProblem(example: Example, around: Surroundings): Promise<string | null> {
  const { code, language } = example;
  const { folder } = around;
  const write = (name: string, text: string) => {
    const file = join(folder, name);
    writeFileSync(file, text);
    return file;
  };
  writeCertificate(folder);
  switch (language) {
    case "nginx":
      return firstFine(await wrapNginx(code, around), ({ text }) =>
        accepts("nginx", ["-t", "-q", "-p", folder, "-c", write("nginx.conf", text)]),
      );
    case "haproxy":
      return accepts("haproxy", ["-c", "-q", "-f", write("haproxy.cfg", (await wrapHaproxy(code, around)).text)]);
    case "caddyfile":
      return accepts("caddy", [
        "adapt",
        "--adapter",
        "caddyfile",
        "--config",
        write("Caddyfile", (await wrapCaddy(code, around)).text),
      ]);
    case "goodgate":
      return goodgateProblem(write("goodgate.yaml", code));
    case "js":
      return accepts(process.execPath, ["--check", write("example.mjs", code)]);
    case "sh":
      return accepts("bash", ["-n", write("example.sh", code)]);
    case "json":
      return caught(() => JSON.parse(code));
    case "yaml":
      return caught(() => parse(code));
    default:
      return null;
  }
}

function goodgateProblem(file: string): string | null {
  const { text } = checkReport(file, { json: true });
  const { problems } = JSON.parse(text) as { problems: { severity: string; message: string }[] };
  const errors = problems.filter(({ severity }) => severity === "error").map(({ message }) => message);
  return errors.length === 0 ? null : errors.join("; ");
}

function caught(run: () => unknown): string | null {
  try {
    run();
    return null;
  } catch (error) {
    return (error as Error).message;
  }
}

async function firstFine(
  candidates: readonly Wrapped[],
  check: (each: Wrapped) => Promise<string | null>,
): Promise<string | null> {
  let first: string | null = null;
  for (const each of candidates) {
    const problem = await check(each);
    if (problem === null) return null;
    first ??= problem;
  }
  return first;
}

async function accepts(program: string, args: readonly string[]): Promise<string | null> {
  return execute(program, args, { env: ENV, timeout: 20_000 }).then(
    () => null,
    (error: Error & { stderr?: string; stdout?: string }) =>
      `${error.stderr ?? ""}${error.stdout ?? ""}`.trim() || error.message,
  );
}

interface Proxy {
  readonly port: number;
  /** What it has logged, a line each, the newest last. */
  readonly logged: () => string[];
  readonly stop: () => Promise<unknown>;
}

async function startProxy({ language, code }: Example, around: Surroundings): Promise<Proxy> {
  const { folder } = around;
  if (language === "goodgate") {
    const gateway = await startGateway(parse(withApplications(code, around)) as Record<string, unknown>);
    return {
      port: gateway.port,
      logged: () => gateway.log().map((entry) => JSON.stringify(entry)),
      stop: () => gateway.stop("SIGKILL"),
    };
  }
  if (language === "nginx") {
    const candidates = await wrapNginx(code, around);
    const file = join(folder, "nginx.conf");
    for (const { text, port } of candidates) {
      writeFileSync(file, text);
      const problem = await accepts("nginx", ["-t", "-q", "-p", folder, "-c", file]);
      if (problem === null) {
        const own = () =>
          linesOf(folder, "error.log").filter((line) => !/\[(?:notice|info)\]/.test(line) || / client /.test(line));
        return started("nginx", ["-p", folder, "-c", file], port, folder, () => [
          ...own(),
          ...linesOf(folder, "access.log"),
        ]);
      }
    }
    throw new Error((await accepts("nginx", ["-t", "-q", "-p", folder, "-c", file])) ?? "nginx refuses it");
  }
  const isHaproxy = language === "haproxy";
  const { text, port } = isHaproxy ? await wrapHaproxy(code, around) : await wrapCaddy(code, around);
  const file = join(folder, isHaproxy ? "haproxy.cfg" : "Caddyfile");
  writeFileSync(file, text);
  const args = isHaproxy ? ["-db", "-f", file] : ["run", "--adapter", "caddyfile", "--config", file];
  return started(isHaproxy ? "haproxy" : "caddy", args, port, folder, null);
}

async function started(
  program: string,
  args: readonly string[],
  port: number,
  folder: string,
  logged: (() => string[]) | null,
): Promise<Proxy> {
  let output = "";
  const home = join(folder, "home");
  mkdirSync(home, { recursive: true });
  const child = spawn(program, args, {
    env: { ...ENV, HOME: home, XDG_DATA_HOME: home, XDG_CONFIG_HOME: home },
    stdio: ["ignore", "pipe", "pipe"],
  });
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk: Buffer) => (output += chunk.toString()));
  const ended = new Promise((resolve) => child.once("exit", resolve));
  let up = false;
  const probing = (async () => {
    while (!up && child.exitCode === null) {
      up = await portOpen(port);
      await pause(20);
    }
  })();
  await until(
    () => up,
    8_000,
    () => `${program} does not answer on ${port}:\n${output}`,
    ended,
  );
  await probing;
  return {
    port,
    logged: logged ?? (() => output.split("\n").filter((line) => line !== "")),
    stop: () => {
      child.kill("SIGKILL");
      return ended;
    },
  };
}

async function portOpen(port: number): Promise<boolean> {
  const { connect } = await import("node:net");
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => resolve(true)).once("error", () => resolve(false));
    socket.once("connect", () => socket.destroy());
  });
}

async function runProxy(example: Example, around: Surroundings, mode: string): Promise<string | null> {
  const { settings } = example;
  const proxy = await startProxy(example, around);
  try {
    const before = proxy.logged().length;
    const request = `GET ${settings["path"] ?? "/"} HTTP/1.1\r\nHost: ${settings["host"] ?? "shop.example"}\r\nConnection: close\r\n\r\n`;
    const answer = await Promise.race([
      exchange(proxy.port, request).catch((error: Error) => error.message),
      pause(ANSWER_MS),
    ]);
    const status = typeof answer === "object" && answer !== null ? answer.status : null;
    const wanted = settings["status"] ?? (mode === "good" ? "200" : undefined);
    if (wanted !== undefined && String(status) !== wanted)
      return `the answer is ${status ?? JSON.stringify(answer ?? "nothing")}, not ${wanted}; logged: ${proxy.logged().slice(before).join("\n")}`;
    if (mode === "good") return null;
    const cause = settings["cause"];
    if (cause === undefined) return null;
    const index = loadIndex();
    const classes = () =>
      proxy
        .logged()
        .slice(before)
        .map((line) => explain(line, index).class);
    await until(
      () => classes().includes(cause as never),
      3_000,
      () => "",
    ).catch(() => undefined);
    return classes().includes(cause as never)
      ? null
      : `explain says ${JSON.stringify(classes())} of\n${proxy.logged().slice(before).join("\n")}`;
  } finally {
    await proxy.stop();
  }
}

async function runScript({ code, settings }: Example, around: Surroundings, mode: string): Promise<string | null> {
  const file = join(around.folder, "example.mjs");
  if (mode === "client") {
    writeFileSync(file, code);
    return output(process.execPath, [file], { URL: `http://${around.app}` }, settings["prints"]);
  }
  const port = await freePort();
  writeFileSync(file, code);
  const app = spawn(process.execPath, [file], { env: { ...ENV, PORT: String(port) }, stdio: "ignore" });
  const ended = new Promise((resolve) => app.once("exit", resolve));
  try {
    let status = 0;
    const asking = async () => {
      while (status === 0 && app.exitCode === null) {
        status = await exchange(port, "GET / HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\n\r\n").then(
          (answer) => answer.status,
          () => 0,
        );
        await pause(30);
      }
    };
    await Promise.race([asking(), pause(5_000), ended]);
    return String(status) === (settings["status"] ?? "200") ? null : `the server on PORT answers ${status}`;
  } finally {
    app.kill("SIGKILL");
    await ended;
  }
}

async function runShell({ code, settings }: Example, around: Surroundings): Promise<string | null> {
  const gateway = await startGateway({ upstreams: { app: { endpoints: [around.app] } } });
  try {
    const file = join(around.folder, "example.sh");
    writeFileSync(
      file,
      withApplications(code, around).replace(/\b(?:127\.0\.0\.1|localhost):8080\b/g, `127.0.0.1:${gateway.port}`),
    );
    return await output("bash", [file], {}, settings["prints"]);
  } finally {
    await gateway.stop("SIGKILL");
  }
}

async function output(
  program: string,
  args: readonly string[],
  env: Record<string, string>,
  prints: string | undefined,
): Promise<string | null> {
  const ended = await execute(program, args, { env: { ...ENV, ...env }, timeout: 15_000 }).catch(
    (error: Error & { stdout?: string; stderr?: string }) => ({
      ...{ stdout: error.stdout ?? "", stderr: error.stderr ?? "" },
      problem: error.message,
    }),
  );
  const text = `${ended.stdout}${ended.stderr}`;
  if ("problem" in ended) return `${ended.problem}\n${text}`;
  return prints === undefined || text.includes(prints) ? null : `does not print "${prints}" but\n${text}`;
}
