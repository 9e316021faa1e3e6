// goodgate check: everything that is wrong with a configuration and what in it will cause gateway errors, without
// starting anything: a goodgate.yaml, or an nginx.conf with all that it includes (told apart by what is in the file).
// The report goes to standard output. Exit codes: 0 fine, 1 errors or findings, 2 no such file.
import { readFileSync } from "node:fs";
import type { Problem } from "../config/config.ts";
import { formatProblem } from "../config/load.ts";
import { loadYaml } from "./load.ts";
import { checkNginx, type NginxFindings, nginxSummary, nginxToJson, nginxToText } from "./nginx/check-nginx.ts";
import { type Language, languageOf } from "./target.ts";
import { coloured, print } from "./terminal.ts";

const EXIT_FINE = 0;
const EXIT_FINDINGS = 1;
const EXIT_USAGE = 2;

export interface CheckOptions {
  /** One JSON document instead of text. */
  readonly json?: boolean;
  /** Lists what is accepted without effect, too. */
  readonly verbose?: boolean;
  readonly as?: Language;
}

/** What the command prints, and its exit code. */
export interface CheckReport {
  readonly text: string;
  readonly code: number;
}

/** Checks a configuration file and prints what was found; resolves with the exit code. */
export async function check(file: string, options: CheckOptions): Promise<number> {
  const { text, code } = checkReport(file, options, coloured());
  await print(text);
  return code;
}

/** The report on a configuration file. */
export function checkReport(file: string, options: CheckOptions, colour = false): CheckReport {
  const { json = false, verbose = false } = options;
  const content = contentOf(file);
  const language = options.as ?? (content === null ? "yaml" : languageOf(content));
  const nginx = content !== null && language === "nginx" ? checkNginx(file) : null;
  const problems: readonly Problem[] = nginx?.problems ?? loadYaml(file).problems;
  const errors = problems.filter(({ severity }) => severity === "error").length;
  const findings = problems.filter(({ severity }) => severity === "warning").length;
  const code = content === null ? EXIT_USAGE : errors + findings > 0 ? EXIT_FINDINGS : EXIT_FINE;
  if (json) {
    const told = nginx
      ? { problems: problemsToJson(nginx), ...nginxToJson(nginx) }
      : { problems: problems.map(toJson) };
    const document = { file, ok: code === EXIT_FINE, errors, findings, ...told };
    return { text: `${JSON.stringify(document, null, 2)}\n`, code };
  }
  const blocks = nginx
    ? nginxToText(nginx, colour, verbose)
    : problems.map((problem) => formatProblem(problem, colour));
  const more = nginx ? `; ${nginxSummary(nginx, verbose)}` : "";
  return { text: [...blocks, `${summary(file, errors, findings)}${more}`].join("\n\n") + "\n", code };
}

/** null = it cannot be read; why is among the problems. */
function contentOf(file: string): string | null {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return null;
  }
}

function problemsToJson({ problems, about }: NginxFindings): object[] {
  return problems.map((problem) => ({ ...toJson(problem), kind: problem.kind, ...about(problem) }));
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
