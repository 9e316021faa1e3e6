// Everything in a text that speaks for a class: codes in their fields, messages of products, phrases of systems, statuses.
import type { CauseId } from "../failure/causes.ts";
import type { EntryCard } from "../knowledge/entry.ts";
import { conceptHits } from "./concepts.ts";
import type { Facts, Range } from "./explanation.ts";
import { classOfErrno, type GenericHit, genericHits } from "./generic.ts";
import type { Code, Recognised } from "./recognised.ts";
import type { Evidence, Tier } from "./resolve.ts";
import { cardsOfCode, findMessages, type Signatures } from "./signatures.ts";

/** Products that print each other's messages: left is the format, right what counts as its own. */
const FAMILIES: Readonly<Record<string, readonly string[]>> = {
  "ingress-nginx": ["nginx", "kubernetes"],
  openresty: ["nginx"],
  kong: ["nginx"],
  tengine: ["nginx"],
  istio: ["envoy"],
  node: ["undici", "http-proxy", "fastify", "openssl"],
  undici: ["node", "openssl"],
  "http-proxy": ["node", "openssl"],
  "http-proxy-middleware": ["http-proxy", "node", "openssl"],
  vite: ["http-proxy", "node"],
  traefik: ["go"],
  caddy: ["go"],
  cloudflared: ["go", "cloudflare"],
  kubernetes: ["go", "linux", "ingress-nginx"],
  curl: ["openssl"],
  fastly: ["varnish", "openssl"],
  gunicorn: ["linux"],
  systemd: ["linux"],
  kernel: ["linux"],
  docker: ["linux", "kubernetes"],
  heroku: ["node", "gunicorn", "unicorn", "puma", "rack", "uvicorn", "uwsgi", "php-fpm", "linux"],
};

/** All of it, unsorted. */
export function evidenceOf(signatures: Signatures, text: string, recognised: Recognised): Evidence[] {
  const { facts, codes, benign } = recognised;
  // A document of fields that no format knows speaks in all of them.
  const isUnknownRecord = recognised.messages.length === 0 && !benign && text.startsWith("{");
  const messages: readonly Range[] = isUnknownRecord ? [[0, text.length]] : recognised.messages;
  return [
    ...namedEvidence(signatures, text, facts),
    ...messageEvidence(signatures, text, messages, facts),
    ...codes.flatMap((code) => codeEvidence(signatures, code, facts, text)),
    ...statusEvidence(signatures, text, recognised),
    ...phraseEvidence(genericHits(text, messages, facts), "generic"),
    ...phraseEvidence(conceptHits(text, messages, facts), "concept"),
  ];
}

function phraseEvidence(hits: readonly GenericHit[], tier: Tier): Evidence[] {
  return hits.map(({ class: of, range, what }) => ({
    class: of,
    card: null,
    pieces: [range],
    range,
    tier,
    weight: what.length,
    what: `"${what}" is how such a failure is said.`,
  }));
}

/** A line or an error body of a Goodgate: it says its cause itself. */
function namedEvidence(signatures: Signatures, text: string, { cause }: Facts): Evidence[] {
  if (cause === undefined) return [];
  const at = text.indexOf(cause);
  const range: Range = at < 0 ? [0, text.length] : [at, at + cause.length];
  const card = signatures.cards.get(`cause/${cause}`) ?? null;
  return [
    {
      class: cause,
      card,
      pieces: [range],
      range,
      tier: "named",
      weight: cause.length,
      what: `The gateway named the cause: ${cause}.`,
    },
  ];
}

function messageEvidence(signatures: Signatures, text: string, parts: readonly Range[], facts: Facts): Evidence[] {
  return findMessages(signatures, text, parts, facts.software).map(({ card, pieces, weight }) => {
    const range: Range = [pieces[0]![0], pieces.at(-1)![1]];
    const what = `"${excerpt(text, range)}" is ${card.software ? `a message of ${card.software}` : "a text of the reference"}.`;
    return { class: card.class ?? "status-only-502", card, pieces, range, tier: tierOf(card, facts), weight, what };
  });
}

function tierOf(card: EntryCard, { software }: Facts): Tier {
  if (card.kind === "status") return "status";
  if (card.software === null) return "generic";
  if (software === undefined || software === card.software) return "own";
  return FAMILIES[software]?.includes(card.software) ? "family" : "other";
}

function codeEvidence(signatures: Signatures, code: Code, facts: Facts, text: string): Evidence[] {
  const common = {
    pieces: [code.range],
    range: code.range,
    weight: code.code.length + CODE_WEIGHT,
    what: `${excerpt(text, code.range)} (${code.of}).`,
  };
  // Any program can end with a status; it is about an application only where a supervisor says so.
  if (code.of === "exit-code" && facts.software === undefined) return [];
  const cards = cardsOfCode(signatures, code.of, code.code);
  if (cards.length > 0)
    return cards.map((card) => ({ ...common, class: classFor(card, code, facts), card, tier: tierOfCode(card, code) }));
  const of = code.of === "errno" ? classOfErrno(code.code, facts) : null;
  return of ? [{ ...common, class: of, card: null, tier: "generic" }] : [];
}

