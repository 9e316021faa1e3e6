// Runs nginx's own test suite (a checkout of nginx/nginx-tests; never part of this repository) against a program:
//   node test/nginx-suite/run.mjs DIR [FILE…] [--jobs N] [--binary PROGRAM] [--json FILE] [--all] [--verbose]
// Assertions are counted one by one. What is skipped, and what a file that died never came to, counts as failed: the
// suite skips what a program does not claim. Assertions that the suite marks TODO count as it counts them. Files that
// left-out.json names are not run (--all runs them), and are listed with their reason. Exit code 1 where a file of the
// core group or of the others has a failed assertion. Needs Perl; each file may take 120 s.
import { spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const FILE_MS = 120_000;
const OURS = fileURLToPath(new URL("../../bin/goodgate-nginx.js", import.meta.url));
const LEFT_OUT = JSON.parse(readFileSync(new URL("left-out.json", import.meta.url), "utf8"));

/** The gateway itself. */
const CORE = [
  ..."proxy* upstream* http_* rewrite* limit_* map* realip* access* headers error_log body* trailers".split(" "),
  ..."worker_shutdown_timeout* merge_slashes ignore_invalid_headers request_id".split(" "),
];
/** What looks like core by its name and belongs to another part: TLS, cache, names, PROXY protocol, sticky, files. */
const NOT_CORE = [
  ..."proxy_ssl* *_ssl proxy_cache* proxy_protocol* proxy_store http_resolver* http_disable_symlinks".split(" "),
  ..."upstream_resolve* upstream_service* upstream*_sticky* proxy_ssi_body proxy_xar".split(" "),
];

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    jobs: { type: "string", default: "1" },
    binary: { type: "string", default: OURS },
    json: { type: "string" },
    all: { type: "boolean", default: false },
    verbose: { type: "boolean", default: false },
  },
});
const [folder, ...named] = positionals;
if (folder === undefined) {
  process.stderr.write("usage: run.mjs DIR [FILE…] [--jobs N] [--binary PROGRAM] [--json FILE] [--all] [--verbose]\n");
  process.exit(2);
}

/** A glob with "*" only. */
function fits(pattern, name) {
  const source = pattern.replace(/[.+?^${}()|[\]\\]/g, "\\$&").replaceAll("*", ".*");
  return new RegExp(`^${source}$`).test(name);
}

function groupOf(name) {
  const leftOut = LEFT_OUT.find(({ files }) => fits(files, name));
  if (leftOut && !values.all) return { group: "left out", why: leftOut.why };
  const isCore = CORE.some((pattern) => fits(pattern, name)) && !NOT_CORE.some((pattern) => fits(pattern, name));
  return { group: isCore ? "core" : "others" };
}

/** How many assertions a file means to make, where it does not come to say so: its plan, and two for the log. */
function plannedIn(source) {
  const plan = /(?:->|\b)plan\(\s*(?:tests\s*=>\s*)?(\d+)\s*\)/.exec(source);
  return plan ? Number(plan[1]) + (plan[0].startsWith("->") ? 2 : 0) : 0;
}

