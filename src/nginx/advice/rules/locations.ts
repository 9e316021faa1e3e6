// Locations that requests do not come to, and `if` blocks that change more than they say.
import { patternRisk } from "../../../config/pcre-risk.ts";
import { argOf, argsOf, type Scope } from "../../lower/scope.ts";
import type { Arg, Directive } from "../../tree.ts";
import { isExact, isFinal } from "../find-location.ts";
import { beginningOf, fitsEveryPath } from "../patterns.ts";
import type { Found, Rule } from "../rule.ts";
import { patternOfLocation, prefixOf, written } from "../words.ts";

/** Never asked. */
export const locationUnreachable: Rule = {
  id: "location-unreachable",
  about: "locations that no request comes to, because another takes all of theirs",
  *find({ scopes, inner }) {
    for (const scope of scopes) {
      const locations = inner(scope, "location");
      let all: Scope | undefined;
      const patterns = new Map<string, Scope>();
      const prefixes = locations.filter((each) => !isExact(each) && prefixOf(each, false) !== undefined);
      for (const location of locations) {
        const pattern = patternOfLocation(location);
        if (!pattern) continue;
        const text = `${pattern.ignoreCase} ${pattern.source}`;
        const before = all ?? patterns.get(text) ?? finalAround(prefixes, pattern);
        if (before) yield unreachable(location, before);
        patterns.set(text, location);
        if (fitsEveryPath(pattern.source)) all ??= location;
      }
      if (!all) continue;
      for (const location of locations) {
        const prefix = prefixOf(location, false);
        // What has locations of its own may be entered for them.
        if (prefix && !isFinal(location) && inner(location, "location").length === 0) yield unreachable(location, all);
      }
    }
  },
};

/** `^~ /a/` before `~ ^/a/b`: prefixes are compared first. */
function finalAround(prefixes: readonly Scope[], pattern: { source: string; ignoreCase: boolean }): Scope | undefined {
  const beginning = beginningOf(pattern.source, pattern.ignoreCase);
  const longest = prefixes
    .filter((each) => beginning.startsWith(prefixOf(each, false)!))
    .toSorted((a, b) => prefixOf(b, false)!.length - prefixOf(a, false)!.length)[0];
  const isWithin = prefixes.some((each) => prefixOf(each, false)!.startsWith(beginning) && !isFinal(each));
  return longest && isFinal(longest) && !isWithin ? longest : undefined;
}

function unreachable(location: Scope, by: Scope): Found {
  return {
    directive: location.directive!,
    arg: location.directive!.args.at(-1),
    text: `no request comes here: "${written(by.directive!)}" takes all of them before`,
    fix: "put it in front, give it ^~ or =, or take it away",
    cause: "route-not-found",
  };
}

/** A location within a location whose paths cannot be in it. */
export const locationOutside: Rule = {
  id: "location-outside",
  about: "a location within a location whose paths never come into the outer one",
  *find({ scopes, inner }) {
    for (const outer of scopes) {
      if (outer.kind !== "location" || !outer.directive) continue;
      const around = beginningOfLocation(outer);
      if (around === "") continue;
      for (const location of inner(outer, "location")) {
        const own = beginningOfLocation(location);
        if (own === "" || own.startsWith(around) || around.startsWith(own)) continue;
        yield {
          directive: location.directive!,
          arg: location.directive!.args.at(-1),
          text: `no request comes here: paths that begin with "${own}" do not come into "${written(outer.directive)}"`,
          fix: "write it beside the outer location, or with the whole path",
          cause: "route-not-found",
        };
      }
    }
  },
};

function beginningOfLocation(location: Scope): string {
  const pattern = patternOfLocation(location);
  if (!pattern) return prefixOf(location) ?? "";
  // A pattern that does not count case may begin with either.
  return pattern.ignoreCase ? "" : beginningOf(pattern.source);
}

/** Whether a request that gets into the `if` stays in it. */
function stays({ directives }: Scope): boolean {
  return !directives.some(
    ({ name, args }) =>
      name === "return" || (name === "rewrite" && /^(?:last|redirect|permanent)$/.test(args.at(-1)?.value ?? "")),
  );
}

/** try_files is forgotten. */
export const ifLosesTryFiles: Rule = {
  id: "if-loses-try-files",
  about: "an `if` beside `try_files`: a request that it is true for gets no try_files",
  *find({ scopes, inner }) {
    for (const location of scopes) {
      const tries = location.kind === "location" ? location.own("try_files")[0] : undefined;
      if (!tries) continue;
      for (const condition of inner(location, "if")) {
        if (!stays(condition) || condition.directives.some(({ name }) => name === "proxy_pass")) continue;
        yield {
          directive: condition.directive!,
          text: `a request for which this is true is not looked up by "${written(tries)}": what it falls back to is 404`,
          fix: "end the block with return, or choose by a map instead of if",
        };
      }
    }
  },
};

