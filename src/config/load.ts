// Configuration in, Config out: from the text of goodgate.yaml, or from URLs on the command line, with the flags on
// top. Nothing here throws on what a person wrote; every problem comes back at once, and there is a config only where
// none is an error.
import { errorOf, isProblem, parseAddress, parseEndpoint } from "./address.ts";
import { checkConfig } from "./checks.ts";
import { unknownUpstream } from "./checks-route.ts";
import { complete, routeToAll } from "./complete.ts";
import type { Config, Problem } from "./config.ts";
import { type Environment, type Path, readDocument, type SourceDocument } from "./document.ts";
import { withFilesBeside } from "./files-beside.ts";
import { problemsOf } from "./issues.ts";
import { withDefaults } from "./nginx-defaults.ts";
import { sortProblems } from "./problem.ts";
import { configSchema } from "./schema.ts";

export { formatProblem } from "./problem.ts";

export interface LoadResult {
  /** Absent where a problem is an error. */
  readonly config?: Config;
  readonly problems: Problem[];
}

/** Flags that stand above the file. */
export interface Overrides {
  /** Replace the listeners, TLS and all; empty or absent = as configured. */
  readonly listen?: readonly string[];
  /** An address, or "off". */
  readonly console?: string;
  /** A number, or "auto". */
  readonly workers?: string | number;
}

/** Checks of parts whose syntax belongs to folders on the right. */
export interface LoadChecks {
  /** What is wrong with a template of the access log; undefined = nothing. */
  readonly logTemplate?: (template: string) => string | undefined;
  /** The config also where only checks found errors (a certificate that is not on this machine): to look at, not to run. */
  readonly keepRefused?: true;
}

/** Reads the text of a configuration file; `file` names it in problems, and names of files are relative to it. */
export function loadConfig(text: string, file: string, env: Environment, checks: LoadChecks = {}): LoadResult {
  const document = readDocument(text, file, env);
  if (document.problems.some(({ severity }) => severity === "error") && document.value === undefined) {
    return { problems: sortProblems(document.problems) };
  }
  const problems: Problem[] = [...document.problems];
  const written = withFilesBeside(withDefaults(document.value ?? {}), file);
  const parsed = configSchema.safeParse(written, { reportInput: true });
  if (!parsed.success) {
    // Values that a missing variable left open are reported once, as the variable.
    const errors = problems.filter(({ severity }) => severity === "error");
    const broken = new Set(errors.map(({ position }) => position && `${position.line}:${position.column}`));
    const found = [...problemsOf(parsed.error.issues, document), ...unknownUpstreams(document)];
    problems.push(...found.filter(({ position }) => !broken.has(position && `${position.line}:${position.column}`)));
    return { problems: sortProblems(problems) };
  }
  const config = complete(parsed.data, {
    file,
    written,
    positionOf: (path) => document.locate(PLACE, path).position,
    report: (problem, path, which) => problems.push(document.locate(problem, path, which)),
  });
  for (const { problem, path, which } of checkConfig(config, (at) => isWritten(document.value, at))) {
    // What nginx has where nobody says is what was asked for.
    const isChosen = parsed.data.defaults === "nginx" && !isWritten(document.value, path);
    if (problem.severity === "error" || !isChosen) problems.push(document.locate(problem, path, which));
  }
  const format = config.log.access?.format;
  const wrong = typeof format === "object" ? checks.logTemplate?.(format.template) : undefined;
  if (wrong !== undefined)
    problems.push(document.locate(errorOf(`log template: ${wrong}`), ["log", "access", "format"]));
  return checks.keepRefused ? { config, problems: sortProblems(problems) } : finished(config, problems);
}

const PLACE: Problem = { severity: "error", message: "" };

function isWritten(value: unknown, path: Path): boolean {
  let inner = value;
  for (const key of path) {
    if (typeof inner !== "object" || inner === null) return false;
    inner = (inner as Record<PropertyKey, unknown>)[key];
  }
  return inner !== undefined;
}

