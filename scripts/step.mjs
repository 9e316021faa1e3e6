// One long step of a script: a child process with its output kept aside, a line that shows that it is alive, and,
// where it fails, its output and the next thing to do. On a terminal the line counts the seconds; elsewhere it is
// printed once. Progress goes to standard error. Uses only what Node brings: node_modules may not exist yet.
import { spawn } from "node:child_process";

const TAIL_BYTES = 64 * 1024;

/**
 * Runs a command to its end and returns whether it succeeded.
 * @param {string} title what is being done, as a person would say it
 * @param {string} command
 * @param {string[]} args
 * @param {{ cwd: string, env?: NodeJS.ProcessEnv, hint: string }} options hint = the next step where it fails
 * @returns {Promise<boolean>}
 */
export async function runStep(title, command, args, { cwd, env, hint }) {
  const began = performance.now();
  const seconds = () => ((performance.now() - began) / 1000).toFixed(1);
  const terminal = process.stderr.isTTY === true;
  if (!terminal) process.stderr.write(`${title} …\n`);
  const draw = () => process.stderr.write(`\r\u001b[K${title} … ${Math.floor((performance.now() - began) / 1000)} s`);
  if (terminal) draw();
  const ticking = terminal ? setInterval(draw, 1000) : undefined;

  const child = spawn(command, args, { cwd, env: env ?? process.env, stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  const keep = (chunk) => {
    output = (output + chunk).slice(-TAIL_BYTES);
  };
  child.stdout.setEncoding("utf8").on("data", keep);
  child.stderr.setEncoding("utf8").on("data", keep);
  const stopForwarding = forwardSignals(child);
  const { code, problem } = await ended(child);
  stopForwarding();
  clearInterval(ticking);

  const ok = code === 0;
  if (terminal) process.stderr.write("\r\u001b[K");
  process.stderr.write(`${ok ? "✓" : "✗"} ${title} (${seconds()} s)\n`);
  if (!ok) process.stderr.write(`\n${output.trim()}\n${problem}\n→ ${hint}\n`);
  return ok;
}

/**
 * Runs a command that speaks for itself (its output goes straight through) and returns whether it succeeded.
 * @param {string} command
 * @param {string[]} args
 * @param {{ cwd: string, env?: NodeJS.ProcessEnv }} options
 * @returns {Promise<boolean>}
 */
export async function runLoud(command, args, { cwd, env }) {
  const child = spawn(command, args, { cwd, env: env ?? process.env, stdio: "inherit" });
  const stopForwarding = forwardSignals(child);
  const { code, problem } = await ended(child);
  stopForwarding();
  if (problem !== "") process.stderr.write(`${problem}\n`);
  return code === 0;
}

/** @param {import("node:child_process").ChildProcess} child */
function ended(child) {
  return new Promise((resolve) => {
    child.once("error", (error) => resolve({ code: -1, problem: `cannot start ${child.spawnfile}: ${error.message}` }));
    child.once("close", (code, signal) =>
      resolve({ code: code ?? -1, problem: signal === null ? "" : `${child.spawnfile} was ended by ${signal}` }),
    );
  });
}

/** A signal to us ends the child first; then we go with the shell's code for that signal. */
function forwardSignals(child) {
  const codes = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 };
  const handlers = Object.entries(codes).map(([signal, code]) => {
    const handler = () => {
      child.once("close", () => process.exit(code));
      child.kill(signal);
    };
    process.on(signal, handler);
    return [signal, handler];
  });
  return () => {
    for (const [signal, handler] of handlers) process.off(signal, handler);
  };
}
