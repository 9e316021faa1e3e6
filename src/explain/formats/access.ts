// Access logs in the common and combined format and what others add behind it: nginx (its docker default, ingress-nginx,
// key=value fields), Apache with a virtual host, Traefik, gorouter. Which program wrote a bare combined line cannot be
// known. Nothing in such a line is a message: user agents and paths say whatever their senders like.
import type { Facts } from "../explanation.ts";
import { scanPairs } from "../record-text.ts";
import { addDuration, type Format, type Reading, reading, setFact, setRequest, setStatus, statusOf } from "./format.ts";
import { lastOf, takeField } from "./record-fields.ts";
import { type Token, tokensOf } from "./tokens.ts";

const HEAD = /(?:([\w.-]{1,255}(?::\d{1,5})?) )?(\S{1,200}) \S{1,100} (\S{1,200}) \[(\d[^\]\n]{8,40})\] "/y;
const STATUS = /" (\d{3}|-) (\d{1,15}|-)/y;
const LIST = /^-$|^[\d.,: -]+$/;

/** Access logs that begin like the common log format. */
export const access: Format = { name: "access-combined", recognise };

function recognise(line: string, known: Facts): Reading | null {
  const bracket = line.indexOf(" [");
  if (bracket < 0 || bracket > 600) return gorouter(line);
  HEAD.lastIndex = 0;
  const head = HEAD.exec(line);
  if (!head) return gorouter(line);
  const request = HEAD.lastIndex;
  const close = requestEnd(line, request);
  STATUS.lastIndex = close;
  const status = STATUS.exec(line);
  if (!status) return null;
  const into = reading("access-combined", known.software);
  const { facts } = into;
  setFact(facts, "client", head[2]);
  setFact(facts, "time", head[4]);
  setFact(facts, "host", head[1]);
  setRequest(facts, line.slice(request, close));
  setStatus(into, status[1], close + 2);
  if (status[2] !== "-") facts.bytes = Number(status[2]);
  readTail(line, STATUS.lastIndex, into);
  into.benign = facts.status !== undefined && facts.status < 400;
  return into;
}

/** Where the quote stands that ends the request: before a blank and a status. */
function requestEnd(line: string, from: number): number {
  let at = line.indexOf('" ', from);
  while (at >= 0 && !/\d|-/.test(line[at + 2] ?? "")) at = line.indexOf('" ', at + 1);
  return at < 0 ? line.length : at;
}

function readTail(line: string, start: number, into: Reading): void {
  if (start >= line.length) return;
  const tokens = tokensOf(line, start);
  if (!tokens[0]?.quoted || !tokens[1]?.quoted) return readPairs(line, start, into);
  const extra = tokens.slice(2);
  if (extra.length === 0) return;
  if (isTraefik(extra)) return traefik(extra, into);
  if (isIngress(extra)) return ingress(extra, into);
  if (extra.length === 1 && extra[0]!.quoted && /^(?:-|[\d.,: a-fA-F]+)$/.test(extra[0]!.text)) {
    // The format of nginx's own images ends with "$http_x_forwarded_for".
    into.facts.software ??= "nginx";
    into.facts.format = into.format = "nginx-access";
    return;
  }
  readPairs(line, extra[0]!.start - (extra[0]!.quoted ? 1 : 0), into);
}

function isTraefik(extra: readonly Token[]): boolean {
  return (
    extra.length >= 4 &&
    /^\d+$/.test(extra[0]!.text) &&
    extra[1]!.quoted &&
    extra[2]!.quoted &&
    /^\d+ms$/.test(extra[3]!.text)
  );
}

function traefik(extra: readonly Token[], into: Reading): void {
  into.facts.software = "traefik";
  into.facts.format = into.format = "traefik-access";
  setFact(into.facts, "upstreamName", extra[1]!.text);
  setFact(into.facts, "upstream", extra[2]!.text);
  addDuration(into.facts, "duration", extra[3]!.text.slice(0, -2), 1);
}

/** $request_length $request_time [$upstream_name] [$alternative] $upstream_addr $length $time $status $req_id */
function isIngress(extra: readonly Token[]): boolean {
  return (
    extra.length >= 4 &&
    /^\d+$/.test(extra[0]!.text) &&
    /^[\d.]+$/.test(extra[1]!.text) &&
    /^\[[^\]]*\]$/.test(extra[2]!.text)
  );
}