/** The commonest wrong reference, told even where the file has other errors and no Config can be made of it. */
function unknownUpstreams(document: SourceDocument): Problem[] {
  const { upstreams, routes } = (document.value ?? {}) as { upstreams?: unknown; routes?: unknown };
  if (!Array.isArray(routes)) return [];
  const names = typeof upstreams === "object" && upstreams !== null ? Object.keys(upstreams) : [];
  return routes.flatMap((route: { proxy?: unknown } | null, index) => {
    const name = route?.proxy;
    if (typeof name !== "string" || names.includes(name)) return [];
    return [document.locate(unknownUpstream(name, names), ["routes", index, "proxy"])];
  });
}

/** One upstream of the endpoints that the URLs name, and everything to it. A path in them goes before every path. */
export function configFromUrls(urls: readonly string[], overrides: Overrides = {}): LoadResult {
  const problems: Problem[] = [];
  const addresses: string[] = [];
  const paths = new Set<string>();
  for (const url of urls) {
    const endpoint = parseEndpoint(url);
    if (isProblem(endpoint)) {
      problems.push(endpoint);
      continue;
    }
    addresses.push(endpoint.path === "" ? url : url.slice(0, url.length - endpoint.path.length));
    paths.add(endpoint.path.replace(/\/+$/, ""));
  }
  const [path = "", ...others] = paths;
  if (others.length > 0)
    problems.push(
      errorOf(
        `the URLs have different paths: ${[...paths].map((one) => one || "/").join(", ")}`,
        "they form one upstream; a configuration file can have several",
      ),
    );
  const parsed = configSchema.safeParse({ upstreams: { app: addresses } }, { reportInput: true });
  if (problems.length > 0 || !parsed.success) return { problems };
  const config = complete(parsed.data, { file: "", report: (problem) => problems.push(problem) });
  const rewrite = path === "" ? null : `${path.replaceAll("{", "{{")}{path}`;
  const routed: Config = { ...config, routes: [{ ...routeToAll("app", config.errors), rewrite }] };
  const result = withOverrides(routed, overrides);
  if (!result.config) return { problems: [...problems, ...result.problems] };
  const found = checkConfig(result.config).map(({ problem }) => problem);
  return finished(result.config, [...problems, ...found]);
}

/** The configuration with the flags on top. */
export function withOverrides(config: Config, overrides: Overrides): LoadResult {
  const problems: Problem[] = [];
  let next = config;
  const flag = (name: string, problem: Problem) =>
    problems.push({ ...problem, message: `${name}: ${problem.message}` });
  if (overrides.listen && overrides.listen.length > 0) {
    const listeners = overrides.listen.flatMap((text) => {
      const address = parseAddress(text);
      if (!isProblem(address)) return [{ address, tls: null }];
      flag("--listen", address);
      return [];
    });
    next = { ...next, listeners };
  }
  if (overrides.console !== undefined) {
    const address = overrides.console === "off" ? null : parseAddress(overrides.console);
    if (address !== null && isProblem(address)) flag("--console", address);
    else next = { ...next, console: address };
  }
  if (overrides.workers !== undefined) {
    const text = String(overrides.workers);
    const workers =
      text === "auto"
        ? "auto"
        : /^\d{1,4}$/.test(text) && Number(text) >= 1 && Number(text) <= 1024
          ? Number(text)
          : undefined;
    if (workers === undefined)
      flag("--workers", errorOf(`"${text}" is not a number of workers`, 'write 1 to 1024, or "auto"'));
    else next = { ...next, workers };
  }
  return finished(next, problems);
}

function finished(config: Config, problems: readonly Problem[]): LoadResult {
  const sorted = sortProblems(problems);
  return sorted.some(({ severity }) => severity === "error") ? { problems: sorted } : { config, problems: sorted };
}
