// What the fields of structured logs mean, whoever writes them: names of JSON and of key=value logs, as facts, as codes,
// or as the text that speaks. One table for the wrapper that takes a message out of its record, and for the records
// that are themselves a format (access logs).
import type { RecordField } from "../json-text.ts";
import {
  addCode,
  addDuration,
  type Draft,
  levelOf,
  type Reading,
  setFact,
  setRequest,
  setTarget,
  statusOf,
} from "./format.ts";

type Setter = (facts: Draft, value: string, path: string) => void;

const text =
  (name: "upstream" | "client" | "server" | "host" | "method" | "requestId" | "upstreamName"): Setter =>
  (facts, value) =>
    setFact(facts, name, value);
/** Seconds or milliseconds since 1970 as a date; other times as printed. */
const time: Setter = (facts, value) => {
  const epoch = /^(\d{10})(\d{3})?(?:\.(\d{1,9}))?$/.exec(value);
  if (!epoch) return setFact(facts, "time", value);
  const ms = epoch[2] === undefined ? Number(value) * 1000 : Number(value);
  setFact(facts, "time", new Date(Math.floor(ms)).toISOString());
};
const status =
  (name: "status" | "upstreamStatus"): Setter =>
  (facts, value) =>
    setFact(facts, name, statusOf(lastOf(value)));
const whole =
  (name: "pid" | "bytes"): Setter =>
  (facts, value) => {
    if (/^\d{1,15}$/.test(value)) setFact(facts, name, Number(value));
  };
