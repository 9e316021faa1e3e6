// The evidence of one target as tables: DNS, TCP, TLS, HTTP, then responses as they came. Failures are in the words of
// the failure table.
import { sentence } from "../../failure/describe.ts";
import type { Failure } from "../../failure/failure.ts";
import type { DnsEvidence, HttpTry, TargetEvidence, TlsEvidence } from "../evidence.ts";
import { SOFTWARE } from "../software.ts";
import type { Block, Section, Timing } from "./page.ts";
import { counted, listed, plainItem, rowsOf, size, span, spotText, timeOfDay } from "./words.ts";

const RESPONSES_SHOWN = 4;
const EXCERPT_MAX = 1200;
const TIMINGS_MAX = 24;

/** The section of a target. */
export function targetSection(seen: TargetEvidence, index: number): Section {
  const { target, dns, tcp, tls, http, redirects, idle, requests } = seen;
  const at = target.role === "url" ? `${target.scheme}://${target.host}` : spotText(target.spot);
  const heading = target.id.includes(at) ? `Evidence: ${target.id}` : `Evidence: ${target.id} (${at})`;
  const about = `${counted(requests, "request")} with Host ${target.host}${target.serverName === null ? "" : `, SNI ${target.serverName}`}.`;
  const blocks: Block[] = [
    { kind: "text", text: about },
    ...(dns === null ? [] : dnsBlocks(dns)),
    ...rowsOf(
      "TCP",
      ["Address", "Tries", "Result"],
      tcp.map(({ address, tries }) => [
        address,
        String(tries.length),
        alike(tries.map(({ failure, tookMs }) => result(failure, tookMs))),
      ]),
    ),
    ...tls.flatMap(tlsBlocks),
    ...httpBlocks(http),
    ...rowsOf(
      "Idle connections",
      ["Address", "Said", "Closed", "Watched for"],
      idle.map(({ address, saidMs, closedAfterMs, closedBy, watchedMs }) => [
        address,
        saidMs === null ? "nothing" : span(saidMs),
        closedAfterMs === null ? "still open" : `after ${span(closedAfterMs)} (${(closedBy ?? "fin").toUpperCase()})`,
        span(watchedMs),
      ]),
    ),
  ];
  if (redirects !== null)
    blocks.push({
      kind: "text",
      text: `Redirects${redirects.loop ? " in a loop" : ""}: ${redirects.urls.join(" → ")}`,
    });
  return { id: `target-${index + 1}`, heading, blocks, depth: "evidence", itemsMax: null };
}

const say = (failure: Failure): string => `${failure.cause}: ${sentence(failure, { showDetail: true })}`;

const result = (failure: Failure | null, tookMs: number): string => (failure === null ? span(tookMs) : say(failure));

/** Each once, with how often it came. */
function alike(results: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const each of results) counts.set(each, (counts.get(each) ?? 0) + 1);
  return [...counts].map(([each, count]) => (count === 1 ? each : `${count} times ${each}`)).join("; ");
}

function dnsBlocks({ name, system, servers }: DnsEvidence): Block[] {
  const rows = [
    [
      "this machine",
      "",
      system.failure === null ? system.addresses.join(", ") : say(system.failure),
      "",
      span(system.tookMs),
    ],
    ...servers.flatMap(({ server, given, answers }) =>
      answers.map(({ type, rcode, records, failure, tookMs }) => [
        `${server}${given ? " (given)" : ""}`,
        type,
        failure === null
          ? records.map(({ value, ttlSeconds }) => `${value} (${ttlSeconds} s)`).join(", ") || "none"
          : say(failure),
        rcode ?? "no answer",
        span(tookMs),
      ]),
    ),
  ];
  return rowsOf(`DNS of ${name}`, ["Asked", "Type", "Answer (TTL)", "Code", "Took"], rows);
}

function tlsBlocks({ address, tries, otherWay }: TlsEvidence): Block[] {
  const rows = tries.map(({ what, serverName, protocol, cipher, alpn, failure, untrusted, tookMs }) => [
    what,
    serverName ?? "none",
    [protocol, cipher, alpn].filter((part) => part !== null).join(" "),
    failure !== null ? say(failure) : untrusted !== null ? say(untrusted) : "trusted",
    span(tookMs),
  ]);
  const [first] = tries.filter(({ chain }) => chain.length > 0);
  const chain = (first?.chain ?? []).map(({ subject, issuer, names, notBeforeMs, notAfterMs, fingerprint }) => [
    subject,
    issuer,
    names.slice(0, 12).join(" ") + (names.length > 12 ? ` and ${names.length - 12} more` : ""),
    `${timeOfDay(notBeforeMs)} to ${timeOfDay(notAfterMs)}`,
    fingerprint,
  ]);
  const blocks = [
    ...rowsOf(`TLS at ${address}`, ["Handshake", "SNI", "Agreed", "Result", "Took"], rows),
    ...rowsOf(`Certificates of ${address}`, ["Subject", "Issuer", "Names", "Valid", "Fingerprint"], chain),
  ];
  if (otherWay !== null) {
    const asked = otherWay.asked === "plain-http" ? "A plain HTTP request" : "A ClientHello";
    const status = otherWay.status === null ? "" : ` (${otherWay.status})`;
    blocks.push({
      kind: "text",
      text: `${asked} to ${address} was answered with ${otherWay.answered === "other" ? "something else" : otherWay.answered}${status}.`,
    });
  }
  return blocks;
}

