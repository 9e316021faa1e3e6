// Heads of lines that application servers, runtimes and the system write before a message: gunicorn, uvicorn, uWSGI,
// PHP-FPM, Ruby's logger, Puma, Spring Boot, systemd, the kernel. One row per head; the message behind it speaks.
import type { Facts } from "../explanation.ts";
import {
  addCode,
  type Draft,
  type Format,
  levelOf,
  type Reading,
  reading,
  setFact,
  setRequest,
  setStatus,
} from "./format.ts";

interface Head {
  readonly format: string;
  readonly software: string;
  /** First characters of lines that can have it; absent = any. */
  readonly begins?: RegExp;
  /** Sticky. Groups: time, level, pid. */
  readonly pattern: RegExp;
  /** Matches messages that report normal work. */
  readonly fine?: RegExp;
  /** What the message has to be for the head to count; absent = anything. */
  readonly only?: RegExp;
  readonly more?: (message: string, at: number, into: Reading) => void;
}

const HEADS: readonly Head[] = [
  {
    format: "gunicorn",
    software: "gunicorn",
    begins: /\[/,
    pattern: /\[(?<time>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d [+-]\d{4})\] \[(?<pid>\d{1,10})\] \[(?<level>[A-Z]{4,8})\] /y,
    fine: /^(?:Starting gunicorn|Listening at|Using worker|Booting worker|Handling signal|Shutting down|Worker exiting|Hang up|Reloading)/,
  },
  {
    format: "php-fpm",
    software: "php-fpm",
    begins: /\[/,
    pattern:
      /\[(?<time>\d\d-[A-Z][a-z]{2}-\d{4} \d\d:\d\d:\d\d(?:\.\d{1,6})?)\] (?<level>NOTICE|WARNING|ERROR|ALERT|DEBUG): /y,
    fine: /^(?:fpm is running|ready to handle|Terminating|exiting|Reloading|using inherited|child \d+ exited with code 0|configuration file .{0,200} test is successful)/,
  },
  {
    format: "php-fpm",
    software: "php-fpm",
    begins: /[NWEAD]/,
    pattern: /(?<level>NOTICE|WARNING|ERROR|ALERT|DEBUG): (?=\[pool |fpm |unable to bind)/y,
    fine: /^fpm is running/,
  },
  {
    format: "php-error",
    software: "php-fpm",
    begins: /[[P]/,
    pattern:
      /(?:\[(?<time>\d\d-[A-Z][a-z]{2}-\d{4} \d\d:\d\d:\d\d [\w/+-]{1,40})\] )?(?=PHP (?:Fatal|Parse|Warning|Notice|Deprecated|message))/y,
  },
  {
    format: "ruby-logger",
    software: "ruby",
    begins: /[DIWEFA]/,
    pattern:
      /[DIWEFA], \[(?<time>\d{4}-\d\d-\d\dT[\d:.]{8,15}) #(?<pid>\d{1,10})\] {1,2}(?<level>[A-Z]{4,7}) -- [^:\n]{0,60}: /y,
    more: (message, _, into) => {
      if (/\bworker=\d+|\bmaster (?:process|loop)|listening on addr=/.test(message)) into.facts.software = "unicorn";
    },
  },
  {
    format: "puma",
    software: "puma",
    begins: /\[/,
    pattern:
      /\[(?<pid>\d{1,10})\] (?:[!*-] )?(?=Terminating|Puma |- Worker|Worker \d|Gracefully|Early termination|Out-of-band)/y,
    fine: /^(?:Puma starting|- Worker .{0,40}booted|Worker \d+ .{0,40}booted|Gracefully)/,
  },
  {
    format: "spring-boot",
    software: "java",
    begins: /[\d]/,
    pattern:
      /(?<time>\d{4}-\d\d-\d\d[ T][\d:.,Z+-]{8,20}) {1,4}(?<level>[A-Z]{4,5}) (?<pid>\d{1,10}) --- (?:\[[^\]\n]{0,120}\] ?){1,3}[\w.$[\]/-]{1,120} {0,60}: /y,
  },
  {
    format: "uvicorn",
    software: "uvicorn",
    begins: /[IWEDC]/,
    pattern: /(?<level>INFO|WARNING|ERROR|DEBUG|CRITICAL): {2,8}(?=\S)/y,
    fine: /^(?:Started|Waiting for application|Application startup complete|Uvicorn running|Shutting down|Finished server|connection (?:open|closed))/,
    more: uvicornRequest,
  },
  {
    format: "uwsgi-request",
    software: "uwsgi",
    begins: /\[/,
    pattern: /\[pid: (?<pid>\d{1,10})\|app: -?\d{1,5}\|req: [^\]\n]{1,40}\] /y,
    more: uwsgiRequest,
  },
  {
    format: "systemd",
    software: "systemd",
    pattern: /(?:systemd\[\d{1,10}\]: )?(?=[\w@.\\:-]{1,200}\.(?:service|scope|socket|slice|timer): \S)/y,
    fine: /: (?:Succeeded\.|Deactivated successfully|Consumed |Scheduled restart job|Main process exited, code=exited, status=0)/,
    more: systemdResult,
  },
  {
    format: "kernel",
    software: "linux",
    pattern: /(?:\[ {0,8}(?<time>\d{1,9}\.\d{1,6})\] )?/y,
    only: /\boom-kill(?:er)?\b|\boom_reaper\b|[Oo]ut of memory: Kill|\bsegfault at\b|\bnf_conntrack: |\bSYN flooding on port\b|\bavc: {1,2}denied\b|\bgeneral protection fault\b/,
    more: kernelKill,
  },
];

/** Lines of application servers and of the system. */
export const appLog: Format = { name: "app-log", recognise };

function recognise(line: string, known: Facts): Reading | null {
  const first = line[0] ?? "";
  for (const head of HEADS) {
    if (head.begins && !head.begins.test(first)) continue;
    head.pattern.lastIndex = 0;
    const match = head.pattern.exec(line);
    if (!match) continue;
    const message = line.slice(match[0].length);
    if (head.only && !head.only.test(message)) continue;
    return readHead(head, match, message, known);
  }
  return null;
}

function readHead(head: Head, match: RegExpExecArray, message: string, known: Facts): Reading {
  const into = reading(head.format, head.software);
  const at = match[0].length;
  into.messages = [[at, at + message.length]];
  takeGroups(into.facts, match);
  // Seconds since the start say less than the time of the syslog line around them.
  if (head.format === "kernel" && known.time !== undefined) into.facts.time = known.time;
  if (known.software === "uwsgi" || known.software === "unicorn") into.facts.software = known.software;
  into.benign = head.fine?.test(message) ?? false;
  head.more?.(message, at, into);
  return into;
}

function takeGroups(facts: Draft, { groups }: RegExpExecArray): void {
  setFact(facts, "time", groups?.["time"]);
  if (groups?.["level"]) facts.level = levelOf(groups["level"]);
  if (groups?.["pid"]) facts.pid = Number(groups["pid"]);
}

const UVICORN_REQUEST = /^(\S{1,80}) - "([^"\n]{1,4000})" (\d{3})\b/;

function uvicornRequest(message: string, at: number, into: Reading): void {
  const request = UVICORN_REQUEST.exec(message);
  if (!request) return;
  setFact(into.facts, "client", request[1]);
  setRequest(into.facts, request[2]!);
  setStatus(into, request[3], at + request[0].length - 3);
  into.messages = [];
  into.benign = (into.facts.status ?? 0) < 400;
}

const UWSGI_REQUEST =
  /^(\S{1,80}) \(.{0,40}?\) \{.{1,60}?\} \[([^\]\n]{1,40})\] ([A-Z]{3,10} .{1,4000}?) => generated (-?\d{1,15}) bytes in (\d{1,12}) msecs \(HTTP\/[\d.]+ (\d{3})\)/;

function uwsgiRequest(message: string, at: number, into: Reading): void {
  into.messages = [];
  const request = UWSGI_REQUEST.exec(message);
  if (!request) return;
  setFact(into.facts, "client", request[1]);
  setFact(into.facts, "time", request[2]);
  setRequest(into.facts, request[3]!);
  into.facts.durations = { generated: Number(request[5]) };
  setStatus(into, request[6], at + request[0].length - 4);
  into.benign = (into.facts.status ?? 0) < 400;
}

const EXITED = /code=(exited|killed|dumped), status=(\d{1,3})\/([A-Z]\w{1,20})/;
const RESULT = /result '([a-z-]{3,20})'/;

function systemdResult(message: string, at: number, into: Reading): void {
  setFact(into.facts, "upstreamName", /^([\w@.\\:-]{1,200}?)\.\w+: /.exec(message)?.[1]);
  const exited = EXITED.exec(message);
  if (exited) {
    const code = exited[1] === "exited" ? exited[2]! : `SIG${exited[3]}`;
    if (code !== "0") addCode(into, "exit-code", code, at + exited.index, at + exited.index + exited[0].length);
  }
  const result = RESULT.exec(message);
  if (result && /^(?:oom-kill|signal|core-dump|timeout|watchdog|start-limit-hit)$/.test(result[1]!))
    addCode(into, "exit-code", result[1]!, at + result.index, at + result.index + result[0].length);
}

const KILL = /oom-kill(?:er)?|oom_reaper|[Oo]ut of memory: Kill(?:ed)?/;
const PROCESS =
  /(?:Kill(?:ed)? process (\d{1,10}) \(([^)\n]{1,64})\)|task=([^,\s]{1,64}),pid=(\d{1,10})|reaped process (\d{1,10}) \(([^)\n]{1,64})\))/;

