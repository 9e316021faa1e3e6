// What is allowed and may fail some day, apart from any verdict: findings of the files, of the timeouts, and the few that
// probes show.
import { CAUSES } from "../../failure/causes.ts";
import { span } from "../../failure/words.ts";
import type { Finding } from "../configs/model.ts";
import type { Evidence, TargetEvidence } from "../evidence.ts";
import { sameSpot } from "../options.ts";
import type { TargetState } from "./judge.ts";
import { targetName } from "./verdict.ts";

const DAY_MS = 86_400_000;
/** Automatic renewal comes 30 days before the end; by now it should have. */
const EXPIRES_SOON_DAYS = 14;

/** All risks; notes are among them, marked. */
export function risksOf(evidence: Evidence, states: readonly TargetState[]): Finding[] {
  const seen = [
    ...states.flatMap((state) => probed(state, evidence)),
    ...slowAmong(states, evidence),
    ...lockedRisks(states, evidence),
  ];
  const all = [
    ...evidence.configs.flatMap(({ findings }) => findings),
    ...(evidence.findings ?? []),
    ...(evidence.chain?.inversions ?? []),
    ...seen,
  ];
  const keys = new Set<string>();
  return all
    .filter(({ id, at, text }) => {
      const key = `${id} ${at ? `${at.file}:${at.line}` : text}`;
      return !keys.has(key) && keys.add(key);
    })
    .sort((a, b) => Number(a.severity === "note") - Number(b.severity === "note"));
}

/** Origins that take no connection from here, while visitors are served: usually they are open to their edge alone. */
export function lockedOrigins(states: readonly TargetState[], { local }: Evidence): string[] {
  const origins = states.filter(({ seen }) => seen.target.role === "origin");
  if (origins.some(({ condition }) => condition === "good")) return [];
  return origins.flatMap(({ seen: { target, http }, symptom }) => {
    const closed = symptom?.failure?.phase === "connect" && http.every(({ status }) => status === null);
    const dead = local?.spots.some(({ spot, here, served }) => here && !served && sameSpot(spot, target.spot));
    return closed && !dead ? [target.id] : [];
  });
}

/** Told apart from faults: nobody knows from here who the origin is open to. */
function lockedRisks(states: readonly TargetState[], evidence: Evidence): Finding[] {
  const url = states.find(({ seen }) => seen.target.role === "url");
  if (url?.condition !== "good") return [];
  const locked = lockedOrigins(states, evidence);
  return states
    .filter(({ seen }) => locked.includes(seen.target.id))
    .map(({ seen, symptom }) =>
      finding(
        "origin-closed-from-here",
        null,
        `${targetName(seen)} takes no connection from here (${symptom?.text ?? ""}) while visitors are served: it is open to its edge alone, or visitors are served from a cache`,
        "run doctor from a machine that the origin is open to, and look at Age and cache fields of the answer",
      ),
    );
}

function probed(state: TargetState, evidence: Evidence): Finding[] {
  const { seen, besides } = state;
  const name = seen.target.role === "url" ? "the address" : targetName(seen);
  const found: Finding[] = [...expiry(seen, name, evidence), ...limits(state, name), ...otherNames(seen)];
  if (seen.target.role === "origin") {
    const untrusted = besides.find(({ class: of }) => of.startsWith("tls-cert-"));
    if (untrusted)
      found.push(
        finding(
          "origin-certificate",
          untrusted.class as Finding["class"],
          `${name}: ${untrusted.text}`,
          "Nothing fails as long as nobody before it verifies the origin's certificate; with verification on (Cloudflare: Full (strict)), this is a gateway error.",
        ),
      );
  }
  return found;
}

/** What the resolver that was asked for says, where it is not what this machine goes by. */
function otherNames({ dns, tcp }: TargetEvidence): Finding[] {
  const given = dns?.servers.find(({ given: is }) => is);
  if (!dns || !given || tcp.length === 0 || dns.system.failure) return [];
  const known = given.answers.flatMap(({ type, records }) =>
    type === "CNAME" ? [] : records.map(({ value }) => value),
  );
  const ours = dns.system.addresses;
  if (known.some((address) => ours.includes(address))) return [];
  const failed = given.answers.find(({ failure }) => failure);
  const said =
    known.length > 0 ? known.slice(0, 4).join(", ") : (failed?.rcode ?? failed?.failure?.cause ?? "no address");
  const text = `${given.server} says ${said} for ${dns.name}, and this machine goes by ${ours.slice(0, 4).join(", ")}`;
  const fix =
    "Whoever asks that resolver is led elsewhere, or nowhere: compare with the zone's own servers (dig +trace).";
  const found = finding("resolvers-differ", "dns-not-resolved", text, fix);
  // CDNs lead each resolver to addresses near it.
  return [known.length > 0 ? { ...found, severity: "note" } : found];
}

