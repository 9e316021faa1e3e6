// How messages are recognised. A template is text as printed, "…" stands for anything within the line; spaces match any
// run of blanks, case does not matter, and a template that begins or ends with a letter or digit does so at a word's edge.
// A code ({ code: "SH", of: "haproxy-state" }) counts only where a format's field, or a whole pasted text, says so.
import type { Match } from "./entry.ts";

/** The fields that codes are read from; the right side says what they are. */
export const CODE_FIELDS: Readonly<Record<string, string>> = {
  "haproxy-state": "first two letters of HAProxy's termination state",
  "envoy-flag": "Envoy's response flags",
  "envoy-detail": "Envoy's response code details",
  "proxy-status": "error type of a Proxy-Status field (RFC 9209)",
  "alb-error": "error_reason of an ALB access log, or the reason of a target's health",
  "nlb-error": "reason of a network load balancer",
  "gcp-detail": "statusDetails of a Google Cloud load balancer",
  "azure-error": "error_info or code of Application Gateway and Front Door",
  "cloudfront-result": "x-edge-detailed-result-type of CloudFront",
  "cloudflare-error": "number of a Cloudflare error page (520, 1016)",
  "apigw-error": "gateway response type of AWS API Gateway",
  "fastly-error": "reason of a Fastly error page or log",
  "heroku-code": "code= of Heroku's router and runtime (H12, R14)",
  "vercel-code": "code of a Vercel error page",
  "netlify-error": "text of a Netlify error",
  "ngrok-error": "ERR_NGROK number",
  "iis-substatus": "status.substatus of IIS (502.3)",
  "k8s-reason": "reason of a Kubernetes event, container state or condition",
  "exit-code": "exit code or signal of a process or container",
  "curl-code": "exit code of curl",
  errno: "name of a system error (ECONNREFUSED)",
  "node-code": "code of an error of Node or undici",
  "openssl-reason": "reason of an OpenSSL error",
  "tls-alert": "name or number of a TLS alert",
  "x509-error": "result of a certificate check",
  "apache-code": "AH number of Apache",
  "grpc-code": "status of gRPC",
  "http-status": "a status code in a field that holds one",
};

const WILDCARD_MAX = 600;

/** The regular expression of a template or a regex, without flags; null for codes. */
export function matchPattern(match: Match): string | null {
  if ("code" in match) return null;
  if ("regex" in match) return match.regex;
  const body = match.text
    .trim()
    .split("…")
    .map((literal) => literal.split(/\s+/).map(escapeRegex).join("\\s+"))
    .join(`[^\\n]{0,${WILDCARD_MAX}}?`);
  const open = /^\w/.test(match.text.trim()) ? "(?<!\\w)" : "";
  const close = /\w$/.test(match.text.trim()) ? "(?!\\w)" : "";
  return open + body + close;
}

/** What is wrong with a match, in words; null where nothing is. */
export function matchProblem(match: Match): string | null {
  if ("code" in match) {
    return match.of in CODE_FIELDS
      ? null
      : `matches: "of: ${match.of}": the fields are ${Object.keys(CODE_FIELDS).join(", ")}`;
  }
  if ("text" in match && !/[\p{L}\p{N}]{3}/u.test(match.text))
    return `matches: "${match.text}" is too short to mean anything`;
  if ("text" in match && match.text.split("…").length > 6) return `matches: "${match.text}" has more than five gaps`;
  try {
    new RegExp(matchPattern(match)!, "i");
    return null;
  } catch (error) {
    return `matches: ${(error as Error).message}`;
  }
}

/** Letters and digits that must stand in the text for a match to be possible, lower case; the longest first. */
export function matchWords(match: Match): string[] {
  if (!("text" in match)) return [];
  const words = match.text.toLowerCase().match(/[\p{L}\p{N}_]{2,}/gu) ?? [];
  return [...new Set(words)].toSorted((a, b) => b.length - a.length);
}

function escapeRegex(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\/]/g, "\\$&");
}
