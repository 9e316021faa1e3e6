// Runs one example: its syntax by the program it is for, or the whole thing before the lab.
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseAllDocuments } from "yaml";
import { checkReport } from "../../src/cli/check.ts";
import { explain } from "../../src/explain/explain.ts";
import { type CauseId, isCauseId } from "../../src/failure/causes.ts";
import type { KnowledgeIndex } from "../../src/knowledge/entry.ts";
import { isFaultName } from "../../src/lab/faults.ts";
import { type Lab, startLab } from "../../src/lab/server.ts";
import { exchange, pause, startGateway } from "../harness.ts";
import { freePort } from "../origin.ts";
import type { Example } from "./fences.ts";
import { ENV, run } from "./program.ts";
import { RUNNERS, type RunningProxy, startProxy } from "./proxy.ts";
import { type Surroundings, withApplications, writeTlsFiles } from "./surroundings.ts";
import { wrapGoodgate } from "./wrap-goodgate.ts";

const ANSWERS_WITHIN_MS = 12_000;
const LOGS_WITHIN_MS = 3_000;
const ATTEMPTS = 3;
/** Somebody took the port between asking for a free one and listening on it. */
const PORT_TAKEN = /address (?:is )?already in use|EADDRINUSE|cannot bind socket/i;

/** Runs it; resolves with what is wrong, null = nothing. The index is what explain looks into. */
export async function runExample(example: Example, index: KnowledgeIndex): Promise<string | null> {
  for (let attempt = 1; ; attempt++) {
    const problem = await inFolder((folder) => runIn(folder, example, index));
    if (problem === null || attempt === ATTEMPTS || !PORT_TAKEN.test(problem)) return problem;
  }
}