function ingress(extra: readonly Token[], into: Reading): void {
  const { facts } = into;
  facts.software = "ingress-nginx";
  facts.format = into.format = "ingress-nginx-access";
  addDuration(facts, "request_time", extra[1]!.text, 1000);
  setFact(facts, "upstreamName", extra[2]!.text.slice(1, -1));
  const at = /^\[/.test(extra[3]!.text) ? 4 : 3;
  setFact(facts, "upstream", lastOf(extra[at]?.text ?? ""));
  addDuration(facts, "upstream_response_time", lastOf(extra[at + 2]?.text ?? ""), 1000);
  setFact(facts, "upstreamStatus", statusOf(lastOf(extra[at + 3]?.text ?? "")));
  setFact(facts, "requestId", extra[at + 4]?.text);
}

/** Short names that configurations give the fields of upstreams, beside nginx's own. */
const SHORT: ReadonlyMap<string, string> = new Map(
  Object.entries({
    rt: "request_time",
    uct: "upstream_connect_time",
    uht: "upstream_header_time",
    urt: "upstream_response_time",
    us: "upstream_status",
    ups: "upstream_status",
    ua: "upstream_addr",
    uaddr: "upstream_addr",
    upstream_response_code: "upstream_status",
    rid: "request_id",
  }),
);
const COLON_PAIR =
  /(?<![\w.])(upstream(?:_addr|_status|_response_time|_connect_time|_header_time)?|request_time|request_id|x_cf_routererror|response_time) ?: ?"?([\w.:,/-]{1,200}(?:, [\w.:/-]{1,60})*)"?/g;

function readPairs(line: string, start: number, into: Reading): void {
  const { facts } = into;
  let known = 0;
  for (const pair of scanPairs(line, start, line.length)) {
    const key = SHORT.get(pair.key) ?? pair.key;
    // A list without quotes goes on behind the blank.
    const value = pair.isString ? pair.value : listFrom(line, pair.start, pair.end);
    if (takeUpstream(into, key, value) || takeField(into, { ...pair, key, value })) known++;
  }
  for (const [, key = "", value = ""] of line.slice(start).matchAll(COLON_PAIR)) {
    if (takeUpstream(into, key, value.replace(/,$/, ""))) known++;
  }
  if (known === 0) return;
  if (facts.upstreamStatus !== undefined || facts.upstream !== undefined || facts.durations !== undefined) {
    facts.software ??= "nginx";
    facts.format = into.format = "nginx-access";
  }
}

function listFrom(line: string, start: number, end: number): string {
  const rest = /^(?:[, ]{1,3}[\d.:/]+)+/.exec(line.slice(end, end + 200))?.[0] ?? "";
  return line[end - 1] === "," || rest.startsWith(",") ? line.slice(start, end) + rest : line.slice(start, end);
}

function takeUpstream({ facts }: Reading, key: string, value: string): boolean {
  if (key === "upstream_addr" || key === "upstream")
    setFact(facts, "upstream", /[.:/]/.test(value) ? lastOf(value) : undefined);
  else if (key === "upstream_status") setFact(facts, "upstreamStatus", statusOf(lastOf(value)));
  else if (/^(?:request|upstream_(?:connect|header|response))_time$/.test(key)) {
    if (LIST.test(value)) addDuration(facts, key, lastOf(value), 1000);
  } else return false;
  return true;
}

const GOROUTER = /([\w.:-]{1,255}) - \[([^\]\n]{10,40})\] "([^"\n]{1,4000})" (\d{3}) (\d{1,15}) (\d{1,15}) "/y;

/** Cloud Foundry's router: the host stands where others have the client. */
function gorouter(line: string): Reading | null {
  GOROUTER.lastIndex = 0;
  const head = line.includes('] "') ? GOROUTER.exec(line) : null;
  if (!head) return null;
  const into = reading("gorouter-access", "cloudfoundry");
  setFact(into.facts, "host", head[1]);
  setFact(into.facts, "time", head[2]);
  setRequest(into.facts, head[3]!);
  setStatus(into, head[4], line.indexOf(`" ${head[4]} `) + 2);
  const addresses = tokensOf(line, GOROUTER.lastIndex - 1).filter(
    ({ quoted, text }) => quoted && /^[\d.]+:\d+$/.test(text),
  );
  setFact(into.facts, "client", addresses[0]?.text);
  setFact(into.facts, "upstream", addresses[1]?.text);
  const failure = line.indexOf("x_cf_routererror:");
  if (failure >= 0) into.messages = [[failure, Math.min(line.length, failure + 80)]];
  into.benign = into.facts.status !== undefined && into.facts.status < 400;
  return into;
}