/** Only the last `if` that is true counts. */
export const ifOverridesIf: Rule = {
  id: "if-overrides-if",
  about: "several `if` blocks in a location with settings of their own: of those that are true the last counts",
  *find({ scopes, inner }) {
    for (const location of scopes) {
      if (location.kind !== "location") continue;
      const conditions = inner(location, "if").filter((each) => stays(each));
      for (const [index, condition] of conditions.entries()) {
        const own = condition.directives.find(({ name }) =>
          /^(?:proxy_pass|add_header|proxy_\w+|expires|root|limit_rate)$/.test(name),
        );
        const later = conditions
          .slice(index + 1)
          .find((each) => each.directives.length > 0 && canBothHold(condition, each));
        if (!own || !later) continue;
        yield {
          directive: own,
          text: `where the "if" below is true too, this is forgotten: only the last block that is true counts`,
          fix: "choose by a map, and use its variable outside of if",
        };
      }
    }
  },
};

/** Two comparisons of one variable with different texts exclude each other. */
function canBothHold(a: Scope, b: Scope): boolean {
  const equality = ({ directive }: Scope) =>
    /^\(\s*(\$\w+)\s+=\s+(\S+)\s*\)$/.exec(argsOf(directive ?? undefined).join(" "));
  const [x, y] = [equality(a), equality(b)];
  return !(x && y && x[1] === y[1] && x[2] !== y[2]);
}

/** Lines in an `if` that put the location's out of force. */
export const ifLosesHeaders: Rule = {
  id: "if-loses-headers",
  about: "`add_header` in an `if`: where it is true, those of the location are gone",
  *find({ scopes, inner }) {
    for (const location of scopes) {
      const outer = location.kind === "location" ? location.own("add_header") : [];
      if (outer.length === 0) continue;
      for (const condition of inner(location, "if")) {
        const [first] = condition.own("add_header");
        const names = new Set(condition.own("add_header").map((each) => argOf(each).toLowerCase()));
        const lost = outer.filter((each) => !names.has(argOf(each).toLowerCase()));
        if (!first || lost.length === 0 || condition.last("add_header_inherit")) continue;
        yield {
          directive: first,
          text: `where this is true, "${argOf(lost[0])}" of the location is not added: a block with an add_header of its own has only these`,
          fix: "set a variable by a map, and add one header with it: empty values are not added",
        };
      }
    }
  },
};

/** Every pattern with the word that it stands in. */
function* patternsIn(scope: Scope): Generator<{ directive: Directive; arg: Arg; source: string; ignoreCase: boolean }> {
  for (const directive of scope.directives) {
    const { name, args } = directive;
    const first = args[0];
    if (name === "location" && args.length > 0) {
      const [, modifier, rest = ""] = /^(~\*|~)(.*)$/s.exec(first!.value) ?? [];
      const source = args[1]?.value ?? rest;
      if (modifier) yield { directive, arg: args.at(-1)!, source, ignoreCase: modifier === "~*" };
    } else if (name === "rewrite" && first) yield { directive, arg: first, source: first.value, ignoreCase: false };
    else if (name === "server_name") {
      for (const arg of args)
        if (arg.value.startsWith("~")) yield { directive, arg, source: arg.value.slice(1), ignoreCase: true };
    } else if (name === "if") {
      const at = args.findIndex(({ value }) => /^!?~\*?$/.test(value));
      const arg = args[at + 1];
      if (at > 0 && arg) {
        const source = arg === args.at(-1) ? arg.value.replace(/\)$/, "") : arg.value;
        yield { directive, arg, source, ignoreCase: args[at]!.value.endsWith("*") };
      }
    } else if (name === "map") yield* patternsOfMap(directive);
  }
}

function* patternsOfMap({ block }: Directive): ReturnType<typeof patternsIn> {
  for (const line of block?.directives ?? []) {
    const [, modifier, source] = /^(~\*?)(.*)$/s.exec(line.name) ?? [];
    if (modifier && source) yield { directive: line, arg: line.head, source, ignoreCase: modifier === "~*" };
  }
}

/** A worker that computes for minutes. */
export const explosivePattern: Rule = {
  id: "explosive-pattern",
  about: "regular expressions that a hostile path makes run for minutes",
  *find({ scopes }) {
    for (const scope of scopes)
      for (const { directive, arg, source, ignoreCase } of patternsIn(scope)) {
        const risk = patternRisk({ source, ignoreCase });
        // What ordinary patterns cost on a path of some kilobytes is not worth a word.
        if (!risk || risk.degree <= 3) continue;
        yield {
          directive,
          arg,
          text: `one long path can keep a worker, and all that it serves, busy: ${risk.why}`,
          fix: "make the repetition possessive (a++, (?>…)), or name the characters that may follow",
          cause: "gateway-resource-exhausted",
        };
      }
  },
};
