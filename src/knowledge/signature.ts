// How messages are recognised. A template is text as printed, "…" stands for anything within the line. Case does not
// matter, blanks beside punctuation do not either (pasted lines are wrapped and mangled), and a template that begins or
// ends with a letter or digit does so at a word's edge. Its pieces between the gaps are looked for one behind the other,
// so the time is linear whatever was pasted. A code ({ code: "SH", of: "haproxy-state" }) counts only where a format's
// field, or a whole pasted text, says so.
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

const GAPS_MAX = 6;

/** From where to where, half-open. */
export type Piece = readonly [start: number, end: number];

/** Looks for a message in a text. */
export interface Finder {
  /** Where its pieces stand within text[start, end), in order; null = it is not there. */
  find(text: string, start: number, end: number): readonly Piece[] | null;
  /** A word, in lower case, that any text with this message has; null = none is sure. */
  readonly words: readonly string[];
  /** Letters and digits that are given, the measure of how specific it is. */
  readonly weight: number;
  readonly isRegex: boolean;
}

/** Of templates and regular expressions; null for codes. */
export function finderOf(match: Match): Finder | null {
  if ("code" in match) return null;
  return "regex" in match ? regexFinder(match.regex) : templateFinder(match.text);
}

/** What is wrong with a match, in words; null where nothing is. */
export function matchProblem(match: Match): string | null {
  if ("code" in match) {
    if (match.of in CODE_FIELDS) return null;
    return `matches: "of: ${match.of}": the fields are ${Object.keys(CODE_FIELDS).join(", ")}`;
  }
  if ("text" in match && !/[\p{L}\p{N}]{3}/u.test(match.text)) return `matches: "${match.text}" is too short to decide`;
  if ("text" in match && match.text.split("…").length > GAPS_MAX + 1)
    return `matches: "${match.text}" has more than ${GAPS_MAX} gaps`;
  try {
    finderOf(match)?.find("", 0, 0);
    if ("regex" in match) new RegExp(match.regex, "i");
    return null;
  } catch (error) {
    return `matches: ${(error as Error).message}`;
  }
}

function regexFinder(source: string): Finder {
  let regex: RegExp | null = null;
  const find: Finder["find"] = (text, start, end) => {
    regex ??= new RegExp(source, "i");
    const found = regex.exec(text.slice(start, end));
    return found && found[0].length > 0 ? [[start + found.index, start + found.index + found[0].length]] : null;
  };
  return { find, words: [], weight: source.replace(/\\[a-z]|[^\p{L}\p{N}]/giu, "").length, isRegex: true };
}

/** Patterns are compiled when they are first looked for: of thousands, a text needs a handful. */
function templateFinder(template: string): Finder {
  const pieces = piecesOf(template);
  let patterns: readonly RegExp[] | null = null;
  const find: Finder["find"] = (text, start, end) => {
    patterns ??= pieces.map(({ words, before, behind }) => new RegExp(piecePattern(words, before, behind), "giu"));
    let from = start;
    while (from < end) {
      const found = findPieces(patterns, text, from, end);
      if (typeof found !== "number") return found;
      from = found;
    }
    return null;
  };
  const weight = template.replace(/[^\p{L}\p{N}]/gu, "").length;
  return { find, words: wholeWords(pieces), weight, isRegex: false };
}

interface TemplatePiece {
  readonly words: string;
  /** At this side a word of the piece is a whole one: the template's edge, or a blank before the gap. */
  readonly before: boolean;
  readonly behind: boolean;
}

function piecesOf(template: string): TemplatePiece[] {
  const parts = template.trim().split("…");
  return parts
    .map((part, index) => ({
      words: part.trim(),
      before: index === 0 || /^\s/.test(part),
      behind: index === parts.length - 1 || /\s$/.test(part),
    }))
    .filter(({ words }) => words !== "");
}

/** The words that a text with these pieces has for sure, in lower case. */
function wholeWords(pieces: readonly TemplatePiece[]): string[] {
  const sure = pieces.flatMap(({ words, before, behind }) =>
    [...words.toLowerCase().matchAll(WORD)]
      .filter(({ index, 0: word }) => (before || index > 0) && (behind || index + word.length < words.length))
      .map(([word]) => word),
  );
  return [...new Set(sure)];
}

/** Words as the finders count them. */
export const WORD = /[\p{L}\p{N}_]+/gu;

/** All pieces in one line; else where to go on looking. */
function findPieces(patterns: readonly RegExp[], text: string, from: number, end: number): Piece[] | number {
  const pieces: Piece[] = [];
  let at = from;
  for (const pattern of patterns) {
    pattern.lastIndex = at;
    const found = pattern.exec(text);
    if (!found || found.index + found[0].length > end) return end;
    if (pieces.length > 0) {
      const lineEnd = text.indexOf("\n", at);
      if (lineEnd >= 0 && lineEnd < found.index) return lineEnd + 1;
    }
    at = found.index + found[0].length;
    pieces.push([found.index, at]);
  }
  return pieces;
}

/** Words stand apart by blanks; beside punctuation blanks may be or not. */
function piecePattern(piece: string, wordBefore: boolean, wordBehind: boolean): string {
  const tokens = piece.match(/[\p{L}\p{N}_]+|[^\p{L}\p{N}_\s]|\s+/gu) ?? [];
  let pattern = "";
  let previous = "";
  for (const token of tokens) {
    if (/^\s/.test(token)) {
      if (previous !== "") previous += " ";
      continue;
    }
    const isWord = /^[\p{L}\p{N}_]/u.test(token);
    if (previous !== "") pattern += isWord && /[\p{L}\p{N}_] $/u.test(previous) ? "\\s+" : "\\s*";
    pattern += token.replace(/[.*+?^${}()|[\]\\/]/g, "\\$&");
    previous = token;
  }
  const open = wordBefore && /^[\p{L}\p{N}_]/u.test(piece) ? "(?<![\\p{L}\\p{N}_])" : "";
  const close = wordBehind && /[\p{L}\p{N}_]$/u.test(piece) ? "(?![\\p{L}\\p{N}_])" : "";
  return open + pattern + close;
}