/** What is no fault of the target, and may be one to others: a limit that doctor met, HTTP/2 alone. */
function limits({ seen, limited, onlyHttp2 }: TargetState, name: string): Finding[] {
  const found: Finding[] = [];
  if (limited.length > 0) {
    const statuses = [...new Set(limited.map(({ status }) => status))].join(" and ");
    const text = `${name}: ${limited.length} of doctor's ${seen.requests} requests were refused (status ${statuses}) when they came close behind others: a rate limit`;
    const fix =
      "Visitors who ask as fast are refused, too. If they complain, see the limit's rate and burst (nginx: limit_req, limit_conn) and the refusals in its log.";
    found.push(finding("rate-limit-met", "rate-limited", text, fix));
  }
  if (onlyHttp2) {
    const fix = "Let it speak HTTP/1.1 as well, unless nothing but browsers asks it.";
    const text = `${name}: it answers over HTTP/2 only; gateways, health checks and older clients, which offer HTTP/1.1, are refused in the handshake`;
    found.push(finding("http2-only", "protocol-mismatch", text, fix));
  }
  return found;
}

/** Slower than this is felt, and so many times slower than the others is no chance. */
const SLOW_MS = 800;
const SLOWER = 8;

/** One origin, or one member of a pool, that takes far longer than the others for the same request. */
function slowAmong(states: readonly TargetState[], { way }: Evidence): Finding[] {
  const groups = [
    states.filter(({ seen }) => seen.target.role === "origin"),
    ...way.map(({ targets }) => states.filter(({ seen }) => targets.includes(seen.target.id))),
  ];
  return groups.flatMap((group) => {
    const timed = group.flatMap((state) => {
      const ms = state.condition === "good" ? usualMs(state) : null;
      return ms === null ? [] : [{ name: targetName(state.seen), ms }];
    });
    const fastest = Math.max(1, Math.min(...timed.map(({ ms }) => ms)));
    const slow = timed.filter(({ ms }) => ms >= SLOW_MS && ms >= SLOWER * fastest);
    if (slow.length * 2 >= timed.length) return [];
    return slow.map(({ name, ms }) => {
      const text = `${name} takes ${span(ms)} for the same request that the fastest of the ${timed.length} answers in ${span(fastest)}`;
      return finding(
        "slow-member",
        null,
        text,
        "Compare its load, its version and what it depends on with the others'.",
      );
    });
  });
}

function usualMs({ seen: { http } }: TargetState): number | null {
  const all = http.flatMap(({ status, timings }) =>
    status === null || timings.headMs === null ? [] : [timings.headMs],
  );
  return all.length === 0 ? null : ([...all].sort((a, b) => a - b)[Math.floor(all.length / 2)] ?? null);
}

function expiry({ tls }: TargetEvidence, name: string, { startedAtMs }: Evidence): Finding[] {
  const leaf = tls.flatMap(({ tries }) => tries).find(({ what }) => what === "as-asked")?.chain[0];
  if (!leaf) return [];
  const days = Math.floor((leaf.notAfterMs - startedAtMs) / DAY_MS);
  if (days < 0 || days >= EXPIRES_SOON_DAYS || leaf.notAfterMs - leaf.notBeforeMs < 2 * EXPIRES_SOON_DAYS * DAY_MS)
    return [];
  return [
    finding(
      "certificate-expires-soon",
      "tls-cert-expired",
      `The certificate of ${name} is good for ${days} more days; ${CAUSES["tls-cert-expired"].title.toLowerCase()} follows.`,
      "See why it was not renewed: certbot renew --dry-run, or the log of the program that renews it.",
    ),
  ];
}

function finding(id: string, of: Finding["class"], text: string, fix: string): Finding {
  return { id, severity: "risk", class: of, text, fix, at: null, also: null, hop: null };
}
