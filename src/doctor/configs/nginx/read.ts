// nginx.conf with all that it includes, a part of one (sites-available/shop), or the output of `nginx -T`. What nginx
// would refuse is a problem, and the rest is read all the same: a file from another machine has holes. Findings are
// the rules of nginx/advice: those that name a gateway error as risks, the others as notes. What Goodgate itself does
// not do is no matter here.
import { type Advice, adviseNginx } from "../../../nginx/advice/advise.ts";
import { surveyOf } from "../../../nginx/advice/survey.ts";
import { shown } from "../../../nginx/byte-text.ts";
import { checkDirectives } from "../../../nginx/check.ts";
import { DIRECTIVES } from "../../../nginx/directives/table.ts";
import type { NginxConfiguration } from "../../../nginx/load.ts";
import { lowerNginx } from "../../../nginx/lower/lower.ts";
import { loadWholeOrPart } from "../../../nginx/part.ts";
import type { NginxProblem } from "../../../nginx/problem.ts";
import type { InputProblem } from "../../evidence.ts";
import type { ConfigEvidence, Finding } from "../model.ts";
import { evidence, folderOf, problem, type ReadInput } from "../reader.ts";
import { nginxFilesOf } from "./files.ts";
import { nginxHop } from "./hop.ts";

const PROBLEMS_MAX = 20;
/** Larger configurations are not put together: doctor has seconds. */
const LOWERED_MAX = 256 * 1024;

/** Reads it. */
export function readNginx(input: ReadInput): ConfigEvidence {
  const { file } = input;
  const { main, files, readAt } = nginxFilesOf(input);
  const loaded = loadWholeOrPart(main, files);
  if ("errno" in loaded) {
    const next = "check the path";
    return evidence(file, "nginx", { problems: [problem(file, null, `${file}: ${shown(loaded.text)}`, next)] });
  }
  const { configuration, partOf } = loaded;
  const checked = checkDirectives(configuration, DIRECTIVES).problems.filter(isOfNginx);
  const isRead = !checked.some(({ kind, severity }) => kind === "syntax" && severity === "error");
  const advice = isRead ? adviseNginx(configuration, partOf !== null) : [];
  const written = new Set(configuration.files.map(({ source }) => source));
  const hop = nginxHop(surveyOf(configuration, partOf !== null), written);
  const lowered = partOf === null && !checked.some(isError) ? loweringProblems(configuration, main) : [];
  const findings = [...advice.map(adviceFinding), ...lowered.map(nginxFinding)];
  const found = evidence(file, "nginx", {
    files: configuration.files.map(({ source }) => shown(source.path)),
    hops: hop ? [hop] : [],
    findings: findings.map((each) => ({ ...each, hop: hop?.name ?? null })),
    problems: bounded(
      file,
      checked.filter((each) => isError(each) && !isMissingTable(each)).map((each) => said(file, each)),
    ),
  });
  return readAt.size === 0 ? found : inPlace(found, readAt);
}

/** Names of files as they are here, in every place. */
function inPlace<T>(value: T, readAt: ReadonlyMap<string, string>): T {
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).map(([key, inner]: [string, unknown]) => [key, placed(key, inner, readAt)]);
  return (Array.isArray(value) ? entries.map(([, inner]) => inner) : Object.fromEntries(entries)) as T;
}

function placed(key: string, value: unknown, readAt: ReadonlyMap<string, string>): unknown {
  if (typeof value !== "string") return key === "logs" ? value : inPlace(value, readAt);
  return key === "file" || /^\d+$/.test(key) ? (readAt.get(value) ?? value) : value;
}

/** Said by nginx too: it is about the file, rather than about what Goodgate does with it, or about its release. */
function isOfNginx({ kind, nginx, hint = "" }: NginxProblem): boolean {
  return kind !== "scope" && nginx !== null && !/was removed in nginx/.test(hint);
}

function isError({ severity }: NginxProblem): boolean {
  return severity === "error";
}

/** Tables of nginx's packages, which say nothing of the chain. */
function isMissingTable({ kind, message }: NginxProblem): boolean {
  return (
    kind === "include" && /\/(?:mime\.types|(?:fastcgi|scgi|uwsgi|proxy)_params|fastcgi\.conf)" failed/.test(message)
  );
}

/** What nginx notices when it puts the whole together: names that conflict, variables that nothing defines. */
function loweringProblems(configuration: NginxConfiguration, main: string): readonly NginxProblem[] {
  const size = configuration.files.reduce((sum, { source }) => sum + source.text.length, 0);
  if (size > LOWERED_MAX) return [];
  const confDir = folderOf(main);
  const logs = { errorLog: "stderr", accessLog: "", pid: "" };
  return lowerNginx(configuration, { prefix: confDir, confDir, ...logs }).problems.filter(isOfNginx);
}

function said(file: string, each: NginxProblem): InputProblem {
  const { message, position = null, hint, kind } = each;
  if (kind === "include") {
    const next = "give it as well, beside the main file, or run doctor on the gateway's own machine";
    const name = /"([^"]*)" failed \(2:/.exec(message)?.[1];
    const text = name === undefined ? message : `"${name}" is included and is not here`;
    return problem(file, position, `${text}: what it says is not known`, next);
  }
  return problem(file, position, message, hint ?? 'nginx refuses it: "nginx -t" names the line');
}

/** Each once: a file may be missing in many places. */
function bounded(file: string, all: readonly InputProblem[]): readonly InputProblem[] {
  const seen = new Set<string>();
  const problems = all.filter(({ text, place }) => {
    const key = text.endsWith("is not known") ? text : `${text} ${place?.file} ${place?.line}`;
    return !seen.has(key) && seen.add(key);
  });
  const more = problems.length - PROBLEMS_MAX;
  if (more <= 0) return problems;
  return [...problems.slice(0, PROBLEMS_MAX), problem(file, null, `${more} more problems`, 'run "nginx -t"')];
}

/** What is right in many places that run well, and worth knowing in them: by rule, and by what it is about. */
const USUAL: Readonly<Record<string, RegExp>> = {
  // A service of compose or of Kubernetes, which keeps its address as long as it is not made anew.
  "resolved-once": /^"(?:[^".]+|[^"]*\.svc(?:\.cluster\.local)?\.?)" is resolved/,
  // Applications take any host, most of them; a name that is none they refuse.
  "host-missing": /^(?!.*no valid name)/,
  "one-server": /^/,
  // It makes a failure slow, and none.
  "connect-timeout-long": /^/,
};

function adviceFinding({ rule, note, message, hint = "", cause, position }: Advice): Finding {
  const severity = note || !cause || USUAL[rule]?.test(message) ? "note" : "risk";
  return {
    id: `nginx-${rule}`,
    severity,
    class: cause ?? null,
    text: message,
    fix: hint,
    at: position ?? null,
    also: null,
    hop: null,
  };
}

function nginxFinding({ message, hint, position, severity, cause }: NginxProblem): Finding {
  const isRefused = severity === "error";
  const fix = hint ?? (isRefused ? 'correct it: "nginx -t" says when it is right' : "remove what has no effect");
  return {
    id: isRefused ? "nginx-refused" : "nginx-warned",
    severity: isRefused ? "risk" : "note",
    class: cause ?? (isRefused ? "gateway-config-invalid" : null),
    text: isRefused ? `nginx does not start or reload with this: ${message}` : `nginx warns: ${message}`,
    fix,
    at: position ?? null,
    also: null,
    hop: null,
  };
}
