// Findings of a route: where it leads, what it takes from the path, what it changes of its upstream's rules.
import { checkAttempts, checkHeadTimeout } from "./checks-waiting.ts";
import type { Config, Problem, RouteConfig, UpstreamConfig } from "./config.ts";
import type { Path } from "./document.ts";
import { type Add, type IsWritten, warning } from "./finding.ts";
import { suggestionHint } from "./suggest.ts";
import { parseTemplate } from "./template.ts";

/** What is wrong or risky in a route as such. */
export function checkRoute(config: Config, route: RouteConfig, path: Path, add: Add, isWritten: IsWritten): void {
  const { action } = route;
  if (action.kind === "proxy" && action.upstream !== "" && !config.upstreams.has(action.upstream)) {
    add(unknownUpstream(action.upstream, [...config.upstreams.keys()]), [...path, "proxy"]);
  }
  const upstream = action.kind === "proxy" ? config.upstreams.get(action.upstream) : undefined;
  if (upstream) checkRouteRetry(route, upstream, path, add, isWritten);
  checkHeadTimeout(route.timeouts.headMs, config, [...path, "timeouts", "head"], add);
  const literals = route.paths.filter((pattern) => pattern.kind === "exact" || pattern.kind === "prefix");
  if (
    route.strip !== "" &&
    literals.length === route.paths.length &&
    !literals.some(({ path: text }) => below(text, route.strip))
  ) {
    add(warning(`no path of this route begins with "${route.strip}"`, "strip takes off what the path begins with"), [
      ...path,
      "strip",
    ]);
  }
  const captures = Math.min(...route.paths.map(captureCount));
  const templates: [string, Path][] = [];
  if (route.rewrite !== null) templates.push([route.rewrite, [...path, "rewrite"]]);
  if (action.kind === "redirect") templates.push([action.to, [...path, "redirect", "to"]]);
  if (action.kind === "respond") templates.push([action.body, [...path, "respond", "body"]]);
  for (const [text, place] of templates) {
    const parts = parseTemplate(text);
    if ("message" in parts) continue;
    const missing = parts.find((part) => part.kind === "capture" && part.index > captures);
    if (missing?.kind !== "capture") continue;
    add(
      warning(
        `{path.${missing.index}} is empty: not every path of this route has ${missing.index === 1 ? "a" : `${missing.index}`} “*” or group${missing.index === 1 ? "" : "s"}`,
        "write the path as a glob or a regular expression with groups",
      ),
      place,
    );
  }
}

function checkRouteRetry(
  { retry, timeouts }: RouteConfig,
  upstream: UpstreamConfig,
  path: Path,
  add: Add,
  isWritten: IsWritten,
): void {
  const attempts = retry.attempts ?? upstream.retry.attempts;
  const own = [retry.attempts, retry.withinMs, timeouts.connectMs, timeouts.headMs];
  if (own.some((value) => value !== undefined && value !== null)) {
    const withinMs = retry.withinMs ?? upstream.retry.withinMs;
    checkAttempts({ attempts, withinMs }, { ...upstream.timeouts, ...timeouts }, path, add, isWritten);
  }
  if (attempts > 1) return;
  const without = retry.statuses.length > 0 ? "status" : retry.idempotencyKey ? "idempotency-key" : null;
  if (without === null) return;
  add(
    warning(
      `retry.${without} has no effect: one attempt is all that is made`,
      retry.attempts === null
        ? `the upstream ${upstream.name} makes no retries: give this route attempts: 2, or let the upstream retry`
        : "give it attempts: 2 or more",
    ),
    [...path, "retry", without],
    "key",
  );
}

/** A route leads to an upstream that is not there. */
export function unknownUpstream(name: string, names: readonly string[]): Problem {
  const hint = names.length === 0 ? "there are no upstreams" : suggestionHint(name, names);
  return { severity: "error", message: `unknown upstream "${name}"`, hint };
}

function below(path: string, prefix: string): boolean {
  return path === prefix || path.startsWith(prefix.endsWith("/") ? prefix : `${prefix}/`);
}

function captureCount(pattern: RouteConfig["paths"][number]): number {
  if (pattern.kind === "glob") return pattern.pattern.split(/\*\*?/).length - 1;
  if (pattern.kind !== "regex") return 0;
  return (new RegExp(`${pattern.source}|`).exec("")?.length ?? 1) - 1;
}