function kernelKill(message: string, at: number, into: Reading): void {
  const kill = KILL.exec(message);
  if (kill) addCode(into, "exit-code", "oom-kill", at + kill.index, at + kill.index + kill[0].length);
  const [, pid, name, task, taskPid, reaped, reapedName] = PROCESS.exec(message) ?? [];
  setFact(into.facts, "upstreamName", name ?? task ?? reapedName);
  const number = pid ?? taskPid ?? reaped;
  if (number !== undefined) into.facts.pid = Number(number);
  const fault = message.indexOf("segfault at");
  if (fault >= 0) addCode(into, "exit-code", "SIGSEGV", at + fault, at + fault + 8);
}

const IIS =
  /(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d) (?:\S{1,60} ){0,3}?([\d.:a-f]{3,45}) ([A-Z]{3,10}) (\/\S{0,4000}) \S{1,4000} (\d{1,5}) \S{1,200} ([\d.:a-f]{3,45}) /y;
const IIS_TAIL = / (\d{3}) (\d{1,3}) (\d{1,10})(?: (\d{1,15}) (\d{1,15}))? (\d{1,12})$/;

/** IIS's access log in the W3C format: … sc-status sc-substatus sc-win32-status time-taken. */
export const iisAccess: Format = {
  name: "iis-access",
  recognise(line) {
    if (line.charCodeAt(4) !== 45) return null;
    IIS.lastIndex = 0;
    const head = IIS.exec(line);
    const tail = head && IIS_TAIL.exec(line.slice(-80));
    if (!head || !tail) return null;
    const into = reading("iis-access", "iis");
    const { facts } = into;
    const at = line.length - tail[0].length + 1;
    setFact(facts, "time", head[1]);
    setFact(facts, "method", head[3]);
    setFact(facts, "path", head[4]);
    setFact(facts, "client", head[6]);
    setStatus(into, tail[1], at);
    facts.durations = { "time-taken": Number(tail[6]) };
    if (tail[2] !== "0") addCode(into, "iis-substatus", `${tail[1]}.${tail[2]}`, at, at + 4 + tail[2]!.length);
    into.benign = (facts.status ?? 0) < 400;
    return into;
  },
};
