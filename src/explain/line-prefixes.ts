// What collectors put before each line: docker and docker compose, the container runtime, kubectl and stern, syslog,
// journald, Cloud Foundry, grep, GitHub Actions. A prefix counts where the first line has it; it is then taken off
// every line that has it, and lines without it (the rest of a stack trace) stay as they are.
import { type Draft, setFact } from "./formats/format.ts";
import type { Peeled } from "./mapped-text.ts";
import { lineEnd, type Part } from "./mapped-text.ts";

interface Prefix {
  readonly name: string;
  /** First characters of lines that can have it; absent = any. */
  readonly begins?: RegExp;
  /** Sticky; what it matches is taken off. */
  readonly pattern: RegExp;
  /** False = not this prefix after all. */
  readonly accept?: (match: RegExpExecArray) => boolean;
  readonly facts?: (match: RegExpExecArray, facts: Draft) => void;
}

const ISO = String.raw`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:Z|[+-]\d\d:?\d\d)`;
const TAG = String.raw`(?<tag>[A-Za-z_][\w.@/-]{0,63})(?:\[(?<pid>[\w.]{1,20})\])?: `;
const MONTHS = "(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)";
const LEVEL_WORD = /^(?:ERR|INF|WRN|DBG|FTL|ERROR|INFO|WARN|WARNING|DEBUG|FATAL|TRACE|NOTICE)$/;
/** Programs whose name tells that a word before a colon is the tag of a syslog line. */
const TAGS =
  /^(?:kernel|haproxy|nginx|systemd|php-fpm[\d.]*|httpd|apache2|gunicorn|uwsgi|envoy|traefik|caddy|cloudflared|node|varnishd?|dockerd|kubelet|containerd)$/i;

/** Tags that are a part of what their program prints. */
const isPlatform = (tag: string): boolean => /^(?:heroku|app)\b/.test(tag);

function syslogFacts({ groups }: RegExpExecArray, facts: Draft): void {
  setFact(facts, "time", groups?.["time"]);
  const tag = groups?.["tag"] ?? "";
  if (isPlatform(tag)) return;
  setFact(facts, "software", softwareOf(tag));
  if (/^\d+$/.test(groups?.["pid"] ?? "")) setFact(facts, "pid", Number(groups!["pid"]));
}

const syslog = (name: string, begins: RegExp, head: string): Prefix => ({
  name,
  begins,
  pattern: new RegExp(`${head}(?<rest>${TAG})`, "y"),
  facts: syslogFacts,
});

/** A bare time and two words stand before many things that are no syslog: the tag must be known, or have a pid. */
const sureSyslog = (name: string, begins: RegExp, head: string): Prefix => ({
  ...syslog(name, begins, head),
  accept: ({ groups }) =>
    !LEVEL_WORD.test(groups?.["host"] ?? "") && (groups?.["pid"] !== undefined || TAGS.test(groups?.["tag"] ?? "")),
});

