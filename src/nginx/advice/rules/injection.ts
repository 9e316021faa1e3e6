// What a request can write into headers, and where it can send us. Decoded values ($uri, captures of it) can hold line
// ends: in `return`, `add_header`, `proxy_set_header` and a `proxy_pass` with variables they go out as they are.
import { has } from "../../../config/pcre-chars.ts";
import { argOf, argsOf, enclosing, outwards, type Scope } from "../../lower/scope.ts";
import { partsOf } from "../../lower/text.ts";
import type { Arg, Directive } from "../../tree.ts";
import { bytesOfGroup } from "../patterns.ts";
import { type Proxied, variablesIn } from "../proxies.ts";
import type { Rule } from "../rule.ts";
import type { Survey } from "../survey.ts";
import { patternOfLocation } from "../words.ts";

const LF = 10;

/** Where values go out as they are. */
function* sinks({ scopes }: Survey): Generator<{ scope: Scope; directive: Directive; arg: Arg; what: string }> {
  for (const scope of scopes)
    for (const directive of scope.directives) {
      const { name, args } = directive;
      const last = args.at(-1);
      if (name === "return" && last && (args.length === 1 || /^30[12378]$/.test(args[0]!.value)))
        yield { scope, directive, arg: last, what: "Location of the answer" };
      else if (name === "add_header" && args[1]) yield { scope, directive, arg: args[1], what: "header of the answer" };
      else if (name === "proxy_set_header" && args[1])
        yield { scope, directive, arg: args[1], what: "request to the upstream" };
      else if (name === "proxy_pass" && args[0])
        yield { scope, directive, arg: args[0], what: "request to the upstream" };
      else if (name === "rewrite" && args[1] && isRedirect(args))
        yield { scope, directive, arg: args[1], what: "Location of the answer" };
    }
}

function isRedirect(args: readonly Arg[]): boolean {
  return (
    /^(?:redirect|permanent)$/.test(args[2]?.value ?? "") ||
    /^https?:\/\//i.test(args[1]!.value) ||
    args[1]!.value.startsWith("$scheme")
  );
}

/** The decoded path goes out. */
export const uriInHeader: Rule = {
  id: "uri-in-header",
  about:
    "`$uri` or `$document_uri` in a redirect, a header or the target of a proxy_pass: %0d%0a in a path becomes a header line",
  *find(survey) {
    for (const { directive, arg, what } of sinks(survey)) {
      const name = variablesIn(arg.value).find((each) => each === "uri" || each === "document_uri");
      if (name === undefined) continue;
      yield {
        directive,
        arg,
        text: `$${name} is decoded: a path with %0d%0a writes header lines of its own into the ${what}`,
        fix: `write "${arg.value.replace(/\$\{?(?:document_)?uri\}?/g, "$request_uri")}", which is as the visitor sent it (with its query)`,
      };
    }
  },
};

/** A part of the decoded path goes out. */
export const captureInHeader: Rule = {
  id: "capture-in-header",
  about:
    "captures like `([^/]*)` of the path in `return`, headers or the target of a proxy_pass: they can hold line ends",
  *find(survey) {
    for (const { scope, directive, arg, what } of sinks(survey)) {
      // Captures of a rewrite's own pattern are encoded in a redirect.
      if (directive.name === "rewrite") continue;
      for (const name of variablesIn(arg.value)) {
        const source = sourceOf(scope, directive, name);
        const bytes = source && bytesOfGroup(source, name);
        if (!bytes || !has(bytes, LF)) continue;
        yield {
          directive,
          arg,
          text: `$${name} of "${source}" is a piece of the decoded path and can hold line ends: a path with %0d%0a writes header lines of its own into the ${what}`,
          fix: `keep line ends out of the pattern: "${source.replace(/\[\^(?!\\s|\\r|\\n)/g, "[^\\s")}"`,
        };
        break;
      }
    }
  },
};