function parseTap(text, source) {
  let plan = null;
  let whole = null;
  let skippedFile = null;
  const counts = { ok: 0, notOk: 0, skipped: 0, todo: 0 };
  const failed = [];
  for (const line of text.split("\n")) {
    const planned = /^1\.\.(\d+)(?:\s*#\s*SKIP\S*\s*(.*))?/i.exec(line);
    if (planned) {
      plan = Number(planned[1]);
      if (plan === 0) skippedFile = planned[2] || "skipped";
      continue;
    }
    const assertion = /^(not )?ok\b\s*(\d*)\s*-?\s*([^#]*)(?:#\s*(skip|todo)\S*\s*(.*))?/i.exec(line);
    if (!assertion) {
      if (/^Bail out!/i.test(line)) whole = line;
      continue;
    }
    const [, not, number, description, directive = ""] = assertion;
    if (directive.toLowerCase() === "skip") counts.skipped++;
    else if (directive.toLowerCase() === "todo") counts.todo++;
    else if (not) {
      counts.notOk++;
      failed.push(`${number} ${description.trim()}`.trim());
    } else counts.ok++;
  }
  const seen = counts.ok + counts.notOk + counts.skipped + counts.todo;
  // A file that died before its plan, or skipped itself, would have made those of its source.
  const total = Math.max(seen, plan || plannedIn(source));
  return { ...counts, total, missing: total - seen, skippedFile, bailed: whole, failed };
}

/** Process groups of the files that run now. */
const groupsAtWork = new Set();
// A reader that has seen enough, or Ctrl-C, must not leave servers behind.
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => process.exit(1));
process.stdout.on("error", () => process.exit(1));
process.on("exit", () => {
  for (const pid of groupsAtWork) killGroup(pid);
});

function killGroup(pid) {
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // Nobody is left in it.
  }
}

function run(name) {
  const path = `${name}.t`;
  const source = readFileSync(join(folder, path), "utf8");
  const temporary = mkdtempSync(join(tmpdir(), "nginx-suite-"));
  const globals = process.geteuid?.() === 0 && !process.env.TEST_NGINX_GLOBALS ? "user root;\n" : undefined;
  const began = performance.now();
  return new Promise((done) => {
    const child = spawn("perl", ["-Ilib", path], {
      cwd: resolve(folder),
      stdio: ["ignore", "pipe", "pipe"],
      // A group of its own, so that what a file leaves behind ends with it.
      detached: true,
      env: {
        ...process.env,
        TEST_NGINX_BINARY: resolve(values.binary),
        // As root its workers would become nobody, who may not read the suite's folders.
        ...(process.getuid?.() === 0 && { TEST_NGINX_GLOBALS: "user root;" }),
        TMPDIR: temporary,
        // What is skipped counts as failed, so nothing is skipped for taking long or for listening on every address.
        TEST_NGINX_UNSAFE: process.env.TEST_NGINX_UNSAFE ?? "1",
        ...(globals ? { TEST_NGINX_GLOBALS: globals } : {}),
      },
    });
    let stdout = "";
    let stderr = "";
    let late = false;
    child.stdout.on("data", (chunk) => (stdout += chunk.toString("latin1")));
    child.stderr.on("data", (chunk) => (stderr += chunk.toString("latin1")));
    groupsAtWork.add(child.pid);
    const timer = setTimeout(() => {
      late = true;
      killGroup(child.pid);
    }, FILE_MS);
    child.once("error", (error) => (stderr += error.message));
    child.once("exit", () => {
      // Whoever is left holds the pipes open, and would be waited for.
      setTimeout(killGroup, 200, child.pid);
    });
    child.once("close", (code) => {
      clearTimeout(timer);
      killGroup(child.pid);
      groupsAtWork.delete(child.pid);
      rmSync(temporary, { recursive: true, force: true });
      const seconds = Math.round((performance.now() - began) / 100) / 10;
      done({ name, ...groupOf(name), ...parseTap(stdout, source), code, late, seconds, stderr: stderr.slice(-20_000) });
    });
  });
}

function passed({ ok, todo }) {
  return ok + todo;
}

function row(result) {
  const { name, total, notOk, skipped, missing, late, seconds, skippedFile } = result;
  const details = [
    notOk > 0 ? `${notOk} not ok` : "",
    skipped > 0 ? `${skipped} skipped` : "",
    missing > 0 ? `${missing} missing` : "",
    late ? "out of time" : "",
    skippedFile ? `(${skippedFile})` : "",
  ];
  const mark = passed(result) === total && total > 0 ? "  " : "✗ ";
  const figures = `${String(passed(result)).padStart(4)}/${String(total).padEnd(4)}`;
  return `${mark}${name.padEnd(38)} ${figures} ${seconds.toFixed(1).padStart(6)} s  ${details.filter(Boolean).join(", ")}`.trimEnd();
}

function summary(title, results) {
  const all = results.reduce((sum, { total }) => sum + total, 0);
  const good = results.reduce((sum, result) => sum + passed(result), 0);
  const whole = results.filter((result) => result.total > 0 && passed(result) === result.total).length;
  const share = all === 0 ? "–" : `${((100 * good) / all).toFixed(1)} %`;
  return { title, files: results.length, whole, assertions: all, passed: good, share };
}

const names = (
  named.length > 0
    ? named
    : readdirSync(folder)
        .filter((file) => file.endsWith(".t"))
        .sort()
).map((file) => file.replace(/^.*\//, "").replace(/\.t$/, ""));
// What is asked for by name is run, whatever the list says.
const queue = names.filter((name) => named.length > 0 || groupOf(name).group !== "left out");
const results = [];
const worker = async () => {
  for (let name = queue.shift(); name !== undefined; name = queue.shift()) {
    const result = await run(name);
    results.push(result);
    process.stdout.write(`${row(result)}\n`);
    if (!values.verbose) continue;
    for (const each of result.failed) process.stdout.write(`      not ok ${each}\n`);
    if (result.stderr)
      process.stdout.write(`${result.stderr.replaceAll("\r", "").trimEnd().replace(/^/gm, "      | ")}\n`);
  }
};
await Promise.all(Array.from({ length: Math.max(1, Number(values.jobs) || 1) }, worker));

const leftOut = names.map((name) => ({ name, ...groupOf(name) })).filter(({ group }) => group === "left out");
const groups = ["core", "others", "left out"]
  .map((group) =>
    summary(
      group,
      results.filter((result) => result.group === group),
    ),
  )
  .filter(({ files }) => files > 0);
process.stdout.write("\n");
for (const { title, files, whole, assertions, passed: good, share } of groups)
  process.stdout.write(
    `${title.padEnd(10)} ${good} of ${assertions} assertions (${share}), ${whole} of ${files} files whole\n`,
  );
if (named.length === 0) process.stdout.write(`left out   ${leftOut.length} files (left-out.json has the reasons)\n`);
if (values.json) {
  const document = {
    program: resolve(values.binary),
    groups,
    files: results.sort((a, b) => (a.name < b.name ? -1 : 1)),
    leftOut,
  };
  writeFileSync(values.json, `${JSON.stringify(document, null, 2)}\n`);
}
process.exitCode = results.every((result) => passed(result) === result.total) ? 0 : 1;
