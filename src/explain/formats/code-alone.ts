// A paste of one token: "502", "H12", "ECONNREFUSED", "UF", "SH--", "1016", "AH01102". It becomes a code of every field in
// which such a token can stand; which of them mean something is for the reference to say.
import { errnoOfNumber, isErrnoName } from "./errno.ts";
import { addCode, type Reading, reading, setFact } from "./format.ts";

const SHAPES: readonly (readonly [pattern: RegExp, fields: readonly string[]])[] = [
  [/^[1-5]\d\d$/, ["http-status"]],
  [/^(?:5[23]\d|1[0-2]\d\d)$/, ["cloudflare-error"]],
  [/^\d{1,2}$/, ["curl-code"]],
  [/^(?:1?\d?\d|2[0-4]\d|25[0-5])$/, ["exit-code", "tls-alert"]],
  [/^\d{1,2}$/, ["grpc-code"]],
  [/^[CSPLRIDKUcs-][RQCHDLT-](?:[A-Z-]{2})?$/, ["haproxy-state"]],
  [/^[A-Z]{2,6}$/, ["envoy-flag"]],
  [/^[HRL]\d\d$/i, ["heroku-code"]],
  [/^AH\d{5}$/i, ["apache-code"]],
  [/^[45]\d\d\.\d{1,2}$/, ["iis-substatus"]],
  [/^ERR_NGROK_\d+$/i, ["ngrok-error"]],
  [/^SIG[A-Z]{2,6}$|^oom-kill$/, ["exit-code"]],
  [
    /^[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+$/,
    ["node-code", "vercel-code", "x509-error", "azure-error", "apigw-error", "grpc-code", "openssl-reason"],
  ],
  [/^[A-Z]{4,30}$/, ["grpc-code", "node-code"]],
  [
    /^[a-z][a-z0-9]*(?:_[a-z0-9]+)+(?:\{[^}]*\})?$/,
    ["envoy-detail", "proxy-status", "gcp-detail", "tls-alert", "netlify-error"],
  ],
  [
    /^[A-Z][A-Za-z]{3,60}(?:\.[A-Z][A-Za-z]{3,60})?$/,
    ["k8s-reason", "alb-error", "cloudfront-result", "azure-error", "apigw-error", "grpc-code"],
  ],
];

/** Wrappers of a number or a name that do not change what it is: "HTTP 502", "error 1016", "(52)", "AH01102:". */
const DECORATED = /^(?:https?|error|err|status|code|exit code|statuscode|curl)?[\s:=#(]{0,3}([\w.{},-]{2,80}?)[):.]?$/i;

/** Texts of more than a word that stand for themselves on a page of Netlify. */
const NETLIFY = /^(?:This function has crashed|Inactivity Timeout|Site not found|Page not found)\.?$/i;

/** Reads a text that is one token; null = it is more. */
export function readCodeAlone(text: string): Reading | null {
  const trimmed = text.trim();
  if (trimmed.length > 100 || trimmed === "") return null;
  if (NETLIFY.test(trimmed)) {
    const page = reading(null);
    page.messages = [[0, text.length]];
    addCode(page, "netlify-error", trimmed.replace(/\.$/, ""), 0, text.length);
    return page;
  }
  const token = /^[\w.{},-]+$/.test(trimmed) ? trimmed : DECORATED.exec(trimmed)?.[1];
  if (token === undefined) return null;
  const at = text.lastIndexOf(token);
  const into = reading(null);
  into.messages = [[0, text.length]];
  if (/^[A-Z]{2,6}(?:,[A-Z]{2,6})+$/.test(token)) addFlags(into, token, at);
  for (const [pattern, fields] of SHAPES) {
    if (!pattern.test(token)) continue;
    for (const of of fields)
      addCode(into, of, of === "openssl-reason" ? reasonOf(token) : token, at, at + token.length);
  }
  addDerived(into, token, at);
  if (into.codes.length === 0) return null;
  if (into.codes.some(({ of }) => of === "http-status")) setFact(into.facts, "status", Number(token));
  return into;
}

const reasonOf = (token: string): string =>
  token
    .replace(/^ERR_SSL_/, "")
    .toLowerCase()
    .replaceAll("_", " ");

function addFlags(into: Reading, token: string, start: number): void {
  let at = start;
  for (const flag of token.split(",")) {
    addCode(into, "envoy-flag", flag, at, at + flag.length);
    at += flag.length + 1;
  }
  into.facts.flags = token.split(",");
}

function addDerived(into: Reading, token: string, at: number): void {
  const end = at + token.length;
  if (isErrnoName(token)) {
    setFact(into.facts, "errno", token);
    addCode(into, "errno", token, at, end);
    addCode(into, "node-code", token, at, end);
  }
  if (/^-?\d{2,5}$/.test(token)) {
    const name = errnoOfNumber(Number(token));
    if (name !== undefined) addCode(into, "errno", name, at, end);
  }
  if (/^[CSPLRIDKUcs][RQCHDLT]--$/.test(token)) {
    into.facts.terminationState = token;
    addCode(into, "haproxy-state", token.slice(0, 2), at, at + 2);
  }
  const brace = token.indexOf("{");
  if (brace > 0) addCode(into, "envoy-detail", token.slice(0, brace), at, at + brace);
}
