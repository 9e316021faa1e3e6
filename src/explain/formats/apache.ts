// Apache's error log: [time] [module:level] [pid] (errno)text: [client …] AHnnnnn: message, referer: …; 2.2 has no module,
// no pid and no AH number. The groups in brackets come in any order, as ErrorLogFormat allows.
import { errnoOf, errnoOfNumber } from "./errno.ts";
import { addCode, type Format, isQuiet, levelOf, type Reading, reading, setFact } from "./format.ts";
import { readTls } from "./tls.ts";

const TIME = /^[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]?\d \d\d:\d\d:\d\d(?:\.\d{1,6})? \d{4}$/;
const LEVEL = /^(?:([a-z]\w{1,40}|-):)?(emerg|alert|crit|error|warn|notice|info|debug|trace[1-8])$/;
const ERRNO = /\((?:OS )?(\d{1,6})\)([^:\n]{2,120}): /y;
const AH = /AH\d{5}(?=:)/;

const UPSTREAMS: readonly RegExp[] = [
  /attempt to connect to (?:Unix domain socket )?([^\s()]{1,200})/,
  /remote server ([^\s()]{1,200}?)(?: |$)/,
  /(?:pass request body|read response|cping\/cpong|dialog)[\w ]{0,12} (?:failed )?(?:to|from) ([\d.:[\]a-f]{3,60})/,
  /(?:disabling worker for|disabled connection for|acquire connection for) \(([^\s()]{1,200})\)/,
  /connection to backend: ([^\s,]{1,200})/,
  /DNS lookup failure for: ([^\s,]{1,200})/,
];

/** Apache's error log. */
export const apacheError: Format = { name: "apache-error", recognise };

function recognise(line: string): Reading | null {
  const bare = AH.exec(line);
  if (line[0] !== "[" && bare?.index !== 0 && !line.startsWith("(")) return null;
  const into = reading("apache-error", "apache");
  const start = readGroups(line, into);
  if (into.facts.level === undefined && !bare) return null;
  if (into.facts.time === undefined && into.facts.pid === undefined && !bare) return null;
  const referer = line.lastIndexOf(", referer: ");
  const end = referer > start ? referer : line.length;
  into.messages = [[start, end]];
  readMessage(line, start, end, into);
  into.benign = isQuiet(into.facts.level) && !/fail|error/i.test(line.slice(start, end));
  return into;
}

/** Reads groups and error numbers; returns where the message begins. */
function readGroups(line: string, into: Reading): number {
  let at = 0;
  while (at < line.length) {
    if (line[at] === " ") at++;
    else if (line[at] === "[") {
      const close = line.indexOf("]", at);
      if (close < 0) break;
      if (!takeGroup(line.slice(at + 1, close), into)) break;
      at = close + 1;
    } else if (line[at] === "(") {
      ERRNO.lastIndex = at;
      const found = ERRNO.exec(line);
      if (!found) break;
      takeErrno(into, found[1]!, found[2]!, at);
      at += found[0].length;
    } else break;
  }
  return at;
}

function takeGroup(group: string, { facts }: Reading): boolean {
  const level = LEVEL.exec(group);
  if (TIME.test(group)) setFact(facts, "time", group);
  else if (level) facts.level = levelOf(level[2]!);
  else if (/^pid \d/.test(group)) facts.pid = Number(/\d+/.exec(group)![0]);
  else if (/^(?:client|remote) /.test(group)) setFact(facts, "client", group.slice(group.indexOf(" ") + 1));
  else return /^tid \d/.test(group);
  return true;
}

/** 70007 and the like are APR's own numbers; Windows' stand 720000 higher. */
function takeErrno(into: Reading, number: string, text: string, at: number): void {
  const value = Number(number);
  const name = value >= 730_000 ? errnoOfNumber(value - 720_000) : value > 70_000 ? undefined : errnoOf(number, text);
  if (name === undefined) return;
  setFact(into.facts, "errno", name);
  addCode(into, "errno", name, at, at + number.length + 2);
}

function readMessage(line: string, start: number, end: number, into: Reading): void {
  const message = line.slice(start, end);
  const code = AH.exec(message);
  if (code) addCode(into, "apache-code", code[0], start + code.index, start + code.index + code[0].length);
  for (const pattern of UPSTREAMS) setFact(into.facts, "upstream", pattern.exec(message)?.[1]);
  if (/attempt to connect|connection to backend/.test(message)) into.facts.phase = "connecting to the backend";
  else if (/status line|response failed|remote server|FastCGI header/.test(message))
    into.facts.phase = "reading the response header";
  if (/SSL|cert/i.test(message)) readTls(line, start, end, into);
}
