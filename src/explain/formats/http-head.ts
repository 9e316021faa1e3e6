// Heads of HTTP responses as curl -i, curl -v and developer tools show them: the status line, then fields. The fields say
// which hops there were (Server, Via, CF-RAY, X-Amz-Cf-Id, X-Envoy-…) and sometimes why (Proxy-Status, x-vercel-error).
// Read line by line: what curl -v puts before a line ("< ", "* ", "> ") is passed over.
import { addCode, type Format, type Reading, reading, setFact, setRequest, setStatus } from "./format.ts";

const STATUS_LINE = /(?:< )?HTTP\/\d(?:\.\d)? (\d{3})(?: |$)/y;
const FIELD = /(?:< )?([A-Za-z][\w-]{1,60}): {0,8}(.*)/y;
/** Fields by which a line is known as one of a response's head. */
const KNOWN =
  /^(?:server|via|date|content-(?:type|length|encoding)|connection|keep-alive|proxy-status|cf-ray|cf-cache-status|x-cache|x-served-by|x-amz(?:n|-).*|x-azure-.*|x-envoy-.*|x-vercel-.*|x-nf-request-id|fly-request-id|retry-after|alt-svc|x-powered-by|transfer-encoding|set-cookie|location|x-request-id|nel|report-to|strict-transport-security|cache-control|vary|expires|age|x-goodgate-.*)$/;

const SERVERS: readonly (readonly [pattern: RegExp, software: string])[] = [
  [/^openresty(?:\/([\d.]+))?/i, "openresty"],
  [/^(?:nginx|tengine)(?:\/([\d.]+))?/i, "nginx"],
  [/^apache(?:\/([\d.]+))?/i, "apache"],
  [/^(?:istio-)?envoy/i, "envoy"],
  [/^cloudflare/i, "cloudflare"],
  [/^awselb\/([\d.]+)/i, "aws-alb"],
  [/^cloudfront/i, "cloudfront"],
  [/^(?:gws|google frontend|gse)/i, "gcp-lb"],
  [/^microsoft-azure-application-gateway\/v?(\d)/i, "azure-appgw"],
  [/^microsoft-iis\/([\d.]+)/i, "iis"],
  [/^caddy/i, "caddy"],
  [/^(?:cowboy|heroku)/i, "heroku"],
  [/^vercel/i, "vercel"],
  [/^netlify/i, "netlify"],
  [/^varnish/i, "varnish"],
  [/^gunicorn(?:\/([\d.]+))?/i, "gunicorn"],
  [/^uvicorn/i, "uvicorn"],
  [/^goodgate(?:\/([\d.]+))?/i, "goodgate"],
  [/^akamaighost/i, "akamai"],
];

/** One line of a head; used where the text has a status line or several known fields (see hasHead). */
export const httpHead: Format = {
  name: "http-head",
  recognise(line) {
    STATUS_LINE.lastIndex = 0;
    const status = STATUS_LINE.exec(line);
    const into = reading("http-head");
    if (status) {
      const at = line.indexOf(status[1]!, line.indexOf(" HTTP") < 0 ? 5 : 7);
      setStatus(into, status[1], at);
      into.messages = [[at, line.length]];
      into.benign = (into.facts.status ?? 0) < 400;
      return into;
    }
    if (line.startsWith("> ") || line === ">") return requestLine(line, into);
    if (line.startsWith("* ")) return remark(line, into);
    FIELD.lastIndex = 0;
    const field = FIELD.exec(line);
    if (!field || !KNOWN.test(field[1]!.toLowerCase())) return null;
    takeField(into, field[1]!.toLowerCase(), field[2]!.trim(), line.length - field[2]!.trimStart().length, line);
    return into;
  },
};

const TROUBLE =
  /fail|error|refused|timed out|reset|unreachable|alert|problem|empty reply|could not|unable|shut down|not closed/i;

/** What curl -v remarks: only what went wrong speaks. */
function remark(line: string, into: Reading): Reading {
  if (TROUBLE.test(line)) into.messages = [[2, line.length]];
  else into.benign = true;
  return into;
}

function requestLine(line: string, into: Reading): Reading {
  const rest = line.slice(2);
  if (/^[A-Z]+ \S+ HTTP/.test(rest)) setRequest(into.facts, rest);
  else if (/^host: /i.test(rest)) setFact(into.facts, "host", rest.slice(6).trim());
  into.benign = true;
  return into;
}

function takeField(into: Reading, name: string, value: string, at: number, line: string): void {
  const { facts } = into;
  into.benign = true;
  if (name === "server") {
    const known = SERVERS.find(([pattern]) => pattern.test(value));
    setFact(facts, "software", known?.[1]);
    setFact(facts, "version", known?.[0].exec(value)?.[1]);
    speak(into, line);
  } else if (name === "proxy-status") {
    const error = /;\s{0,4}error="?([a-z_]{3,60})/.exec(value);
    if (error) {
      const from = at + error.index + error[0].length - error[1]!.length;
      addCode(into, "proxy-status", error[1]!, from, from + error[1]!.length);
    }
    speak(into, line);
  } else if (name === "x-vercel-error") {
    facts.software = "vercel";
    addCode(into, "vercel-code", value, at, at + value.length);
    speak(into, line);
  } else if (name === "x-cache" || name === "via") speak(into, line);
  else if (/^(?:cf-ray|x-request-id|x-amzn-requestid|x-amz-cf-id|x-azure-ref|x-vercel-id|x-nf-request-id)$/.test(name))
    setFact(facts, "requestId", value);
}

/** Codes of gateways stand in the fields' own words ("server: awselb/2.0"). */
function speak(into: Reading, line: string): void {
  into.messages = [[line.startsWith("< ") ? 2 : 0, line.length]];
  into.benign = into.codes.length === 0;
}

/** The text shows a response's head. */
export function hasHead(text: string): boolean {
  if (/^(?:< )?HTTP\/\d(?:\.\d)? \d{3}(?:\s|$)/m.test(text)) return true;
  let fields = 0;
  for (const match of text.matchAll(/^(?:< )?([A-Za-z][\w-]{1,60}): ?\S/gm)) {
    if (KNOWN.test(match[1]!.toLowerCase()) && ++fields === 2) return true;
  }
  return false;
}
