// Logs of programs in Go: zerolog's console (cloudflared, Traefik 3), zap's console (Caddy, many others), klog
// (Kubernetes, ingress-nginx's controller) and the standard library's. Behind the message stand key=value pairs or JSON,
// whose errors speak as well. Which program it is shows in the names of the fields, or in the logger's.
import type { Facts } from "../explanation.ts";
import { scanJson } from "../json-text.ts";
import { scanPairs } from "../record-text.ts";
import { type Format, levelOf, type Reading, reading, setFact } from "./format.ts";
import { softwareOfKeys, speechRank, takeField } from "./record-fields.ts";

const ZEROLOG = /(?:\d{4}-\d\d-\d\d[T ][\d:.,Z+-]{8,20} )?(TRC|DBG|INF|WRN|ERR|FTL|PNC) {1,3}/y;

/** Zerolog's console: 2026-01-12T10:00:00Z ERR message key=value. */
export const zerolog: Format = {
  name: "zerolog",
  recognise(line, known) {
    ZEROLOG.lastIndex = 0;
    const head = ZEROLOG.exec(line);
    if (!head) return null;
    const into = reading("zerolog", known.software);
    into.facts.level = levelOf(head[1]!);
    const pairs = scanPairs(line, head[0].length, line.length);
    const first = pairs.find(({ key }) => key !== "" && !/^https?$/.test(key));
    const end = first ? first.from : line.length;
    if (end > head[0].length) into.messages.push([head[0].length, end]);
    for (const pair of pairs) {
      takeField(into, pair);
      if (speechRank(pair.key, pair.value) !== null) into.messages.push([pair.start, pair.end]);
    }
    setFact(into.facts, "software", softwareOfKeys(new Set(pairs.map(({ key }) => key))) ?? softwareOfText(line));
    return into;
  },
};

function softwareOfText(line: string): string | undefined {
  if (/\b(?:CF-RAY|cloudflared|tunnel|ingress \d|Unable to reach the origin|Cloudflare edge|argotunnel)/i.test(line))
    return "cloudflared";
  if (/traefik|entryPoint|\brouter\b/i.test(line)) return "traefik";
  return undefined;
}

const ZAP =
  /(?:(\d{4}[/-]\d\d[/-]\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:Z|[+-]\d{4})?)[ \t]{1,8})?(DEBUG|INFO|WARN|ERROR|DPANIC|PANIC|FATAL)[ \t]{1,8}([a-z][\w.-]{0,80})[ \t]{1,8}/y;
const CADDY_LOGGER = /^(?:https?|tls|admin|pki|caddy|layer4|reverse_proxy)(?:\.|$)/;

/** Zap's console: time, level, logger, message and a JSON object, separated by tabs (or blanks, once copied). */
export const zapConsole: Format = {
  name: "zap",
  recognise(line, known) {
    ZAP.lastIndex = 0;
    const head = ZAP.exec(line);
    if (!head) return null;
    const [, time, level, logger] = head;
    const caddy = CADDY_LOGGER.test(logger!);
    if (!caddy && !head[0].includes("\t") && !((time ?? known.time) !== undefined && /\S {2,}\S+ /.test(head[0])))
      return null;
    const into = reading(caddy ? "caddy-console" : "zap", caddy ? "caddy" : known.software);
    setFact(into.facts, "time", time);
    into.facts.level = levelOf(level!);
    const json = line.search(/[ \t]\{"/);
    const start = caddy || logger!.includes(".") ? head[0].length : head[0].lastIndexOf(logger!);
    into.messages = [[start, json < 0 ? line.length : json]];
    if (json >= 0) readJsonTail(line, json + 1, into);
    into.benign =
      caddy && into.facts.level === "info" && !/error|fail/i.test(line.slice(start, json < 0 ? line.length : json));
    return into;
  },
};

function readJsonTail(line: string, start: number, into: Reading): void {
  for (const field of scanJson(line, start).fields) {
    const { value } = field;
    takeField(into, field);
    if (speechRank(field.key, value) !== null) into.messages.push([field.start, field.end]);
    if (field.key === "duration" && /^\d+\.\d+$/.test(value))
      into.facts.durations = { duration: Math.round(Number(value) * 1e6) / 1000 };
  }
}

const KLOG = /([IWEF])(\d{4} \d\d:\d\d:\d\d\.\d{6}) {1,8}(\d{1,9}) ([\w.-]{1,80}\.go):\d{1,6}\] /y;
const KLOG_LEVELS: Readonly<Record<string, string>> = { I: "info", W: "warn", E: "error", F: "fatal" };

/** Klog: E0112 10:00:00.000000 1 file.go:10] message. */
export const klog: Format = {
  name: "klog",
  recognise(line, known) {
    KLOG.lastIndex = 0;
    const head = KLOG.exec(line);
    if (!head) return null;
    const ingress = known.software === "ingress-nginx" || INGRESS.test(line);
    const into = reading("klog", ingress ? "ingress-nginx" : (known.software ?? "kubernetes"));
    into.facts.level = KLOG_LEVELS[head[1]!]!;
    into.facts.time = head[2]!;
    into.facts.pid = Number(head[3]);
    into.messages = [[head[0].length, line.length]];
    return into;
  },
};

const INGRESS = /(?:controller|store|backend_ssl|nginx)\.go:\d+\] .{0,200}(?:Endpoint|Ingress|ingress|Service "|NGINX)/;

const STANDARD = /(?:\d{4}|\d\d)\/\d\d\/\d\d \d\d:\d\d:\d\d(?:\.\d{6})? (?!\[)(?:[\w./-]{1,80}\.go:\d{1,6}: )?/y;

/** The standard library's log; also of what stands in it when that is another format. */
export const goLog: Format = {
  name: "go-log",
  recognise(line: string, known: Facts): Reading | null {
    if (line.charCodeAt(0) < 48 || line.charCodeAt(0) > 57) return null;
    STANDARD.lastIndex = 0;
    const head = STANDARD.exec(line);
    if (!head || head[0].length === line.length) return null;
    const into = reading("go-log", known.software);
    into.facts.time = /^[\d/]+ [\d:.]+/.exec(head[0])![0];
    into.messages = [[head[0].length, line.length]];
    if (into.facts.software === undefined && /\bhttp: |\bnet\/http|\bdial (?:tcp|unix)|rpc error/.test(line)) {
      into.facts.software = line.includes("rpc error") ? "grpc" : "go";
    }
    return into;
  },
};
