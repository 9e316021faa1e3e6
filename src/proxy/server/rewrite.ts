// Rewrite programs (set, if, rewrite, break, return), compiled once into functions.
import { accessSync, closeSync, constants, fstatSync, type Stats, statSync } from "node:fs";
import type { Condition, LocationSettings, RewriteStep } from "../../config/servers.ts";
import { checkedFrom, openChecked } from "../../content/symlinks.ts";
import { unescapeRedirect } from "../../routing/uri.ts";
import type { CompiledText } from "../../variables/subject.ts";
import { escapeArgs } from "../../wire/escape.ts";
import type { Compiler } from "./compiler.ts";
import type { LocationPlan } from "./plan.ts";
import type { ServerRequest } from "./request.ts";
import { closeSilently, redirectHere, respondStatus, respondText } from "./special.ts";

/** What a step says: go on, leave the program, or that the response is made. */
type Said = "next" | "stop" | "responded";
type Code = (request: ServerRequest) => Said;
export type Program = readonly Code[];

/** Whether the uri is another one now, so that a location is to be found for it. */
type ProgramOutcome = "same" | "changed" | "responded";

/** Runs a program. */
export function runProgram(program: Program, request: ServerRequest): ProgramOutcome {
  request.uriChanged = false;
  for (const code of program) {
    const said = code(request);
    if (said === "responded") return "responded";
    if (said === "stop") break;
  }
  return request.uriChanged ? "changed" : "same";
}

/** Compiles the steps; null = there are none. `planOf` gives the plan of an if-block's settings. */
export function compileProgram(
  steps: readonly RewriteStep[],
  compiler: Compiler,
  planOf: (settings: LocationSettings) => LocationPlan,
): Program | null {
  return steps.length === 0 ? null : steps.map((step) => compileStep(step, compiler, planOf));
}

function compileStep(
  step: RewriteStep,
  compiler: Compiler,
  planOf: (settings: LocationSettings) => LocationPlan,
): Code {
  switch (step.do) {
    case "set":
      return compileSet(step, compiler);
    case "break":
      return breakOff;
    case "return":
      return compileReturn(step, compiler);
    case "rewrite":
      return compileRewrite(step, compiler);
    case "if":
      return compileIf(step, compiler, planOf);
  }
}

function breakOff(request: ServerRequest): Said {
  // The location's prefix has nothing to do with the new uri.
  if (request.uriChanged) request.inLocation = false;
  request.uriChanged = false;
  return "stop";
}

function compileSet({ variable, value }: RewriteStep & { do: "set" }, compiler: Compiler): Code {
  const text = compiler.text(value);
  const assign = compiler.assign(variable);
  return (request) => {
    assign(request, text.render(request.subject));
    return "next";
  };
}

function compileIf(
  { condition, then, settings }: RewriteStep & { do: "if" },
  compiler: Compiler,
  planOf: (settings: LocationSettings) => LocationPlan,
): Code {
  const holds = compileCondition(condition, compiler);
  const codes = then.map((step) => compileStep(step, compiler, planOf));
  const plan = settings && planOf(settings);
  return (request) => {
    if (!holds(request)) return "next";
    if (plan) request.enterBlock(plan);
    for (const code of codes) {
      const said = code(request);
      if (said !== "next") return said;
    }
    return "next";
  };
}

function compileCondition(condition: Condition, compiler: Compiler): (request: ServerRequest) => boolean {
  switch (condition.kind) {
    case "set": {
      const value = compiler.text(condition.value);
      return (request) => {
        const text = value.render(request.subject);
        return text !== "" && text !== "0";
      };
    }
    case "equals": {
      const [value, other] = [compiler.text(condition.value), compiler.text(condition.with)];
      return (request) => (value.render(request.subject) === other.render(request.subject)) !== condition.not;
    }
    case "matches": {
      const value = compiler.text(condition.value);
      const matches = compiler.pattern(condition.pattern);
      return (request) => matches(request, value.render(request.subject)) !== condition.not;
    }
    case "file": {
      const path = compiler.text(condition.path);
      return (request) => fileIs(request, condition.test, path.render(request.subject)) !== condition.not;
    }
  }
}

