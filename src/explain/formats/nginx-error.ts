// nginx's error log: time [level] pid#tid: *connection message while phase, client: …, server: …, request: "…",
// upstream: "…", host: "…". OpenResty, Tengine and ingress-nginx write the same. What is pasted may be cut on both sides,
// may lack the head, and may have gone through a translator that put blanks around every sign.
import type { Facts } from "../explanation.ts";
import { errnoOf } from "./errno.ts";
import { addCode, type Draft, type Format, type Reading, reading, setFact, setRequest } from "./format.ts";
import { readTls } from "./tls.ts";

const HEAD =
  /(?:(\d{4}\/\d\d\/\d\d \d\d:\d\d:\d\d)|[\d/: ]{0,20}|nginx:) ?\[(emerg|alert|crit|error|warn|notice|info|debug)\] (?:(\d{1,10}) ?# ?\d{1,20}: ?)?(?:\* ?\d{1,20} )?/y;
const BARE_HEAD = /\* ?\d{1,20} (?=\S)/y;
const PHASES =
  / while (?:connecting to|sending request to|sending to|reading response header from|reading upstream|reading from|SSL handshaking(?: to)?|proxying|closing)\b/;
/** A phrase that only nginx has, for lines without a head. */
const FIELD_AT = /, ?(?:client|server|request|upstream|host|resolver) ?: ?/;

/** nginx's error log. */
export const nginxError: Format = { name: "nginx-error", recognise };

function recognise(line: string, known: Facts): Reading | null {
  HEAD.lastIndex = 0;
  const head = line.includes("[") ? HEAD.exec(line) : null;
  let start = 0;
  const into = reading("nginx-error", softwareOf(known));
  if (head && (head[3] !== undefined || line.startsWith("nginx:") || head[1] !== undefined)) {
    start = head[0].length;
    setFact(into.facts, "time", head[1]);
    into.facts.level = head[2]!;
    if (head[3] !== undefined) into.facts.pid = Number(head[3]);
  } else {
    if (!line.includes(" while ") || !PHASES.test(line) || !line.includes("upstream")) return null;
    BARE_HEAD.lastIndex = 0;
    start = BARE_HEAD.exec(line)?.[0].length ?? 0;
  }
  const end = readFields(line, start, into.facts);
  readMessage(line, start, end, into);
  return into;
}

function softwareOf({ software }: Facts): string {
  return software === "ingress-nginx" || software === "openresty" ? software : "nginx";
}

type Setter = (facts: Draft, value: string) => void;

const FIELDS: ReadonlyMap<string, Setter> = new Map<string, Setter>(
  Object.entries<Setter>({
    client: (facts, value) => setFact(facts, "client", value),
    server: (facts, value) => setFact(facts, "server", value),
    host: (facts, value) => setFact(facts, "host", value),
    request: setRequest,
    // Attempts are logged one by one; a line has one upstream.
    upstream: (facts, value) => setFact(facts, "upstream", upstreamAddress(value)),
  }),
);

const LOOSE_FIELD =
  /(?<=[,\s])(client|server|request|upstream|host|referrer) ?: {0,3}(?:"([^"]*(?:"(?!,|$)[^"]*)*)"?|(?! |\w{1,12} ?:)([^,"]*))/gi;