const PREFIXES: readonly Prefix[] = [
  {
    name: "cri",
    begins: /\d/,
    pattern: new RegExp(`(?<time>${ISO}) (?:stdout|stderr) [FP] ?`, "y"),
    facts: ({ groups }, facts) => setFact(facts, "time", groups?.["time"]),
  },
  {
    name: "syslog",
    begins: /</,
    pattern:
      /<\d{1,3}>1 (?<time>\S{1,64}) \S{1,255} (?<tag>\S{1,48}) (?<pid>\S{1,128}) \S{1,32} (?:-|(?:\[[^\]\n]{0,1000}\]){1,8}) ?\ufeff?/y,
    facts: syslogFacts,
  },
  syslog(
    "syslog",
    /[<A-Z]/,
    String.raw`(?:<\d{1,3}>)?(?<time>${MONTHS} [ \d]?\d (?:\d{4} )?\d\d:\d\d:\d\d(?:\.\d{1,6})?) (?:(?<host>[\w.:-]{1,255}) )?`,
  ),
  syslog(
    "journald",
    /[A-Z]/,
    String.raw`(?<time>[A-Z][a-z]{2} \d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d{1,6})? [A-Z+\d:-]{1,6}) (?<host>[\w.:-]{1,255}) `,
  ),
  sureSyslog("journald", /\d/, String.raw`(?<time>\d{10}\.\d{6}) (?<host>[\w.:-]{1,255}) `),
  sureSyslog("journald", /\[/, String.raw`\[ {0,8}(?<time>\d{1,9}\.\d{6})\] (?<host>[\w.:-]{1,255}) `),
  sureSyslog("syslog", /\d/, String.raw`(?<time>${ISO}) (?<host>[\w.-]{1,255}) `),
  {
    name: "cloudfoundry",
    begins: /[\d[]/,
    pattern:
      /(?:(?<time>\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d{4})?) )?\[(?:APP|RTR|CELL|STG|API|SSH|LGR)\/[\w/]{1,40}\] {1,4}(?:OUT|ERR) /y,
    facts: ({ groups }, facts) => setFact(facts, "time", groups?.["time"]),
  },
  {
    name: "time",
    begins: /[\d[]/,
    pattern: new RegExp(String.raw`(?<open>\[?)(?<time>${ISO})(?<close>\]?)[ \t]{1,20}(?=\S)`, "y"),
    accept: ({ groups }) => (groups?.["open"] === "[") === (groups?.["close"] === "]"),
    facts: ({ groups }, facts) => setFact(facts, "time", groups?.["time"]),
  },
  {
    name: "kubectl",
    begins: /\[/,
    pattern: /\[pod\/[\w.-]{1,253}\/(?<tag>[\w.-]{1,63})\] /y,
    facts: ({ groups }, facts) => setFact(facts, "software", softwareOf(groups?.["tag"] ?? "")),
  },
  {
    name: "kubectl",
    begins: /[a-z]/,
    pattern:
      /[a-z0-9][a-z0-9.-]{0,240}-(?:[a-z0-9]{6,10}-[a-z0-9]{5}|\d{1,4}) (?<tag>[a-z0-9][a-z0-9-]{0,62}) (?=[\d[{<"A-Z])/y,
    facts: ({ groups }, facts) => setFact(facts, "software", softwareOf(groups?.["tag"] ?? "")),
  },
  {
    name: "pm2",
    begins: /\d/,
    pattern: /\d{1,3}\|[\w.-]{1,60} {0,40}\| ?/y,
  },
  {
    name: "docker-compose",
    begins: /[\w.]/,
    pattern: /(?<tag>[\w.-]{1,80})[ \t]{1,60}\|(?: |$)/y,
    accept: ({ groups }) => /[A-Za-z]/.test(groups?.["tag"] ?? ""),
    facts: ({ groups }, facts) => setFact(facts, "software", softwareOf(groups?.["tag"] ?? "")),
  },
  {
    name: "grep",
    begins: /[\w/.]/,
    pattern: /[\w./-]{1,200}?\.(?:log|err|out|txt)(?:\.\d{1,3})?:(?:\d{1,9}:)?(?=\S)/y,
  },
  {
    name: "github-actions",
    begins: /[#:]/,
    pattern: /##\[(?:error|warning|debug)\]|::(?:error|warning)(?: [^:\n]{0,200})?::/y,
  },
];

/** The prefixes that a line with this first character can have, by its code below 128. */
const BY_FIRST: readonly (readonly Prefix[])[] = Array.from({ length: 128 }, (_, code) =>
  PREFIXES.filter(({ begins }) => begins?.test(String.fromCharCode(code)) ?? true),
);
const ANY_FIRST = PREFIXES.filter(({ begins }) => begins === undefined);

const prefixesOf = (first: string): readonly Prefix[] => BY_FIRST[first.charCodeAt(0)] ?? ANY_FIRST;

/** Takes the first prefix off that the first line has. */
export function peelLinePrefixes(text: string): Peeled | null {
  const first = text[0];
  if (first === undefined) return null;
  for (const prefix of prefixesOf(first)) {
    const match = matchAt(prefix, text, 0);
    if (match) return { name: prefix.name, ...peelAll(prefix, text, match) };
  }
  return null;
}

function peelAll(prefix: Prefix, text: string, first: RegExpExecArray): Pick<Peeled, "parts" | "facts"> {
  const facts: Draft = {};
  prefix.facts?.(first, facts);
  const parts: Part[] = [[keptFrom(first), Math.min(lineEnd(text, 0) + 1, text.length)]];
  for (let start = lineEnd(text, 0) + 1; start < text.length; ) {
    const next = Math.min(lineEnd(text, start) + 1, text.length);
    const match = matchAt(prefix, text, start);
    parts.push([match ? keptFrom(match) : start, next]);
    start = next;
  }
  return { parts, facts };
}

function matchAt(prefix: Prefix, text: string, at: number): RegExpExecArray | null {
  prefix.pattern.lastIndex = at;
  const match = prefix.pattern.exec(text);
  return match && (prefix.accept?.(match) ?? true) ? match : null;
}

/** Behind the prefix; the tag of a platform stays, it is the beginning of what the platform prints. */
function keptFrom(match: RegExpExecArray): number {
  const end = match.index + match[0].length;
  const rest = match.groups?.["rest"];
  return rest !== undefined && isPlatform(match.groups!["tag"]!) ? end - rest.length : end;
}

const KNOWN: readonly (readonly [pattern: RegExp, software: string])[] = [
  [/ingress-nginx|nginx-ingress/i, "ingress-nginx"],
  [/nginx/i, "nginx"],
  [/haproxy/i, "haproxy"],
  [/envoy|istio-proxy/i, "envoy"],
  [/traefik/i, "traefik"],
  [/caddy/i, "caddy"],
  [/^(?:apache2?|httpd)\b/i, "apache"],
  [/php-?fpm/i, "php-fpm"],
  [/gunicorn/i, "gunicorn"],
  [/uwsgi/i, "uwsgi"],
  [/varnish/i, "varnish"],
  [/cloudflared/i, "cloudflared"],
  [/^kernel$/, "linux"],
  [/^systemd/, "systemd"],
  [/^kubelet$/, "kubernetes"],
  [/^goodgate$/, "goodgate"],
];

/** The product that a tag or a container is named after; undefined = the name says nothing. */
function softwareOf(tag: string): string | undefined {
  return KNOWN.find(([pattern]) => pattern.test(tag))?.[1];
}