/** A status by itself: its entry and the question "which hop?". The same status from the upstream: that hop. */
function statusEvidence(signatures: Signatures, text: string, { facts, codes, messages }: Recognised): Evidence[] {
  // Most lines are of answers that went well: nothing to look for.
  if (facts.status !== undefined && facts.status < 400) return [];
  const found = statusIn(text, { facts, codes, messages });
  if (!found || found.status < 400) return [];
  const { status, range } = found;
  const card = pageCard(signatures, facts.software, status) ?? signatures.cards.get(`status/${status}`) ?? null;
  const common = { pieces: [range], range, weight: 3, what: `${excerpt(text, range)} is a status.` };
  const defined = DEFINED[status];
  const alone: Evidence = {
    ...common,
    class: defined ?? "status-only-502",
    card,
    tier: defined ? "generic" : "status",
  };
  if (facts.upstreamStatus !== status || status < 500 || isOwnVerdict(facts, status)) return [alone];
  const what = `The upstream itself answered ${status}.`;
  return [alone, { ...common, class: "upstream-error-passthrough", card: null, tier: "code", what }];
}

/** nginx enters 502 and 504 as the upstream's status also where it made them itself. */
function isOwnVerdict({ software, format }: Facts, status: number): boolean {
  return (status === 502 || status === 504) && /nginx|openresty|kong|tengine/.test(`${software} ${format}`);
}

/** Numbers that one product made for one cause: they say it by themselves. */
const DEFINED: Readonly<Record<number, CauseId>> = {
  444: "request-denied",
  460: "client-closed-request",
  494: "client-request-too-large",
  495: "request-denied",
  496: "request-denied",
  497: "client-request-invalid",
  499: "client-closed-request",
  521: "connect-refused",
  522: "connect-timeout",
  523: "network-unreachable",
  524: "response-timeout",
  525: "tls-handshake-failed",
  526: "tls-cert-untrusted",
};

/** The entry of a product's own bare page for the status. */
function pageCard({ cards }: Signatures, software: string | undefined, status: number): EntryCard | undefined {
  return software === undefined ? undefined : cards.get(`message/${software}/page-${status}`);
}

const STATUS_WORDS =
  /\b(?:HTTP(?:\/[\d.]+)?(?: error| status)?|status(?: ?code)?|error(?: code)?|code|returned|response)\s{0,3}(?:is|was|of)?\s{0,3}[:=]?\s{0,3}"?([45]\d\d)\b|\b([45]\d\d)\b[\s:"-]{1,3}(?:Bad Gateway|Gateway Time-?out|Service (?:Temporarily )?Unavailable|Internal Server Error|Not Found|Forbidden|Bad Request|Unauthorized|Too Many Requests)/i;

function statusIn(
  text: string,
  { facts, codes, messages }: Omit<Recognised, "format" | "benign">,
): { status: number; range: Range } | null {
  const code = codes.find(({ of }) => of === "http-status");
  if (code) return { status: Number(code.code), range: code.range };
  if (facts.status !== undefined) {
    const at = Math.max(0, text.search(new RegExp(`\\b${facts.status}\\b`)));
    return { status: facts.status, range: [at, at + String(facts.status).length] };
  }
  for (const [start, end] of messages) {
    const found = STATUS_WORDS.exec(text.slice(start, end));
    if (!found) continue;
    const at = start + found.index;
    return { status: Number(found[1] ?? found[2]), range: [at, at + found[0].length] };
  }
  return null;
}

/** A code in its field says more than as many letters of free text. */
const CODE_WEIGHT = 8;

function tierOfCode(card: EntryCard, code: Code): Tier {
  if (card.kind === "status") return "status";
  if (code.of === "http-status" || code.of === "errno") return "generic";
  return "code";
}

/** An errno means what its phase makes of it, whatever the general entry says. */
function classFor(card: EntryCard, code: Code, facts: Facts): Evidence["class"] {
  const byPhase =
    code.of === "errno" && (facts.phase !== undefined || facts.side === "client")
      ? classOfErrno(code.code, facts)
      : null;
  return byPhase ?? card.class ?? "status-only-502";
}

function excerpt(text: string, [start, end]: Range): string {
  const words = text.slice(start, end).replace(/\s+/g, " ");
  return words.length <= 90 ? words : `${words.slice(0, 60)} … ${words.slice(-25)}`;
}