/** Reads the fields behind the message; returns where the message ends. */
function readFields(line: string, start: number, facts: Draft): number {
  let at = line.indexOf(", client: ", start);
  if (at < 0) {
    const loose = FIELD_AT.exec(line.slice(start));
    if (!loose) return line.length;
    at = start + loose.index;
  }
  const end = at;
  while (at < line.length && line.startsWith(", ", at)) {
    const colon = line.indexOf(": ", at);
    if (colon < 0 || colon - at > 40) break;
    const name = line.slice(at + 2, colon);
    const quoted = line[colon + 2] === '"';
    const from = colon + (quoted ? 3 : 2);
    let close = line.indexOf(quoted ? '", ' : ", ", from);
    const value = line.slice(from, close < 0 ? line.length : close);
    if (!quoted && (value.includes('"') || /^\w+: /.test(value))) break;
    if (close < 0) close = quoted && line.endsWith('"') ? line.length - 1 : line.length;
    FIELDS.get(name)?.(facts, line.slice(from, close));
    at = close + (quoted ? 1 : 0);
  }
  // Cut or mangled: what is left is read loosely.
  if (at < line.length) {
    for (const [, name, inQuotes, bare] of line.slice(end).matchAll(LOOSE_FIELD))
      FIELDS.get(name!.toLowerCase())?.(facts, (inQuotes ?? bare ?? "").replace(/"$/, "").trim());
  }
  return end;
}

/** The address without the path of the request: "http://10.0.0.7:3000", "fastcgi://unix:/run/php.sock". */
function upstreamAddress(value: string): string {
  const text = value.includes(" ") ? value.replace(/\s+/g, "") : value;
  const scheme = text.indexOf("://");
  const from = scheme < 0 ? 0 : scheme + 3;
  if (text.startsWith("unix:", from)) {
    const close = text.indexOf(":", from + 5);
    return close < 0 ? text : text.slice(0, close);
  }
  const slash = text.indexOf("/", from);
  return slash < 0 ? text : text.slice(0, slash);
}

const ERRNO = /\((\d{1,5}): ?([^()]*)\)?/;
const CONNECT_TO = /\bconnect ?\(\) to (unix: ?[^\s,]+|[^\s,]+) failed/;
const VERIFY = /\((\d{1,3}):([^()]{3,80})\)/;
const NAME_NOT_FOUND = /^(?:host not found in (?:upstream|resolver) "([^"]*)"|([\w.-]+) could not be resolved)/;

function readMessage(line: string, start: number, end: number, into: Reading): void {
  const message = start === 0 && end === line.length ? line : line.slice(start, end);
  const { facts } = into;
  into.messages = [[start, end]];
  const phaseAt = message.lastIndexOf(" while ");
  if (phaseAt >= 0) setFact(facts, "phase", message.slice(phaseAt + 7, phaseAt + 67).trim());
  setFact(facts, "side", sideOf(message, facts.phase));
  const resolving = message.includes("resolved (");
  if (resolving || message.startsWith("host not found")) {
    const found = NAME_NOT_FOUND.exec(message);
    setFact(facts, "upstream", found?.[1] ?? found?.[2]);
    setFact(facts, "phase", "resolving");
  }
  const paren = message.indexOf("(");
  if (paren >= 0) {
    readErrno(message, start, into, resolving);
    if (message.includes("connect")) setFact(facts, "upstream", CONNECT_TO.exec(message)?.[1]?.replace(" ", ""));
    if (message.includes("SSL") || message.includes("certificate")) {
      readTls(line, start, end, into);
      const verify = message.includes("verify error") ? VERIFY.exec(message) : null;
      if (verify)
        addCode(into, "x509-error", verify[2]!, start + verify.index, start + verify.index + verify[0].length);
    }
  }
  if (message.startsWith("no live upstreams") && facts.upstream !== undefined)
    setFact(facts, "upstreamName", facts.upstream.replace(/^\w+:\/\//, ""));
  into.benign = isBenign(facts.level, message);
}

/** Numbers of the resolver are its own, but for 110. */
function readErrno(message: string, start: number, into: Reading, resolving: boolean): void {
  const found = ERRNO.exec(message);
  if (!found || (resolving && found[1] !== "110")) return;
  if (message[found.index + 1 + found[1]!.length + 1] !== " ") return;
  const name = errnoOf(found[1]!, found[2]!);
  if (name === undefined) return;
  into.facts.errno = name;
  addCode(into, "errno", name, start + found.index, start + found.index + found[0].length);
}

/** Whose side it is: nginx says "upstream" in the phase, or in the first word, wherever it speaks of that. */
function sideOf(message: string, phase: string | undefined): "client" | "upstream" | undefined {
  const about = phase ?? "";
  if (about.includes("upstream") || message.startsWith("upstream ")) return "upstream";
  if (about.includes("client") || message.startsWith("client ")) return "client";
  if (CLIENT_PHASES.test(about)) return "client";
  return undefined;
}

const CLIENT_PHASES =
  /^(?:SSL handshaking|waiting for request|keepalive|processing HTTP\/[23] connection|reading PROXY protocol)/;

const BENIGN =
  /^(?:an? (?:upstream response|client request body) is buffered to a temporary file|using the ".{1,20}" event method|signal \d+ \(SIG|signal process started|start(?:ed|ing)? |worker process \d+ exited with code 0|gracefully shutting down|exit(?:ing)?\b|reconfiguring|reopening logs|cache (?:manager|loader)|nginx\/\d|built by|OS: |getrlimit|client .{0,60}closed keepalive connection|http file cache|openresty\/\d)/;

function isBenign(level: string | undefined, message: string): boolean {
  if (level === "debug" || level === "notice") return !/\b(?:failed|error|refused|timed out)\b/i.test(message);
  return (level === "info" || level === "warn") && BENIGN.test(message);
}
