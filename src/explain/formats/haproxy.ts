// HAProxy's log: HTTP and TCP lines (option httplog, tcplog) with their timers and termination state, the short line of a
// connection that failed before it was one, and the messages about servers and the process. The termination state is read
// as configuration.txt §8.5 says: who ended the session, and in which phase; capitals are events, small letters timeouts.
import type { Facts } from "../explanation.ts";
import { addCode, type Format, levelOf, type Reading, reading, setFact, setRequest, setStatus } from "./format.ts";

const HEAD =
  /(\S{1,120}) \[(\d\d\/[A-Z][a-z]{2}\/\d{4}:\d\d:\d\d:\d\d(?:\.\d{1,6})?)\] ([^\s:]{1,120}) ([^\s/]{1,120})\/(\S{1,120}) ([+\d/-]{3,70}) /y;
const HTTP_TAIL =
  /(-?\d{1,3}) \+?(\d{1,15}) (\S{1,200}) (\S{1,200}) ([A-Za-z-]{4}) ([\d/+]{5,60}) (\d{1,9}\/\d{1,9}) ?/y;
const TCP_TAIL = /\+?(\d{1,15}) ([A-Za-z-]{2}) ([\d/+]{5,60}) (\d{1,9}\/\d{1,9})/y;
const CONNECTION_ERROR =
  /(\S{1,120}) \[(\d\d\/[A-Z][a-z]{2}\/\d{4}:\d\d:\d\d:\d\d(?:\.\d{1,6})?)\] ([^\s/]{1,120})\/([^\s:]{1,120}): (?=\S)/y;

const HTTP_TIMERS = ["TR", "Tw", "Tc", "Tr", "Ta"];
const TCP_TIMERS = ["Tw", "Tc", "Tt"];

/** Second letter of the termination state. */
const PHASES: Readonly<Record<string, string>> = {
  R: "waiting for the request",
  Q: "waiting in the queue",
  C: "connecting to the server",
  H: "waiting for response headers",
  D: "data transfer",
  L: "sending the last data to the client",
  T: "tarpit",
};

/** HTTP and TCP lines. */
export const haproxyTraffic: Format = { name: "haproxy-http", recognise };

function recognise(line: string): Reading | null {
  HEAD.lastIndex = 0;
  const head = HEAD.exec(line);
  if (!head) return connectionError(line);
  const at = HEAD.lastIndex;
  const timers = head[6]!.split("/");
  return timers.length >= 4 ? httpLine(line, at, head, timers) : tcpLine(line, at, head, timers);
}

function headFacts(head: RegExpExecArray, format: string): Reading {
  const into = reading(format, "haproxy");
  const { facts } = into;
  setFact(facts, "client", head[1]);
  setFact(facts, "time", head[2]);
  setFact(facts, "server", head[3]!.replace(/~$/, ""));
  const server = head[5]!;
  setFact(facts, "upstreamName", server.startsWith("<") ? head[4] : `${head[4]}/${server}`);
  return into;
}

function httpLine(line: string, at: number, head: RegExpExecArray, timers: string[]): Reading | null {
  HTTP_TAIL.lastIndex = at;
  const tail = HTTP_TAIL.exec(line);
  if (!tail) return null;
  const into = headFacts(head, "haproxy-http");
  const { facts } = into;
  setTimers(into, HTTP_TIMERS, timers);
  setStatus(into, tail[1], at);
  facts.bytes = Number(tail[2]);
  const stateAt = at + tail[0].indexOf(` ${tail[5]} `) + 1;
  setState(into, tail[5]!, stateAt);
  const quote = line.indexOf('"', HTTP_TAIL.lastIndex);
  if (quote >= 0) {
    const close = line.indexOf('"', quote + 1);
    setRequest(facts, line.slice(quote + 1, close < 0 ? line.length : close));
  }
  const ok = facts.status !== undefined && facts.status < 400;
  into.benign = ok && (tail[5]!.startsWith("--") || tail[5]!.startsWith("L"));
  return into;
}