/** As in nginx the rewrite phase looks at once, since a program cannot wait. */
function fileIs(request: ServerRequest, test: (Condition & { kind: "file" })["test"], path: string): boolean {
  try {
    const stats = statsOf(request, path);
    if (stats === null) return false;
    if (test === "executable") accessSync(Buffer.from(path, "latin1"), constants.X_OK);
    return test === "file" ? stats.isFile() : test === "directory" ? stats.isDirectory() : true;
  } catch {
    // Whatever keeps us from seeing it: it is not there for us.
    return false;
  }
}

/** null = there is a symbolic link on the way that must not be followed. */
function statsOf(request: ServerRequest, path: string): Stats | null {
  const { disableSymlinks, symlinksFrom } = request.location.settings.root;
  const from = symlinksFrom === null ? null : request.render(symlinksFrom);
  const begin = checkedFrom(path, { mode: disableSymlinks, from });
  if (disableSymlinks === "off" || begin === null || !path.startsWith("/"))
    return statSync(Buffer.from(path, "latin1"));
  const fd = openChecked(path, begin, disableSymlinks, constants.O_RDONLY | constants.O_NONBLOCK);
  if (typeof fd !== "number") return null;
  try {
    return fstatSync(fd);
  } finally {
    closeSync(fd);
  }
}

function compileReturn({ status, text }: RewriteStep & { do: "return" }, compiler: Compiler): Code {
  const value = text === null ? null : compiler.text(text);
  return (request) => {
    if (status === 444) closeSilently(request);
    else if (isRedirect(status)) {
      request.testExpect();
      redirectHere(request, status, value?.render(request.subject) ?? "");
    } else if (status < 400 || (value && value.constant !== ""))
      respondText(request, status, value?.render(request.subject) ?? "");
    else respondStatus(request, status);
    return "responded";
  };
}

export function isRedirect(status: number): boolean {
  return status === 301 || status === 302 || status === 303 || status === 307 || status === 308;
}

function compileRewrite(step: RewriteStep & { do: "rewrite" }, compiler: Compiler): Code {
  const matches = compiler.pattern(step.pattern);
  const absolute = /^(?:https?:\/\/|\{\$scheme\})/.test(step.to);
  const redirect = step.redirect || (absolute ? 302 : 0);
  const keepsArgs = !step.to.endsWith("?");
  const to = keepsArgs ? step.to : step.to.slice(0, -1);
  const mark = to.indexOf("?");
  const path = compiler.text(mark < 0 ? to : to.slice(0, mark));
  const query = mark < 0 ? null : compiler.text(to.slice(mark + 1));
  return (request) => {
    if (!matches(request, request.uri)) return "next";
    const newPath = renderFor(request, path, redirect !== 0);
    let args = query && renderFor(request, query, true);
    if (keepsArgs && request.args !== undefined && request.args !== "")
      args = args === null ? request.args : args === "" ? request.args : `${args}&${request.args}`;
    if (step.log)
      request.log("notice", `rewritten ${redirect ? "redirect" : "data"}: "${newPath}", args: "${args ?? ""}"`);
    if (redirect) {
      redirectHere(request, redirect, unescapeRedirect(newPath) + (args === null ? "" : `?${args}`));
      return "responded";
    }
    if (newPath === "") {
      request.log("error", "the rewritten URI has a zero length");
      respondStatus(request, 500);
      return "responded";
    }
    request.uri = newPath;
    request.args = args ?? (keepsArgs ? request.args : undefined);
    request.internal = true;
    request.asReceived = false;
    if (step.then === "break") {
      request.inLocation = false;
      request.uriChanged = false;
      return "stop";
    }
    request.uriChanged = true;
    return step.then === "last" ? "stop" : "next";
  };
}

/** Captures come decoded; in arguments and redirects they are escaped again where the request had escapes. */
function renderFor(request: ServerRequest, text: CompiledText, escapes: boolean): string {
  const { subject } = request;
  const { captures } = subject;
  if (!escapes || !request.quoted || captures === null || text.constant !== null) return text.render(subject);
  subject.captures = captures.map((capture) => capture && escapeArgs(capture));
  const rendered = text.render(subject);
  subject.captures = captures;
  return rendered;
}
