// goodgate check: everything that is wrong with a configuration and what in it will cause gateway errors, without
// starting anything. The report goes to standard output. Exit codes: 0 fine, 1 errors or findings, 2 no such file.
import { readFileSync } from "node:fs";
import type { Problem } from "../config/config.ts";
import { formatProblem } from "../config/load.ts";
import { loadTargets } from "./load.ts";

const EXIT_FINE = 0;
const EXIT_FINDINGS = 1;
const EXIT_USAGE = 2;

export interface CheckOptions {
  /** One JSON document instead of text. */
  readonly json?: boolean;
}

/** What the command prints, and its exit code. */
export interface CheckReport {
  readonly text: string;
  readonly code: number;
}

/** Checks a configuration file and prints what was found; resolves with the exit code. */
export async function check(file: string, options: CheckOptions): Promise<number> {
  const colour = process.stdout.isTTY === true && !process.env["NO_COLOR"] && process.env["TERM"] !== "dumb";
  const { text, code } = checkReport(file, options, colour);
  await new Promise<void>((resolve) => process.stdout.write(text, () => resolve()));
  return code;
}

/** The report on a configuration file. */
export function checkReport(file: string, { json = false }: CheckOptions, colour = false): CheckReport {
  const { problems } = loadTargets([file], {});
  const errors = problems.filter(({ severity }) => severity === "error").length;
  const findings = problems.filter(({ severity }) => severity === "warning").length;
  const code = isReadable(file) ? (errors + findings > 0 ? EXIT_FINDINGS : EXIT_FINE) : EXIT_USAGE;
  if (json) {
    const document = { file, ok: code === EXIT_FINE, errors, findings, problems: problems.map(toJson) };
    return { text: `${JSON.stringify(document, null, 2)}\n`, code };
  }
  const blocks = problems.map((problem) => `${formatProblem(problem, colour)}\n`);
  return { text: `${blocks.join("\n")}${blocks.length > 0 ? "\n" : ""}${summary(file, errors, findings)}\n`, code };
}

function isReadable(file: string): boolean {
  try {
    readFileSync(file);
    return true;
  } catch {
    // Why it cannot be read is among the problems.
    return false;
  }
}

function toJson({ position, message, severity, hint, cause, source }: Problem): object {
  return {
    severity,
    message,
    hint: hint ?? null,
    cause: cause ?? null,
    file: position?.file ?? null,
    line: position?.line ?? null,
    column: position?.column ?? null,
    source: source ?? null,
  };
}

function summary(file: string, errors: number, findings: number): string {
  if (errors + findings === 0) return `${file}: fine`;
  const parts = [];
  if (errors > 0) parts.push(`${errors} error${errors === 1 ? "" : "s"}`);
  if (findings > 0) parts.push(`${findings} finding${findings === 1 ? "" : "s"}`);
  return `${file}: ${parts.join(", ")}`;
}