function httpBlocks(http: readonly HttpTry[]): Block[] {
  const rows = http.map((each) => [
    each.what,
    each.address,
    `${each.method} ${each.protocol}${each.reused ? `, reused${each.idleMs === null ? "" : ` after ${span(each.idleMs)}`}` : ""}`,
    answerText(each),
    span(each.timings.totalMs),
    makerText(each),
    each.requestId,
  ]);
  return [
    ...rowsOf("HTTP", ["Try", "Address", "Request", "Answer", "Took", "Made by", "X-Request-Id"], rows),
    ...makerBlocks(http),
    ...differing(http).map(responseBlock),
  ];
}

function answerText({ status, reason, failure, bodyBytes }: HttpTry): string {
  const head = status === null ? "" : `${status} ${reason}`.trim();
  if (failure !== null) return head === "" ? say(failure) : `${head}, then ${say(failure)}`;
  return head === "" ? "nothing" : `${head}, ${size(bodyBytes)}`;
}

function makerText({ page }: HttpTry): string {
  if (page === null || page.madeBy === null) return "";
  return `${SOFTWARE[page.madeBy]?.name ?? page.madeBy} (${page.certainty})`;
}

/** Why a response is held to be of its maker, each reason once. */
function makerBlocks(http: readonly HttpTry[]): Block[] {
  const reasons = new Set<string>();
  for (const { page } of http) {
    if (page === null) continue;
    if (page.madeBy !== null && page.reasons.length > 0)
      reasons.add(`${SOFTWARE[page.madeBy]?.name ?? page.madeBy}, ${page.certainty}: ${listed(page.reasons)}.`);
    if (page.passed.length > 0)
      reasons.add(
        `Passed: ${page.passed.map(({ software, mark }) => `${SOFTWARE[software]?.name ?? software} (${mark})`).join(", ")}.`,
      );
  }
  return reasons.size === 0 ? [] : [{ kind: "items", items: [...reasons].map((text) => plainItem(text)) }];
}

/** Responses that are not alike, the first of each kind. */
function differing(http: readonly HttpTry[]): HttpTry[] {
  const kinds = new Map<string, HttpTry>();
  for (const each of http) {
    const kind = `${each.address} ${each.status} ${each.bodyHash}`;
    if (each.status !== null && !kinds.has(kind)) kinds.set(kind, each);
  }
  return [...kinds.values()].slice(0, RESPONSES_SHOWN);
}

function responseBlock({ protocol, status, reason, fields, excerpt, what, address, bodyBytes }: HttpTry): Block {
  const version = protocol === "h2" ? "HTTP/2" : "HTTP/1.1";
  const head = [`${version} ${status} ${reason}`.trim(), ...fields.map(([name, value]) => `${name}: ${value}`)].join(
    "\n",
  );
  const body = excerpt.length > EXCERPT_MAX ? `${excerpt.slice(0, EXCERPT_MAX)}…` : excerpt;
  return {
    kind: "config",
    language: "http",
    text: `# ${what}, ${address}, body of ${size(bodyBytes)}\n${head}\n\n${body}`,
    file: null,
  };
}

/** Bars for each request that was measured. */
export function timingsOf(targets: readonly TargetEvidence[]): Block[] {
  const timings = targets.flatMap(({ target, dns, http }) =>
    http.map((each): Timing => timingOf(each, target.id, dns)),
  );
  return timings.length === 0 ? [] : [{ kind: "timings", timings: timings.slice(0, TIMINGS_MAX) }];
}

function timingOf({ what, timings, address }: HttpTry, target: string, dns: DnsEvidence | null): Timing {
  const name: (readonly [string, number | null])[] =
    what === "baseline" && dns !== null ? [["name", dns.system.tookMs]] : [];
  const phases = [
    ...name,
    ["connect", timings.connectMs] as const,
    ["TLS", timings.tlsMs] as const,
    ["waiting for the head", timings.headMs] as const,
    ["body", timings.bodyMs] as const,
  ];
  const known = phases.flatMap(([phase, ms]) => (ms === null ? [] : [{ name: phase, ms }]));
  const named = what === "baseline" && dns !== null ? dns.system.tookMs : 0;
  return {
    label: `${target.includes(address) ? target : `${target} ${address}`}, ${what}`,
    phases: known,
    totalMs: timings.totalMs + named,
  };
}