async function inFolder(use: (folder: string) => Promise<string | null>): Promise<string | null> {
  const folder = mkdtempSync(join(tmpdir(), "goodgate-example-"));
  try {
    return await use(folder);
  } catch (error) {
    return (error as Error).message;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function runIn(folder: string, example: Example, index: KnowledgeIndex): Promise<string | null> {
  writeTlsFiles(folder);
  const mode = example.settings["run"];
  const written = { folder, app: "127.0.0.1:3000", second: "127.0.0.1:3001", freePort, hasty: false };
  if (mode === undefined || mode === "no") return syntaxProblem(example, written);
  const app = await startLab();
  const second = await startLab();
  try {
    const fault = example.settings["app"] ?? "good";
    const address = await addressOf(app, fault);
    const around = { ...written, app: address, second: second.address, hasty: fault !== "good" };
    if (example.language === "js")
      return await (mode === "client" ? clientProblem(example, around) : serverProblem(example, around));
    if (example.language === "sh") return await shellProblem(example, around);
    return await proxyProblem(example, around, [app, second], index);
  } finally {
    await Promise.all([app.close(), second.close()]);
  }
}

/** Where the application with the fault is. */
async function addressOf(lab: Lab, fault: string): Promise<string> {
  if (fault === "good") return lab.address;
  const name = fault === "down" ? "refuse" : fault;
  if (!isFaultName(name)) throw new Error(`app=${fault}: the lab has no such fault`);
  return (await lab.listener(name)).address;
}

/** Null where the program of the language accepts it. */
async function syntaxProblem({ code, language }: Example, around: Surroundings): Promise<string | null> {
  const { folder } = around;
  const write = (name: string, text: string) => {
    const file = join(folder, name);
    writeFileSync(file, text);
    return file;
  };
  const runner = RUNNERS[language];
  if (runner) {
    const file = write(runner.file, (await runner.wrap(code, around)).text);
    const ended = await run(runner.program, runner.check(file, folder), { HOME: folder });
    return refusal(ended) ?? (/\[warn\]/.test(ended.text) ? ended.text : null);
  }
  if (language === "goodgate") return goodgateProblem(write("goodgate.yaml", wrapGoodgate(code, around)));
  if (language === "js") return refusal(await run(process.execPath, ["--check", write("example.mjs", code)]));
  if (language === "sh") return refusal(await run("bash", ["-n", write("example.sh", code)]));
  if (language === "json") return thrownBy(() => JSON.parse(code));
  if (language === "yaml") return thrownBy(() => parseAllDocuments(code).flatMap((document) => document.errors));
  throw new Error(`nobody can check ${language}`);
}

function refusal({ text, problem }: Awaited<ReturnType<typeof run>>): string | null {
  return problem === null ? null : text.trim() || problem;
}

function goodgateProblem(file: string): string | null {
  const { text } = checkReport(file, { json: true });
  const { problems } = JSON.parse(text) as { problems: { severity: string; message: string }[] };
  const errors = problems.filter(({ severity }) => severity === "error").map(({ message }) => message);
  return errors.length === 0 ? null : errors.join("; ");
}

function thrownBy(read: () => unknown): string | null {
  try {
    const found = read();
    if (Array.isArray(found) && found[0] instanceof Error) return found[0].message;
    return null;
  } catch (error) {
    return (error as Error).message;
  }
}

async function proxyProblem(
  example: Example,
  around: Surroundings,
  labs: readonly Lab[],
  index: KnowledgeIndex,
): Promise<string | null> {
  const proxy = await startProxy(example, around);
  try {
    const { settings } = example;
    const isGood = settings["run"] === "good";
    const answer = await answerOf(proxy, settings);
    const said = typeof answer === "string" ? answer : String(answer.status);
    const wanted = settings["status"] ?? (isGood ? "200" : undefined);
    const classes = () => proxy.logged().map((line) => explain(line, index).class ?? "nothing known");
    const withLog = (problem: string) => `${problem}; logged:\n${proxy.logged().join("\n")}`;
    if (wanted !== undefined && said !== wanted) return withLog(`the answer is ${said}, not ${wanted}`);
    if (!isGood) {
      const cause = settings["cause"];
      return cause === undefined || (await becomesTrue(() => classes().includes(cause as CauseId)))
        ? null
        : withLog(`explain says ${classes().join(", ")}, not ${cause}`);
    }
    if (typeof answer === "string" || !answer.whole) return withLog("the answer is not whole");
    if (settings["status"] !== undefined) return null;
    if (/:300[01]\b/.test(example.code) && labs.every(({ deliveries }) => deliveries.length === 0))
      return withLog("the answer is nobody's: no request reached an application");
    // Where the application is broken on purpose, its failure is logged and overcome.
    const failures = around.hasty ? [] : classes().filter((of) => isCauseId(of));
    return failures.length === 0 ? null : withLog(`explain calls it ${failures.join(", ")}`);
  } finally {
    await proxy.stop();
  }
}

/** The answer to the last request, each on a connection of its own; text = there is none, and why. */
async function answerOf(
  { port }: RunningProxy,
  { method = "GET", path = "/", host = "shop.example", requests = "1" }: Example["settings"],
): Promise<Awaited<ReturnType<typeof exchange>> | string> {
  const length = method === "POST" ? "Content-Length: 0\r\n" : "";
  const request = `${method} ${path} HTTP/1.1\r\nHost: ${host}\r\n${length}Connection: close\r\n\r\n`;
  const ask = () => exchange(port, request).catch((error: Error) => error.message);
  for (let left = Number(requests); left > 1; left--) await ask();
  return ask();
}

/** Proxies write their lines after the answer. */
async function becomesTrue(isSo: () => boolean): Promise<boolean> {
  const end = performance.now() + LOGS_WITHIN_MS;
  while (!isSo()) {
    if (performance.now() > end) return false;
    await pause(25);
  }
  return true;
}

async function clientProblem({ code, settings }: Example, around: Surroundings): Promise<string | null> {
  const file = join(around.folder, "example.mjs");
  writeFileSync(file, code);
  return misprint(await run(process.execPath, [file], { URL: `http://${around.app}` }, around.folder), settings);
}

async function shellProblem({ code, settings }: Example, around: Surroundings): Promise<string | null> {
  const gateway = await startGateway({ upstreams: { app: { endpoints: [around.app] } } });
  try {
    const file = join(around.folder, "example.sh");
    const proxy = `127.0.0.1:${gateway.port}`;
    writeFileSync(file, withApplications(code, around).replace(/\b(?:127\.0\.0\.1|localhost):8080\b/g, proxy));
    return misprint(await run("bash", [file], {}, around.folder), settings);
  } finally {
    await gateway.stop("SIGKILL");
  }
}

function misprint(ended: Awaited<ReturnType<typeof run>>, { prints }: Example["settings"]): string | null {
  if (ended.problem !== null) return `${ended.problem}\n${ended.text}`;
  return prints === undefined || ended.text.includes(prints) ? null : `does not print "${prints}" but\n${ended.text}`;
}

async function serverProblem({ code, settings }: Example, around: Surroundings): Promise<string | null> {
  const port = await freePort();
  const file = join(around.folder, "example.mjs");
  writeFileSync(file, code);
  const server = spawn(process.execPath, [file], {
    cwd: around.folder,
    env: { ...ENV, PORT: String(port) },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  for (const stream of [server.stdout, server.stderr])
    stream.on("data", (chunk: Buffer) => (output += chunk.toString()));
  let over = false;
  const ended = new Promise<void>((resolve) => server.once("close", () => resolve())).then(() => (over = true));
  try {
    const end = performance.now() + ANSWERS_WITHIN_MS;
    let said = "nothing";
    while (said === "nothing" && !over && performance.now() < end) {
      await pause(30);
      said = await exchange(port, "GET / HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\n\r\n").then(
        ({ status }) => String(status),
        // Not listening yet.
        () => "nothing",
      );
    }
    return said === (settings["status"] ?? "200") ? null : `the server on PORT answers ${said}\n${output}`;
  } finally {
    server.kill("SIGKILL");
    await ended;
  }
}
