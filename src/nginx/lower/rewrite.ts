// The rewrite program of a server or location: rewrite, set, if, break and return, in the order of the file. An `if`
// in a location brings its own settings, which hold from there on; one in a server is a condition and nothing more.
import type { Condition, LocationSettings, RewriteStep, Text } from "../../config/servers.ts";
import type { Arg, Directive } from "../tree.ts";
import { parseNumber } from "../units.ts";
import { patternOf } from "./patterns.ts";
import { argOf, blockScope, flagOf, type Scope } from "./scope.ts";
import { textOf, wholeVariable } from "./text.ts";
import { definedName } from "./variables.ts";

/** Settings of an `if` in a location. */
export type SettingsOfIf = (scope: Scope) => LocationSettings;

/** All steps of a block. */
export function rewriteOf(scope: Scope, settingsOf: SettingsOfIf): RewriteStep[] {
  return scope.directives.flatMap((directive) => stepOf(scope, directive, settingsOf) ?? []);
}

function stepOf(scope: Scope, directive: Directive, settingsOf: SettingsOfIf): RewriteStep | null {
  switch (directive.name) {
    case "rewrite":
      return rewriteStep(scope, directive);
    case "set": {
      const variable = definedName(scope, directive, 0, "empty");
      const value = textOf(scope, directive, argOf(directive, 1));
      return variable === null ? null : { do: "set", variable, value };
    }
    case "break":
      return { do: "break" };
    case "return":
      return returnStep(scope, directive);
    case "if":
      return ifStep(scope, directive, settingsOf);
    default:
      return null;
  }
}

/** A target with one of these leaves the server. */
const ELSEWHERE = /^(?:https?:\/\/|\$scheme)/;

function rewriteStep(scope: Scope, directive: Directive): RewriteStep | null {
  const [source, target, flag] = directive.args;
  const { problems } = scope;
  if (!source || !target) return null;
  if (target.value === "") {
    problems.complain(directive, "empty replacement", target);
    return null;
  }
  const flags = ["last", "break", "redirect", "permanent"];
  if (flag && !flags.includes(flag.value)) problems.complain(directive, `invalid parameter "${flag.value}"`, flag);
  const regex = patternOf(scope, directive, source.value, false, source);
  const permanent = flag?.value === "permanent";
  const redirect = permanent ? 301 : flag?.value === "redirect" || ELSEWHERE.test(target.value) ? 302 : 0;
  const then = flag?.value === "break" ? "break" : flag || redirect !== 0 ? "last" : "go-on";
  const to = textOf(scope, directive, target);
  return { do: "rewrite", pattern: regex, to, then, redirect, log: flagOf(scope, "rewrite_log", false) };
}

function returnStep(scope: Scope, directive: Directive): RewriteStep | null {
  const [first, second] = directive.args;
  if (!first) return null;
  const status = parseNumber(first.value);
  if (status === undefined && !second && ELSEWHERE.test(first.value))
    return { do: "return", status: 302, text: textOf(scope, directive, first) };
  if (status === undefined || status > 999) {
    scope.problems.complain(directive, `invalid return code "${first.value}"`, first);
    return null;
  }
  // An empty text is none.
  return { do: "return", status, text: second?.value ? textOf(scope, directive, second) : null };
}

function ifStep(scope: Scope, directive: Directive, settingsOf: SettingsOfIf): RewriteStep | null {
  const condition = conditionOf(scope, directive);
  const inServer = scope.kind === "server" || scope.kind === "server if";
  const inner = blockScope(scope, inServer ? "server if" : "if", directive);
  const then = rewriteOf(inner, settingsOf);
  const settings = inServer ? null : settingsOf(inner);
  return condition && { do: "if", condition, then, settings };
}

const FILE_TESTS = { f: "file", d: "directory", e: "exists", x: "executable" } as const;

/** The condition between the parentheses, which may be words of their own. */
function conditionOf(scope: Scope, directive: Directive): Condition | null {
  const wrong = (text: string, arg: Arg | undefined): null => {
    scope.problems.complain(directive, text, arg);
    return null;
  };
  const invalid = (arg: Arg | undefined, value = arg?.value) => wrong(`invalid condition "${value}"`, arg);
  const { args } = directive;
  const [first, last] = [args[0], args.at(-1)];
  if (!first?.value.startsWith("(")) return invalid(first);
  // nginx has taken the parenthesis off by then.
  if (!last?.value.endsWith(")"))
    return invalid(last, last === first ? last.value.replace(/^\((?=.)/s, "") : last?.value);
  const words = args.map((arg) => ({ arg, value: arg.value }));
  words[0]!.value = words[0]!.value.slice(1);
  words.at(-1)!.value = words.at(-1)!.value.slice(0, -1);
  if (words[0]!.value === "" && first.value === "(") words.shift();
  if (words.at(-1)?.value === "" && last.value === ")") words.pop();
  const [subject, operator, right] = words;
  if (!subject) return invalid(first);
  if (subject.value.startsWith("$") && subject.value.length > 1) {
    if (words.length !== 1 && words.length !== 3) return invalid(subject.arg, subject.value);
    const value = wholeVariable(scope, directive, subject.value);
    if (!operator || !right) return { kind: "set", value };
    return (
      comparison(scope, directive, value, operator.value, right.value) ??
      wrong(`unexpected "${operator.value}" in condition`, operator.arg)
    );
  }
  const test = /^(!?)-([fdex])$/.exec(subject.value);
  if (!test || !operator || words.length !== 2) return invalid(subject.arg, subject.value);
  const path = textOf(scope, directive, operator.value);
  return { kind: "file", test: FILE_TESTS[test[2] as keyof typeof FILE_TESTS], path, not: test[1] === "!" };
}

function comparison(
  scope: Scope,
  directive: Directive,
  value: Text,
  operator: string,
  right: string,
): Condition | undefined {
  const not = operator.startsWith("!");
  switch (operator) {
    case "=":
    case "!=":
      return { kind: "equals", value, with: textOf(scope, directive, right), not };
    case "~":
    case "~*":
    case "!~":
    case "!~*": {
      const regex = patternOf(scope, directive, right, operator.endsWith("*"));
      return { kind: "matches", value, pattern: regex, not };
    }
    default:
      return undefined;
  }
}
