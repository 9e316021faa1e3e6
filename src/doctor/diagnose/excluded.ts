// What was looked at and is not the reason, and what was tested, in words. Only what a check really shows.
import { span } from "../../failure/words.ts";
import type { Evidence, TargetEvidence } from "../evidence.ts";
import { sameSpot } from "../options.ts";
import type { TargetState } from "./judge.ts";
import type { Excluded, Verdict } from "./model.ts";
import { upFor } from "./refine-local.ts";
import { targetName } from "./verdict.ts";

/** What can be left out of consideration. */
export function excludedOf(states: readonly TargetState[], evidence: Evidence, verdict: Verdict | null): Excluded[] {
  const excluded: Excluded[] = [];
  for (const state of states) {
    const name = state.seen.target.role === "url" ? "the address" : targetName(state.seen);
    excluded.push(...ofTarget(state, name, evidence));
  }
  return excluded.filter(({ class: of }) => of === null || of !== verdict?.class);
}

function ofTarget({ seen, condition, response }: TargetState, name: string, evidence: Evidence): Excluded[] {
  const found: Excluded[] = [];
  const { dns } = seen;
  if (dns && !dns.system.failure && dns.system.addresses.length > 0)
    found.push({
      class: "dns-not-resolved",
      what: `DNS of ${name}`,
      because: `${dns.name} resolves to ${dns.system.addresses.slice(0, 4).join(", ")}`,
    });
  const open = seen.tcp.filter(({ tries }) => tries.some(({ failure }) => failure === null));
  if (open.length > 0 && open.length === seen.tcp.length)
    found.push({
      class: "connect-refused",
      what: `connecting to ${name}`,
      because: `${open.length === 1 ? "its address takes" : `all ${open.length} addresses take`} connections`,
    });
  const tls = handshake(seen);
  if (tls) found.push({ class: "tls-handshake-failed", what: `TLS with ${name}`, because: tls });
  if (condition === "good" && response?.status != null) {
    const took = response.timings.headMs;
    found.push({
      class: null,
      what: name,
      because: `it answers ${response.status}${took === null ? "" : ` in ${span(took)}`}${upSince(seen, evidence)}`,
    });
  }
  return found;
}

function upSince({ target }: TargetEvidence, { local, startedAtMs }: Evidence): string {
  if (target.role === "url") return "";
  const up = upFor(
    local?.spots.find(({ spot }) => sameSpot(spot, target.spot)),
    startedAtMs,
  );
  return up ? ` (${up})` : "";
}

const DAY_MS = 86_400_000;

function handshake(seen: TargetEvidence): string | null {
  const tries = seen.tls.flatMap(({ tries: all }) => all).filter(({ what }) => what === "as-asked");
  if (tries.length === 0 || tries.some(({ failure, untrusted }) => failure || (seen.target.verify && untrusted)))
    return null;
  const { protocol, chain } = tries[0]!;
  const leaf = chain[0];
  const days = leaf ? Math.floor((leaf.notAfterMs - Date.now()) / DAY_MS) : null;
  return `${protocol ?? "TLS"}${days === null ? "" : `, the certificate is good for ${days} more days`}`;
}

/** What was tested, for the report of a healthy site above all. */
export function testedOf(states: readonly TargetState[], evidence: Evidence): string[] {
  const tested: string[] = [];
  for (const { seen } of states) {
    const name = seen.target.role === "url" ? (evidence.url ?? "the address") : targetName(seen);
    const parts = [
      seen.dns ? "DNS" : null,
      seen.tcp.length > 0 ? `${seen.tcp.length} ${seen.tcp.length === 1 ? "address" : "addresses"}` : null,
      seen.tls.length > 0 ? `${seen.tls.flatMap(({ tries }) => tries).length} TLS handshakes` : null,
      seen.http.length > 0 ? `${seen.requests} requests` : null,
      seen.idle.length > 0 ? "idle connections" : null,
    ].filter((part) => part !== null);
    if (parts.length > 0) tested.push(`${name}: ${parts.join(", ")}`);
  }
  for (const { file, kind, files } of evidence.configs)
    if (kind !== null)
      tested.push(`${file}: ${kind}${files.length > 1 ? ` with ${files.length - 1} included files` : ""}`);
  for (const { file, report } of evidence.logs.files)
    tested.push(`${file}: ${counted(report.lines, "line")}, ${counted(report.failures, "failure")}`);
  if (evidence.chain) tested.push(`timeouts of ${evidence.chain.hops.map(({ name }) => name).join(" > ")}`);
  if (evidence.local?.spots.some(({ here }) => here)) tested.push("processes, sockets and kernel log of this machine");
  return tested;
}

const counted = (count: number, what: string): string =>
  `${count.toLocaleString("en")} ${what}${count === 1 ? "" : "s"}`;