function tcpLine(line: string, at: number, head: RegExpExecArray, timers: string[]): Reading | null {
  TCP_TAIL.lastIndex = at;
  const tail = TCP_TAIL.exec(line);
  if (!tail) return null;
  const into = headFacts(head, "haproxy-tcp");
  setTimers(into, TCP_TIMERS, timers);
  into.facts.bytes = Number(tail[1]);
  setState(into, tail[2]!, at + tail[0].indexOf(` ${tail[2]} `) + 1);
  into.benign = tail[2] === "--";
  return into;
}

function setTimers({ facts }: Reading, names: readonly string[], timers: readonly string[]): void {
  const durations: Record<string, number> = {};
  for (let index = 0; index < timers.length; index++) durations[names[index] ?? `T${index}`] = Number(timers[index]);
  facts.durations = durations;
}

function setState(into: Reading, state: string, at: number): void {
  const two = state.slice(0, 2);
  into.facts.terminationState = state;
  if (two === "--") return;
  addCode(into, "haproxy-state", state, at, at + state.length);
  addCode(into, "haproxy-state", two, at, at + 2);
  setFact(into.facts, "phase", PHASES[two[1]!]);
  if (/^[Cc]/.test(two)) into.facts.side = "client";
  else if (/^[Ss]/.test(two)) into.facts.side = "upstream";
}

/** "192.0.2.7:59670 [06/Jul/2020:20:01:22.541] https-in/1: SSL handshake failure": no request was read. */
function connectionError(line: string): Reading | null {
  CONNECTION_ERROR.lastIndex = 0;
  const head = CONNECTION_ERROR.exec(line);
  if (!head) return null;
  const into = reading("haproxy-connection", "haproxy");
  setFact(into.facts, "client", head[1]);
  setFact(into.facts, "time", head[2]);
  setFact(into.facts, "server", head[3]);
  into.facts.side = "client";
  into.messages = [[CONNECTION_ERROR.lastIndex, line.length]];
  return into;
}

const PROCESS_HEAD = /\[(ALERT|WARNING|NOTICE|DIAG)\] {1,4}(?:(\d{3}\/\d{6}) )?\((\d{1,10})\) : /y;
const SERVER =
  /(?:^|: |\b)(?:Health check for )?(?:backup )?[Ss]erver (?:'?)([^\s/']{1,120}\/[^\s/']{1,120}?)(?:'?) (?:is|failed|succeeded|was|has|administratively|\()/;
const BACKEND = /\b(?:backend|proxy) '?([\w.:-]{1,120})'? has no server available/i;
const FINE =
  /\bis UP\b|\bsucceeded\b|^(?:Proxy|Loading|Pausing|Stopping|Starting)\b.{0,100}(?:started|success|stopped)|^New worker\b|^Success\b|^haproxy version\b/;

/** Messages about servers, checks, the configuration and the process. */
export const haproxyMessage: Format = { name: "haproxy-message", recognise: message };

function message(line: string, known: Facts): Reading | null {
  PROCESS_HEAD.lastIndex = 0;
  const head = line.startsWith("[") ? PROCESS_HEAD.exec(line) : null;
  const own = head !== null || known.software === "haproxy";
  const server = line.includes("erver ") ? SERVER.exec(line) : null;
  const about = server && / (?:DOWN|UP|MAINT|DRAIN|NOLB)\b|Health check|Layer[467]/.test(line);
  const backend = BACKEND.exec(line);
  if (!own && !about && !backend) return null;
  const into = reading("haproxy-message", "haproxy");
  const start = head ? head[0].length : 0;
  if (head) into.facts.level = levelOf(head[1]!);
  if (head) into.facts.pid = Number(head[3]);
  setFact(into.facts, "upstreamName", server?.[1] ?? backend?.[1]);
  if (server || backend) setFact(into.facts, "phase", "health check");
  into.messages = [[start, line.length]];
  into.benign = FINE.test(line.slice(start)) && !/\bDOWN\b/.test(line);
  return into;
}
