// Heroku's router and runtime: key=value lines of the router, "Error H12 (…)" of the runtime and of old routers, and the
// application's own lines behind app[web.1]:, which are read as whatever they are.
import { scanPairs } from "../record-text.ts";
import {
  addCode,
  addDuration,
  type Format,
  levelOf,
  type Reading,
  reading,
  setFact,
  setRequest,
  setStatus,
} from "./format.ts";

const HEAD = /heroku[[/]([\w.-]{1,60})\]?: /y;
const ROUTER = /^(?:sock=\w+ )?at=(?:info|error|warning)\b/;
const ERROR = /\bError ([A-Z]\d{2})(?: \(([^)\n]{1,80})\))?/;
const REQUEST = / -> ([A-Z]{3,10}) ([\w.-]{1,255})(\/\S{0,2000})?/;
const EXIT = /Process exited with status (\d{1,3})/;
const FINE =
  /^(?:State changed from (?:starting to up|down to starting|up to down|up to cycling|cycling|idle)|Starting process|Idling|Unidling|Cycling|Restarting|source=|Deploy|Release|Build|Running release|Stopping (?:all|remaining) processes|Process running)/;

/** Lines of the router and of the runtime. */
export const heroku: Format = {
  name: "heroku-router",
  recognise(line) {
    HEAD.lastIndex = 0;
    const head = HEAD.exec(line);
    const start = head ? head[0].length : 0;
    if (!head && !ROUTER.test(line)) return null;
    const rest = line.slice(start);
    const dyno = head && head[1] !== "router" ? head[1] : undefined;
    const into = reading(dyno === undefined ? "heroku-router" : "heroku-runtime", "heroku");
    setFact(into.facts, "upstreamName", dyno);
    readPairs(line, start, into);
    const error = ERROR.exec(rest);
    if (error) {
      const at = start + error.index + 6;
      addCode(into, "heroku-code", error[1]!, at, at + error[1]!.length);
      const request = REQUEST.exec(rest);
      if (request) {
        setRequest(into.facts, `${request[1]} ${request[3] ?? "/"}`);
        setFact(into.facts, "host", request[2]);
      }
      into.messages = [[start, start + (/ -> (?=[A-Z]{3,10} )| dyno=/.exec(rest)?.index ?? rest.length)]];
    } else if (dyno !== undefined) into.messages = [[start, line.length]];
    const exit = EXIT.exec(rest);
    if (exit)
      addCode(
        into,
        "exit-code",
        exit[1]!,
        start + exit.index + exit[0].length - exit[1]!.length,
        start + exit.index + exit[0].length,
      );
    into.benign = into.codes.every(({ of }) => of === "http-status") && isFine(into, rest);
    return into;
  },
};

function isFine({ facts }: Reading, rest: string): boolean {
  if (facts.status !== undefined) return facts.status < 400;
  return FINE.test(rest) || rest.startsWith("Process exited with status 0");
}

function readPairs(line: string, start: number, into: Reading): void {
  const { facts } = into;
  for (const { key, value, start: at, end } of scanPairs(line, start, line.length)) {
    if (key === "at") facts.level = levelOf(value);
    else if (key === "code" && /^[A-Z]\d{2}$/.test(value)) addCode(into, "heroku-code", value, at, end);
    else if (key === "desc") into.messages.push([at, end]);
    else if (key === "method") setFact(facts, "method", value);
    else if (key === "path") setFact(facts, "path", value);
    else if (key === "host") setFact(facts, "host", value);
    else if (key === "request_id") setFact(facts, "requestId", value);
    else if (key === "fwd") setFact(facts, "client", value.split(",", 1)[0]);
    else if (key === "dyno") setFact(facts, "upstreamName", value);
    else if (key === "status") setStatus(into, value, at);
    else if (key === "bytes" && /^\d+$/.test(value)) facts.bytes = Number(value);
    else if (key === "sock") facts.side = value === "client" ? "client" : "upstream";
    else if (/^(?:connect|service|wait|queue)$/.test(key)) addDuration(facts, key, value.replace(/ms$/, ""), 1);
  }
}

const APP = /app\[([\w.-]{1,60})\]: |app\/([\w.-]{1,60}): /y;

/** Where the application's own line begins behind "app[web.1]: "; 0 = there is no such prefix. */
export function herokuAppPrefix(line: string): { readonly length: number; readonly dyno: string } | null {
  if (!line.startsWith("app")) return null;
  APP.lastIndex = 0;
  const head = APP.exec(line);
  return head ? { length: head[0].length, dyno: head[1] ?? head[2]! } : null;
}
