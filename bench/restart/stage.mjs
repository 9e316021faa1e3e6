// What every measurement here stands on: a temp folder of its own, ports of its own, and an end that leaves nothing
// behind, also on Ctrl-C. Endpoints listen at an address of loopback that no client socket has: a port that is free
// while its process restarts could otherwise be taken by an outgoing connection, or a connection meet itself.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { stopEverything } from "../processes.mjs";

export const ENDPOINT_HOST = "127.0.0.2";

const scratch = mkdtempSync(join(tmpdir(), "goodgate-restart-"));
process.once("exit", () => {
  stopEverything();
  rmSync(scratch, { recursive: true, force: true, maxRetries: 5 });
});
for (const [signal, code] of [
  ["SIGINT", 130],
  ["SIGTERM", 143],
  ["SIGHUP", 129],
]) {
  process.on(signal, () => process.exit(code));
}

/** A new folder within the measurement's own. */
export function folder(name) {
  return mkdtempSync(join(scratch, `${name}-`));
}

/** A port that is free now at `host`. */
export function freePortAt(host) {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, host, () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

/** Reads the command line; a wrong one ends the program with 2. */
export function readArguments(options) {
  try {
    return parseArgs({ options }).values;
  } catch (error) {
    return fail(error.message);
  }
}

/** A number of the command line that is at least `least`. */
export function numberOf(name, text, least) {
  const value = Number(text);
  if (!Number.isFinite(value) || value < least) fail(`--${name} ${text}: a number from ${least}`);
  return value;
}

/** A value of the command line that is one of `known`. */
export function oneOf(name, text, known) {
  if (!known.includes(text)) fail(`--${name} ${text}: there are ${known.join(", ")}`);
  return text;
}

/** Values of the command line, "a,b", of those in `known`; "all" are all of them. */
export function listOf(name, text, known) {
  return text === "all" ? known : text.split(",").map((each) => oneOf(name, each, known));
}

/** Progress and remarks; the result alone goes to stdout. */
export function say(line) {
  process.stderr.write(`${line}\n`);
}

/** @returns {never} */
export function fail(message) {
  say(message);
  process.exit(2);
}

/** Writes what was measured where `--json FILE` was given. */
export function writeJson(file, value) {
  if (file !== undefined) writeFileSync(file, `${JSON.stringify(value, null, 2)}\n`);
}

/** The value below which `share` of the values lie; null of nothing. `sorted` ascends. */
export function percentile(sorted, share) {
  return sorted.length === 0 ? null : sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * share) - 1)];
}

/** Columns under their headings; the first to the left, the others to the right. */
export function table(rows) {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => String(row[column]).length)));
  const line = (row) =>
    row
      .map((cell, column) => (column === 0 ? String(cell).padEnd(widths[0]) : String(cell).padStart(widths[column])))
      .join("  ");
  const [head, ...body] = rows;
  return [line(head), widths.map((width) => "-".repeat(width)).join("  "), ...body.map(line)].join("\n");
}

/** "502 ×3, reset ×1", or "none". */
export function tally(counts) {
  const list = Object.entries(counts).sort(([, a], [, b]) => b - a);
  return list.length === 0 ? "none" : list.map(([name, count]) => `${name} ×${count}`).join(", ");
}
