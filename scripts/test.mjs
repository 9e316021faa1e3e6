// `npm test`: installs what the tests need, builds, then style (biome), types (tsc, tests included) and every test
// (vitest; arguments after `--` go to it). All steps run even where one fails; the end says which, and how long each took.
import { accessSync, constants, existsSync, rmSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { prepare, root } from "./prepare.mjs";
import { runLoud, runStep } from "./step.mjs";

/** Programs that tests run beside our own, with the Debian package of each and what is left out without it. */
const PROGRAMS = [
  { command: "curl", debian: "curl", without: "checks with curl as the client" },
  { command: "openssl", debian: "openssl", without: "checks with openssl as the TLS peer" },
  { command: "nginx", debian: "nginx-light", without: "comparisons with nginx" },
  { command: "haproxy", debian: "haproxy", without: "comparisons with HAProxy" },
  { command: "caddy", debian: "caddy", without: "examples of the reference for Caddy" },
  { command: "apache2", debian: "apache2-bin", without: "doctor before Apache" },
  { command: "varnishd", debian: "varnish", without: "doctor before Varnish" },
  { command: "ss", debian: "iproute2", without: "accept queues as doctor sees them" },
  { command: "pg_ctlcluster", debian: "postgresql", without: "the store in a PostgreSQL" },
  { command: "promtool", debian: "prometheus", without: "alert rules and metrics as Prometheus reads them" },
  {
    command: "protoc",
    debian: "protobuf-compiler python3-protobuf",
    without: "spans as OpenTelemetry's own definition",
  },
  { command: "chromium", debian: "chromium", without: "pages in a real browser" },
];

const steps = [];
await step("programs", installPrograms);
if (await step("packages and build", prepare)) {
  await step("style", () => runLoud(process.execPath, [bin("@biomejs/biome/bin/biome"), "check", "."], { cwd: root }));
  const projects = ["tsconfig.test.json", "tsconfig.browser.json", "tsconfig.console.json"];
  await step("types", async () => {
    for (const project of projects) if (!(await typesOf(project))) return false;
    return true;
  });
  const vitest = [bin("vitest/vitest.mjs"), "run", ...process.argv.slice(2)];
  await step("tests", () => runLoud(process.execPath, vitest, { cwd: root }));
}
report();

function typesOf(project) {
  return runLoud(process.execPath, [bin("typescript/bin/tsc"), "-p", project], { cwd: root });
}

function bin(path) {
  return join(root, "node_modules", path);
}

async function step(name, run) {
  const began = performance.now();
  const ok = await run();
  steps.push({ name, ok, seconds: (performance.now() - began) / 1000 });
  return ok;
}

function report() {
  for (const { name, ok, seconds } of steps) {
    process.stdout.write(`${ok ? "✓" : "✗"} ${name.padEnd(20)} ${seconds.toFixed(1).padStart(6)} s\n`);
  }
  const failed = steps.filter(({ ok }) => !ok).map(({ name }) => name);
  process.stdout.write(failed.length === 0 ? "npm test: passed\n" : `npm test: FAILED in ${failed.join(", ")}\n`);
  process.exitCode = failed.length === 0 ? 0 : 1;
}

/** A missing program leaves tests out, it does not fail the run: they say so themselves. */
async function installPrograms() {
  let missing = PROGRAMS.filter(({ command }) => !isOnPath(command));
  if (missing.length === 0) return true;
  if (process.getuid?.() === 0 && existsSync("/etc/debian_version") && isOnPath("apt-get")) {
    await aptInstall(missing.flatMap(({ debian }) => debian.split(" ")));
    missing = missing.filter(({ command }) => !isOnPath(command));
  }
  for (const { command, debian, without } of missing) {
    process.stderr.write(`left out: ${without} (${command} is missing; Debian: apt-get install ${debian})\n`);
  }
  return true;
}

async function aptInstall(packages) {
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  const hint = "The tests that need these programs are left out.";
  const options = { cwd: root, env, hint };
  const undo = keepServicesStopped();
  try {
    if (!(await runStep("Reading Debian's package lists (apt-get update)", "apt-get", ["update", "-qq"], options)))
      return;
    const args = ["install", "-y", "-qq", "--no-install-recommends", ...packages];
    await runStep(`Installing ${packages.join(", ")} (apt-get install)`, "apt-get", args, options);
  } finally {
    undo();
  }
}

/** Debian starts a server when its package is installed; the tests start their own, and port 80 is not ours to take. */
function keepServicesStopped() {
  const policy = "/usr/sbin/policy-rc.d";
  if (existsSync(policy)) return () => {};
  writeFileSync(policy, "#!/bin/sh\nexit 101\n", { mode: 0o755 });
  return () => rmSync(policy, { force: true });
}

function isOnPath(command) {
  return [...(process.env["PATH"] ?? "").split(delimiter), "/usr/sbin"].some((folder) => {
    try {
      accessSync(join(folder, command), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