const target: Setter = (facts, value, name) => {
  // The path of the log file, as shippers add it, is not the request's.
  if (!/^log\.|file/i.test(name) && /^(?:\/|https?:\/\/)/i.test(value)) setTarget(facts, value);
};
const host: Setter = (facts, value, name) => {
  if (/^(?:[\w-]+\.)+[\w-]+(?::\d+)?$|^localhost(?::\d+)?$|^\[/.test(value) || name.includes("req")) {
    setFact(facts, "host", value);
  }
};
const peer: Setter = (facts, value) => {
  if (/[.:]/.test(value)) setFact(facts, "upstream", lastOf(value));
};

const FACTS: ReadonlyMap<string, Setter> = new Map<string, Setter>(
  Object.entries<Setter>({
    level: (facts, value) => setFact(facts, "level", levelOf(value)),
    lvl: (facts, value) => setFact(facts, "level", levelOf(value)),
    severity: (facts, value) => setFact(facts, "level", levelOf(value)),
    levelname: (facts, value) => setFact(facts, "level", levelOf(value)),
    time: time,
    ts: time,
    timestamp: time,
    "@timestamp": time,
    start_time: time,
    startutc: time,
    time_local: time,
    time_iso8601: time,
    pid: whole("pid"),
    bytes: whole("bytes"),
    bytes_sent: whole("bytes"),
    body_bytes_sent: whole("bytes"),
    status: status("status"),
    status_code: status("status"),
    statuscode: status("status"),
    response_code: status("status"),
    responsestatus: status("status"),
    http_status: status("status"),
    httpstatus: status("status"),
    downstreamstatus: status("status"),
    elb_status_code: status("status"),
    upstream_status: status("upstreamStatus"),
    upstreamstatus: status("upstreamStatus"),
    originstatus: status("upstreamStatus"),
    target_status_code: status("upstreamStatus"),
    serverstatus: status("upstreamStatus"),
    method: text("method"),
    request_method: text("method"),
    requestmethod: text("method"),
    http_method: text("method"),
    httpmethod: text("method"),
    verb: text("method"),
    path: target,
    uri: target,
    url: target,
    request_uri: target,
    requesturi: target,
    requestpath: target,
    requesturl: target,
    originaluri: target,
    request: (facts, value) => setRequest(facts, value),
    request_line: (facts, value) => setRequest(facts, value),
    host,
    hostname: host,
    authority: text("host"),
    http_host: text("host"),
    requesthost: text("host"),
    server_name: text("server"),
    vhost: text("host"),
    client: text("client"),
    client_ip: text("client"),
    clientip: text("client"),
    clienthost: text("client"),
    remote_ip: text("client"),
    remote_addr: text("client"),
    remoteip: text("client"),
    remoteaddress: text("client"),
    downstream_remote_address: text("client"),
    upstream: peer,
    upstream_addr: peer,
    upstream_host: peer,
    upstreamhost: peer,
    serverrouted: peer,
    serviceaddr: peer,
    originservice: peer,
    dial: peer,
    endpoint: peer,
    dest: () => {},
    upstream_cluster: text("upstreamName"),
    proxy_upstream_name: text("upstreamName"),
    servicename: text("upstreamName"),
    routername: () => {},
    request_id: text("requestId"),
    requestid: text("requestId"),
    x_request_id: text("requestId"),
    req_id: text("requestId"),
    reqid: text("requestId"),
    cfray: text("requestId"),
    err_id: text("requestId"),
  }),
);

/** Fields whose value is a code: the field of CODE_FIELDS that it belongs to. */
const CODES: ReadonlyMap<string, string> = new Map(
  Object.entries({
    response_flags: "envoy-flag",
    response_code_details: "envoy-detail",
    statusdetails: "gcp-detail",
    proxystatus: "proxy-status",
    error_reason: "alb-error",
    error_info: "azure-error",
    errorinfo: "azure-error",
    responsetype: "apigw-error",
    error_responsetype: "apigw-error",
    x_edge_detailed_result_type: "cloudfront-result",
    termination_state: "haproxy-state",
  }),
);

/** Names whose value is the text that speaks, the most telling first. */
const SPEAKING = [
  "log",
  "msg",
  "message",
  "@message",
  "textpayload",
  "error",
  "err",
  "detail",
  "reason",
  "fetch_error",
  "error_message",
  "error_msg",
  "errormessage",
  "exception",
  "cause",
  "stack",
  "stack_trace",
  "stacktrace",
  "traceback",
];
const SPEAKS = new Map(SPEAKING.map((key, rank) => [key, rank]));

/** How telling a text field is, 0 = most; null = it does not speak. */
export function speechRank(key: string, value: string): number | null {
  const rank = SPEAKS.get(key);
  return rank === undefined || !/\p{L}/u.test(value) ? null : rank;
}

/** The record is an access log or another format of its own: it is not only a message with its level. */
export function isRecordOfItsOwn(keys: ReadonlySet<string>): boolean {
  if (keys.has("cause") && (keys.has("requestid") || keys.has("instance"))) return true;
  if (OWN_KEYS.some((key) => keys.has(key))) return true;
  return keys.has("status") && keys.has("request") && !keys.has("msg") && !keys.has("message");
}

/** The text of a record that is one of its own, told without reading it. */
export function looksLikeOwnRecord(text: string): boolean {
  return OWN_MARK.test(text);
}

const OWN_KEYS = [
  "response_flags",
  "response_code_details",
  "originstatus",
  "downstreamstatus",
  "statusdetails",
  "elb_status_code",
  "upstream_status",
  "error_info",
  "errorinfo",
  "termination_state",
];
const OWN_MARK = new RegExp(`"(?:${OWN_KEYS.join("|")})"`, "i");

const SOFTWARE: readonly (readonly [keys: readonly string[], software: string])[] = [
  [["originservice", "cfray", "ingressrule", "connindex"], "cloudflared"],
  [["routername", "entrypointname", "entrypoint", "middlewarename", "providername", "downstreamstatus"], "traefik"],
  [["response_flags", "upstream_cluster"], "envoy"],
  [["err_trace", "err_id"], "caddy"],
  [["fetch_error"], "varnish"],
  [["elb_status_code"], "aws-alb"],
  [["statusdetails"], "gcp-lb"],
  [["error_info"], "azure-appgw"],
];

/** The program that has records with these names; undefined = any. */
export function softwareOfKeys(keys: ReadonlySet<string>): string | undefined {
  return SOFTWARE.find(([names]) => names.some((name) => keys.has(name)))?.[1];
}

/** Takes what a field says; false = its name means nothing here. */
export function takeField(into: Reading, field: RecordField): boolean {
  const { key, value, start, end } = field;
  const of = CODES.get(key);
  if (of !== undefined) {
    takeCode(into, of, field);
    return true;
  }
  const setter = FACTS.get(key);
  if (setter) {
    const before = into.facts.status;
    setter(into.facts, value, field.path);
    if (before === undefined && into.facts.status !== undefined && end - start === 3)
      addCode(into, "http-status", value, start, end);
    return true;
  }
  return takeDuration(into.facts, key, value);
}

function takeCode(into: Reading, of: string, { value, start }: RecordField): void {
  if (value === "-" || value === "") return;
  if (of === "envoy-flag") {
    const flags: string[] = [];
    for (const match of value.matchAll(/[A-Za-z]{2,6}/g)) {
      flags.push(match[0]);
      addCode(into, of, match[0], start + match.index, start + match.index + match[0].length);
    }
    setFact(into.facts, "flags", flags);
  } else {
    const token = /^[^\s{("]+/.exec(value)?.[0] ?? "";
    addCode(into, of, token, start, start + token.length);
    if (of === "haproxy-state") setFact(into.facts, "terminationState", value);
  }
}

const DURATION_KEY = /(?:duration|latency|response_time|request_time|connect_time|header_time|elapsed|took)/;

function takeDuration(facts: Draft, key: string, value: string): boolean {
  if (!DURATION_KEY.test(key)) return false;
  const [, amount, unit] = /^(-?\d{1,12}(?:\.\d{1,9})?)\s?(ms|s|us|µs|ns|m)?$/.exec(value) ?? [];
  if (amount === undefined) return false;
  const named = /_ms$|ms$/.test(key) ? 1 : /_s$|_time$|seconds$/.test(key) ? 1000 : /_ns$/.test(key) ? 1e-6 : null;
  const unitMs = unit === undefined ? named : UNIT_MS[unit]!;
  if (unitMs !== null) addDuration(facts, key, amount, unitMs);
  return true;
}

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, us: 1e-3, µs: 1e-3, ns: 1e-6, m: 60_000 };

/** The last of a list of attempts, as nginx joins them: "502, 504" or "10.0.0.1:80 : 10.0.0.2:80". */
export function lastOf(value: string): string {
  const at = Math.max(value.lastIndexOf(", "), value.lastIndexOf(" : ") + 1);
  return at > 0 ? value.slice(at + 2).trim() || value : value;
}
