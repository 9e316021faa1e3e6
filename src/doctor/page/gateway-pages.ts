// Pages and fields of gateways that people run themselves: HAProxy, Envoy, Caddy, Traefik, Apache, Varnish, Kong, IIS,
// Squid and Goodgate (nginx has a file of its own). Texts are matched whole or from the start, never somewhere in a
// page. What a text cannot tell apart is not claimed: HAProxy's 503 is the same for a server that refuses and for none
// that is up, Apache's "Error reading from remote server" the same for a close and for a timeout.
import type { CauseId } from "../../failure/causes.ts";
import { isCauseId } from "../../failure/causes.ts";
import { envoy } from "./envoy-replies.ts";
import { type Detector, explained, likely, oneLine, possible, proven } from "./fingerprint.ts";
import type { StatedCause } from "./model.ts";

const HAPROXY_PAGE = /^<html>\s*<body>\s*<h1>(\d{3}) [A-Za-z' -]{2,60}<\/h1>\s*([^<>]{5,160}?)\s*<\/body>\s*<\/html>$/;
/** Compiled into HAProxy; `errorfile` replaces them. */
const HAPROXY_TEXTS: Readonly<Record<string, (text: string) => StatedCause | null>> = {
  "Your browser sent an invalid request.": (text) => proven("client-request-invalid", text),
  "You need a valid user and password to access this content.": () => null,
  "Request forbidden by administrative rules.": (text) => proven("request-denied", text),
  "The resource could not be found.": () => null,
  "A request was made of a resource using a request method not supported by that resource": () => null,
  "Your browser didn't send a complete request in time.": (text) => proven("client-timeout", text),
  "The resource is no longer available and will not be available again.": () => null,
  "The request entity exceeds the maximum allowed.": (text) => proven("client-request-too-large", text),
  "Request sent to a non-authoritative server.": () => null,
  "Server unable to process content": () => null,
  "Your browser sent early data.": () => null,
  "You have sent too many requests in a given amount of time.": (text) => proven("rate-limited", text),
  "An internal server error occurred.": (text) => likely(text, "gateway-internal-error"),
  "The server does not support the functionality required to fulfill the request.": () => null,
  "The server returned an invalid or incomplete response.": (text) =>
    possible(text, "closed-before-response", "response-malformed", "response-header-too-large", "keepalive-race"),
  "No server is available to handle this request.": (text) =>
    possible(text, "no-healthy-upstream", "connect-refused", "connect-timeout", "pool-exhausted", "backend-absent"),
  "The server didn't respond in time.": (text) => proven("response-timeout", text),
};

export const haproxy: Detector = ({ body }) => {
  const match = HAPROXY_PAGE.exec(body);
  const text = match?.[2] ?? "";
  const stated = HAPROXY_TEXTS[text];
  if (!match || !stated) return null;
  return {
    software: "haproxy",
    certainty: "proven",
    reason: `the body is HAProxy's built-in ${match[1]} page`,
    stated: stated(text),
  };
};

/** Caddy answers with the status alone; what it passes on has a body, a type, another Server or its own Via. */
export const caddy: Detector = (seen) =>
  seen.status >= 400 &&
  seen.server === "caddy" &&
  seen.body === "" &&
  seen.type === "" &&
  !/\bcaddy\b/i.test(seen.field("via"))
    ? {
        software: "caddy",
        certainty: "likely",
        reason: `Server: Caddy with status ${seen.status} and an empty body: Caddy answers so itself`,
        stated: null,
      }
    : null;

/** The text alone, as Go's writer sends it, without what frameworks add. */
export const traefik: Detector = (seen) => {
  const plain =
    seen.type === "text/plain" && seen.server === "" && seen.field("x-powered-by") === "" && seen.field("etag") === "";
  if (!plain) return null;
  if (seen.status === 503 && /^no (?:available server|servers in the pool)$/.test(seen.body))
    return {
      software: "traefik",
      certainty: "likely",
      reason: `the body is Traefik's "${seen.body}"`,
      stated: proven("no-healthy-upstream", seen.body),
    };
  if (seen.status === 404 && seen.body === "404 page not found")
    return {
      software: "traefik",
      certainty: "possible",
      reason: 'the body is "404 page not found": Traefik without a router that fits, or any program in Go',
      stated: possible(seen.body, "route-not-found"),
    };
  const word = { 500: "Internal Server Error", 502: "Bad Gateway", 504: "Gateway Timeout" }[seen.status];
  if (word === undefined || seen.body !== word || seen.field("x-content-type-options") !== "") return null;
  return {
    software: "traefik",
    certainty: "likely",
    reason: `the body is "${word}" alone, as Traefik writes it`,
    stated: seen.status === 504 ? possible(word, "response-timeout", "connect-timeout") : null,
  };
};

const APACHE_PAGE =
  /^<!DOCTYPE HTML PUBLIC "-\/\/(?:IETF\/\/DTD HTML 2\.0|W3C\/\/DTD HTML 4\.01)\/\/EN"(?: "[^"]{1,80}")?>\s*<html>\s*<head>\s*<title>(\d{3}) [^<]{1,80}<\/title>\s*<\/head>\s*<body>\s*<h1>[^<]{1,80}<\/h1>\s*<p>[\s\S]{1,3500}<\/body>\s*<\/html>$/;
const APACHE_ADDRESS = /<address>([^<>]{0,200}?) ?(?:Proxy )?Server at [^\s<>]{1,255} Port \d{1,5}<\/address>/;

export const apache: Detector = (seen) => {
  const match = APACHE_PAGE.exec(seen.body);
  if (!match) return null;
  const named = /\bApache\b/.test(APACHE_ADDRESS.exec(seen.body)?.[1] ?? "");
  const own = named || /^apache\b/.test(seen.server);
  return {
    software: "apache",
    certainty: own ? "proven" : "likely",
    reason: `the body is Apache's ${match[1]} page${named ? " with its address line" : ""}`,
    stated: apacheStated(seen.body),
  };
};

function apacheStated(body: string): StatedCause | null {
  const reason = /Reason: <strong>([^<]{1,200})/.exec(body)?.[1];
  if (reason !== undefined) {
    if (/Error reading from remote server/.test(reason))
      return possible(reason, "closed-before-response", "response-timeout", "keepalive-race", "response-malformed");
    if (/DNS lookup failure/i.test(reason)) return proven("dns-not-resolved", oneLine(reason));
    return explained(`Reason: ${reason}`);
  }
  if (/<title>503 /.test(body))
    return possible(
      "503 Service Unavailable",
      "connect-refused",
      "connect-timeout",
      "no-healthy-upstream",
      "tls-handshake-failed",
    );
  if (/<title>504 /.test(body)) return possible("504 Gateway Timeout", "response-timeout", "connect-timeout");
  if (/speaking plain HTTP to an SSL-enabled server port/.test(body))
    return proven("tls-plaintext-mismatch", "speaking plain HTTP to an SSL-enabled server port");
  return null;
}

const VARNISH_PAGE =
  /<title>(\d{3}) ([^<]{0,200})<\/title>[\s\S]{0,600}<h1>Error \d{3} [^<]{0,200}<\/h1>[\s\S]{0,600}<h3>([^<]{1,80})<\/h3>\s*<p>([^<]{1,200})<\/p>[\s\S]{0,200}<p>Varnish cache server<\/p>/;

/** Varnish and Fastly have the page from one ancestor; Fastly names the cache. */
export const varnish: Detector = (seen) => {
  const match = VARNISH_PAGE.exec(seen.body);
  if (!match) return null;
  const [, status = "", words = "", , id = ""] = match;
  const fastly = /\bcache-[a-z]{2,4}\S/.test(id) || /\bcache-[a-z]{3}/.test(seen.field("x-served-by"));
  return {
    software: fastly ? "fastly" : "varnish",
    certainty: "proven",
    reason: `the body is the ${status} page of ${fastly ? "Fastly, with the cache's name" : 'Varnish ("Guru Meditation")'}`,
    stated: fastly ? fastlyStated(words) : varnishStated(words),
  };
};

const FETCH_FAILED: readonly CauseId[] = [
  "connect-refused",
  "closed-before-response",
  "response-timeout",
  "connect-timeout",
  "no-healthy-upstream",
  "response-malformed",
];

const varnishStated = (words: string): StatedCause | null =>
  /^Backend fetch failed$/i.test(words) ? possible(words, ...FETCH_FAILED) : null;

/** What Fastly's page says, which is one of its fixed reasons or a text of the service's own code. */
export function fastlyStated(words: string): StatedCause | null {
  return /^Backend fetch failed$/i.test(words) ? possible(words, ...FETCH_FAILED) : explained(`Fastly error: ${words}`);
}

/** What Kong's proxy phase says; in front stands JSON, HTML or plain text, by Accept. */
const KONG_TEXTS: readonly (readonly [text: string, stated: (text: string) => StatedCause | null])[] = [
  ["no Route matched with those values", (text) => proven("route-not-found", text)],
  [
    "An invalid response was received from the upstream server",
    (text) => possible(text, "connect-refused", "closed-before-response", "response-malformed", "keepalive-race"),
  ],
  ["The upstream server is timing out", (text) => possible(text, "response-timeout", "connect-timeout")],
  ["The upstream server is currently unavailable", () => null],
  ["failure to get a peer from the ring-balancer", (text) => likely(text, "no-healthy-upstream", "backend-absent")],
  ["name resolution failed", (text) => likely(text, "dns-not-resolved", "dns-timeout")],
  ["no Service found with those values", (text) => proven("gateway-config-invalid", text)],
  ["An unexpected error occurred", () => null],
];

export const kong: Detector = (seen) => {
  if (seen.status < 400) return null;
  const marked =
    /^kong\b/.test(seen.server) ||
    seen.field("x-kong-response-latency") !== "" ||
    seen.field("x-kong-request-id") !== "";
  const found = KONG_TEXTS.find(([text]) => seen.body.length < 2000 && seen.body.includes(text));
  const own = seen.field("x-kong-response-latency") !== "" && seen.field("x-kong-upstream-latency") === "";
  if (!(found && marked) && !own) return null;
  return {
    software: "kong",
    certainty: "proven",
    reason: own
      ? "X-Kong-Response-Latency without X-Kong-Upstream-Latency: Kong answered itself"
      : `the body is Kong's "${found?.[0]}"`,
    stated: found ? found[1](found[0]) : null,
  };
};

export const iis: Detector = (seen) => {
  if (seen.status < 400) return null;
  const { body } = seen;
  const sys =
    /^<!DOCTYPE HTML[^>]{0,200}>\s*<HTML>\s*<HEAD>\s*<TITLE>[^<]{1,80}<\/TITLE>[\s\S]{0,200}<BODY>\s*<h2>[^<]{1,80}<\/h2>\s*<hr>\s*<p>HTTP Error (\d{3})\. ([^<]{1,120})<\/p>/i.exec(
      body,
    );
  if (sys) {
    const pool = sys[1] === "503";
    const stated = pool
      ? likely("HTTP Error 503 of HTTP.sys: its application pool is stopped", "backend-absent", "app-crashed")
      : null;
    return {
      software: "iis",
      certainty: "proven",
      reason: `the body is the ${sys[1]} page of HTTP.sys, the listener below IIS`,
      stated,
    };
  }
  const detailed =
    /<title>(?:IIS \d{1,2}\.\d Detailed Error - )?(?:HTTP Error )?(\d{3}(?:\.\d{1,2})?) - ([^<]{1,160})<\/title>/i.exec(
      body,
    );
  const own =
    /IIS \d{1,2}\.\d Detailed Error|Microsoft Internet Information Services|Web server received an invalid response|<h1>Server Error<\/h1>|\bANCM\b|ASP\.NET Core/i.test(
      body,
    );
  if (!detailed || !(own || /^microsoft-iis\//.test(seen.server))) return null;
  return {
    software: "iis",
    certainty: own ? "proven" : "likely",
    reason: `the body is IIS's page "${oneLine(detailed[0])}"`,
    stated: iisStated(body, detailed[1] ?? ""),
  };
};

/** 502.3 is any failure of the connection to the application; the error code of WinHTTP says which, where it is shown. */
function iisStated(body: string, code: string): StatedCause | null {
  const win = /\b0x8007[0-9a-f]{4}\b/i.exec(body)?.[0];
  const exact = win === undefined ? null : explained(win.toLowerCase());
  if (exact) return exact;
  if (code === "502.3") return possible("502.3", "connect-refused", "response-timeout", "closed-before-response");
  return explained(`HTTP Error ${code}`);
}

const SQUID_ERRORS: Readonly<Record<string, readonly CauseId[]>> = {
  ERR_CONNECT_FAIL: ["connect-refused", "connect-timeout", "network-unreachable"],
  ERR_DNS_FAIL: ["dns-not-resolved", "dns-timeout"],
  ERR_READ_TIMEOUT: ["response-timeout"],
  ERR_READ_ERROR: ["closed-before-response", "connect-refused"],
  ERR_WRITE_ERROR: ["upstream-write-failed"],
  ERR_ZERO_SIZE_OBJECT: ["closed-before-response"],
  ERR_INVALID_RESP: ["response-malformed"],
  ERR_TOO_BIG: ["client-request-too-large"],
  ERR_ACCESS_DENIED: ["request-denied"],
  ERR_CANNOT_FORWARD: ["no-healthy-upstream"],
  ERR_SECURE_CONNECT_FAIL: ["tls-handshake-failed", "tls-cert-untrusted"],
  ERR_INVALID_URL: ["client-request-invalid"],
};

export const squid: Detector = (seen) => {
  const code = /^(ERR_[A-Z_]{3,40})(?: (\d{1,4}))?/.exec(seen.field("x-squid-error"));
  const page = /Generated [^<\n]{1,80} by ([\w.-]{1,255}) \(squid/.exec(seen.body);
  const own = /<title>ERROR: |\bsquid\//i.test(`${seen.body.slice(0, 1000)} ${seen.server}`);
  if (!code && !(page && own)) return null;
  const causes = SQUID_ERRORS[code?.[1] ?? ""];
  const text = `X-Squid-Error: ${code?.[1]}`;
  return {
    software: "squid",
    certainty: "proven",
    reason: code ? text : "the body is Squid's error page",
    stated: !causes ? null : causes.length === 1 ? likely(text, ...causes) : possible(text, ...causes),
  };
};

/** Goodgate's four forms, where its Proxy-Status was taken away on the path. */
export const goodgate: Detector = ({ body, type }) => {
  const problem = type.includes("json") && /"instance": ?"urn:goodgate:request:/.test(body);
  const cause =
    /(?:^|\n)(?:- )?Cause: (?:`|\\`)?([a-z0-9-]{3,60})/.exec(body)?.[1] ??
    /"cause": ?"([a-z0-9-]{3,60})"/.exec(body)?.[1];
  const text = /^(?:# )?\d{3} [A-Z][^\n]{1,60}\n\n[\s\S]*\n(?:- )?Cause: [^\n]+\n(?:- )?Request id: /.test(body);
  if (!problem && !text) return null;
  return {
    software: "goodgate",
    certainty: "proven",
    reason: "the body is Goodgate's, with its cause and request id",
    stated: cause !== undefined && isCauseId(cause) ? proven(cause, `cause: ${cause}`) : null,
  };
};

/** In the order in which they are asked. */
export const GATEWAY_PAGES: readonly Detector[] = [
  goodgate,
  haproxy,
  envoy,
  varnish,
  apache,
  kong,
  squid,
  iis,
  traefik,
  caddy,
];
