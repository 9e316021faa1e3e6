// error_page: pages that come from the upstream that has just failed, and failures that look like answers.
import { argOf, argsOf, enclosing, flagOf, type Scope } from "../../lower/scope.ts";
import type { Directive } from "../../tree.ts";
import { isExact, locationFor } from "../find-location.ts";
import type { Rule } from "../rule.ts";

interface Page {
  readonly directive: Directive;
  readonly codes: readonly string[];
  /** "=200", "=". */
  readonly response: string | undefined;
  readonly target: string;
}

function pageOf(directive: Directive): Page {
  const words = argsOf(directive);
  const codes = words.filter((word) => /^\d{3}$/.test(word));
  return { directive, codes, response: words.find((word) => word.startsWith("=")), target: words.at(-1) ?? "" };
}

/** Whether a page is for what upstreams fail with. */
function isForFailures({ codes }: Page): boolean {
  return codes.some((code) => /^50[234]$/.test(code));
}

/** The page is asked of whoever failed. */
export const errorPageFails: Rule = {
  id: "error-page-fails",
  about: "an `error_page` for failures of the upstream whose path is proxied to the same upstream",
  *find(survey) {
    const seen = new Set<Directive>();
    const locations = new Map<string, Scope | null>();
    for (const { scope, arg } of survey.proxies) {
      const server = enclosing(scope, "server");
      if (!server || !survey.isKnown(scope)) continue;
      for (const directive of scope.all("error_page")) {
        const page = pageOf(directive);
        if (!isForFailures(page) || !page.target.startsWith("/") || page.target.includes("$") || seen.has(directive))
          continue;
        const path = page.target.replace(/\?.*$/, "");
        const key = `${survey.servers.indexOf(server)} ${path}`;
        const location = locations.get(key) ?? locationFor(survey, server, path);
        locations.set(key, location);
        // Who asks for the page itself is another matter.
        if ((location === scope && isExact(scope)) || location?.own("proxy_pass")[0]?.args[0]?.value !== arg.value)
          continue;
        seen.add(directive);
        const again = flagOf(scope, "recursive_error_pages", false);
        yield {
          directive,
          arg: directive.args.at(-1),
          text: `"${page.target}" is asked of "${arg.value}", which has just failed: visitors see ${again ? "500 after ten rounds" : "nginx's own page"}, after a second wait`,
          fix: `write "location = ${page.target} { internal; root /usr/share/nginx/html; }"`,
          cause: "upstream-error-passthrough",
        };
      }
    }
  },
};

/** An outage that nobody's monitoring sees. */
export const errorPageAs200: Rule = {
  id: "error-page-200",
  about: "`error_page 502 =200 …`: failures look like answers",
  *find({ scopes }) {
    for (const scope of scopes)
      for (const directive of scope.own("error_page")) {
        const page = pageOf(directive);
        const isFound = /^=2\d\d$/.test(page.response ?? "");
        if (!isForFailures(page) || !isFound) continue;
        yield {
          directive,
          arg: directive.args.find(({ value }) => value === page.response),
          text: "a failure is answered with success: caches keep the page, search engines index it, monitoring sees nothing",
          fix: `take "${page.response}" away: the page is shown with the failure's own status`,
          cause: "upstream-error-passthrough",
        };
      }
  },
};

/** A named location that nobody wrote. */
export const errorPageNamed: Rule = {
  id: "named-location-missing",
  about: "`error_page`, `try_files` or `auth_request` that lead to a location which is not there",
  *find({ scopes, inner, isKnown }) {
    const byServer = new Map<Scope, ReadonlySet<string>>();
    for (const scope of scopes) {
      const server = enclosing(scope, "server");
      if (!server || !isKnown(scope)) continue;
      const names =
        byServer.get(server) ??
        new Set(inner(server, "location").map(({ directive }) => argOf(directive ?? undefined)));
      byServer.set(server, names);
      for (const directive of [...scope.own("error_page"), ...scope.own("try_files")]) {
        const target = directive.args.at(-1);
        if (!target || !/^@[^$]+$/.test(target.value) || names.has(target.value)) continue;
        yield {
          directive,
          arg: target,
          text: `there is no location ${target.value} in this server: what should be answered there is a 500`,
          fix: `write "location ${target.value} { … }", or correct the name`,
          cause: "gateway-config-invalid",
        };
      }
    }
  },
};

/** Round and round. */
export const errorPageLoop: Rule = {
  id: "error-page-loop",
  about: "`recursive_error_pages on` and an `error_page` that leads back to where it was raised",
  *find(survey) {
    for (const scope of survey.scopes) {
      const server = enclosing(scope, "server");
      if (scope.kind !== "location" || !server || !flagOf(scope, "recursive_error_pages", false)) continue;
      for (const directive of scope.own("error_page")) {
        const { target } = pageOf(directive);
        if (!leadsTo(survey, server, target, scope)) continue;
        yield {
          directive,
          arg: directive.args.at(-1),
          text: "a failure there leads back here, ten times, and is a 500 then",
          fix: `lead it to a location that cannot fail: static files, or "return"`,
          cause: "proxy-loop",
        };
      }
    }
  },
};

function leadsTo(survey: Parameters<typeof locationFor>[0], server: Scope, target: string, scope: Scope): boolean {
  if (target.startsWith("@")) return argOf(scope.directive ?? undefined) === target;
  if (!target.startsWith("/") || target.includes("$")) return false;
  return locationFor(survey, server, target) === scope && scope.own("proxy_pass").length > 0;
}