/** The pattern that a capture is of, where it is held against the decoded path. */
function sourceOf(scope: Scope, directive: Directive, name: string): string | undefined {
  if (!/^[1-9]$/.test(name)) return namedSource(scope, name);
  const at = scope.directives.indexOf(directive);
  const rewrite = scope.directives
    .slice(0, at)
    .findLast((each) => each.name === "rewrite" || (each.name === "if" && each.block !== null));
  if (rewrite?.name === "rewrite") return argOf(rewrite);
  if (scope.kind === "if" || scope.kind === "server if") {
    const words = argsOf(scope.directive ?? undefined);
    const operator = words.findIndex((word) => /^~\*?$/.test(word));
    if (operator > 0)
      return /^\(?\$(?:document_)?uri$/.test(words[operator - 1]!)
        ? words[operator + 1]!.replace(/\)$/, "")
        : undefined;
  }
  const location = enclosing(scope, "location");
  return location ? patternOfLocation(location)?.source : undefined;
}

/** The pattern of the location around it in which a group has this name. */
function namedSource(scope: Scope, name: string): string | undefined {
  for (const at of outwards(scope)) {
    const source = at.kind === "location" ? patternOfLocation(at)?.source : undefined;
    if (source !== undefined && new RegExp(`\\(\\?P?[<']${name}[>']`, "i").test(source)) return source;
  }
  return undefined;
}

const STRANGERS = /^(?:arg_\w+|args|query_string|cookie_\w+|http_\w+|uri|document_uri|request_uri)$/;

/** Requests go where a stranger says. */
export const strangersTarget: Rule = {
  id: "strangers-target",
  about:
    "the host in `proxy_pass` comes from the request (`$arg_url`, `$http_host`, a capture): anybody reaches your inner network",
  *find(survey) {
    for (const proxy of survey.proxies) {
      const name = strangersPart(survey, proxy);
      if (name === null || proxy.scope.last("internal")) continue;
      yield {
        directive: proxy.directive,
        arg: proxy.arg,
        text: `where requests go is what the visitor says ($${name}): anybody reaches addresses of your network, as 169.254.169.254`,
        fix: `choose by a map from what is allowed: "map $${name} $target { default app; … }"`,
      };
    }
  },
};

/** The variable by which a request says the host; null = none does. */
function strangersPart(survey: Survey, { scope, authority }: Proxied): string | null {
  const { parts } = partsOf(authority.replace(/^.*:\/\//, ""));
  for (const [index, part] of parts.entries()) {
    if (!("variable" in part)) continue;
    const before = parts
      .slice(0, index)
      .map((each) => ("text" in each ? each.text : "$"))
      .join("");
    // Behind the host only the port is left.
    if (/^[^$:]+:$/.test(before)) continue;
    const next = parts[index + 1];
    if (isStrangers(survey, scope, part.variable, next !== undefined && "text" in next && next.text.startsWith("."), 0))
      return part.variable;
  }
  return null;
}

function isStrangers(survey: Survey, scope: Scope, name: string, hasDomain: boolean, depth: number): boolean {
  if (depth > 3) return false;
  if (name === "host") return !hasFixedNames(scope);
  if (STRANGERS.test(name)) return true;
  if (/^[1-9]$/.test(name) || namedSource(scope, name) !== undefined) return isFreeCapture(scope, name, hasDomain);
  const server = enclosing(scope, "server");
  const sets = [...outwards(scope)].flatMap((at) => at.own("set")).filter((each) => argOf(each) === `$${name}`);
  return (
    server !== undefined &&
    sets.some((each) =>
      variablesIn(argOf(each, 1)).some((inner) => isStrangers(survey, scope, inner, hasDomain, depth + 1)),
    )
  );
}

/** Every name that comes here is written down. */
function hasFixedNames(scope: Scope): boolean {
  const names = (enclosing(scope, "server")?.own("server_name") ?? []).flatMap((each) => argsOf(each));
  return names.length > 0 && names.every((name) => /^\.?[\w-]+(?:\.[\w-]+)+$/.test(name));
}

const ENDS_HOST = [..."/?#@:"].map((char) => char.charCodeAt(0));

/** A capture that is a whole host, or can end the one that it stands in. */
function isFreeCapture(scope: Scope, name: string, hasDomain: boolean): boolean {
  const location = enclosing(scope, "location");
  const source = namedSource(scope, name) ?? (location ? patternOfLocation(location)?.source : undefined);
  const bytes = source === undefined ? undefined : bytesOfGroup(source, name);
  if (bytes === undefined) return false;
  return !hasDomain || ENDS_HOST.some((code) => has(bytes, code));
}
