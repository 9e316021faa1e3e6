// What only a variant shows: HTTP/2, compression, an upgrade, a connection after a pause, where redirects lead, the
// certificate, another resolver. None of it makes a target bad that answers otherwise.
import type { Failure } from "../../failure/failure.ts";
import { span } from "../../failure/words.ts";
import type { HttpTry, TargetEvidence } from "../evidence.ts";
import { type Symptom, symptomOf, symptomOfFailure } from "./symptom.ts";

/** The symptoms of a target beside how its plain requests went. */
export function besidesOf(
  seen: TargetEvidence,
  tries: readonly HttpTry[],
  judged: readonly (Symptom | null)[],
): Symptom[] {
  const found: Symptom[] = [];
  if (seen.target.verify) {
    const untrusted = seen.tls.flatMap(({ address, tries: all }) =>
      all
        .filter(({ what, untrusted: why }) => what === "as-asked" && why)
        .map(({ untrusted: why }) => symptomOfFailure(why!, address)),
    );
    if (untrusted[0]) found.push(untrusted[0]);
    const nameless = untrusted[0] ? null : withoutNames(seen);
    if (nameless) found.push(nameless);
  }
  const unknownHere = otherNames(seen);
  if (unknownHere) found.push(unknownHere);
  const freshWorks = tries.some(({ reused }, index) => !reused && judged[index] === null);
  if (!freshWorks) return found;
  const allWork = judged.every((symptom) => symptom === null);
  for (const each of seen.http) {
    const symptom = symptomOf(each);
    // Where plain requests fail now and then, one that differs may have failed by chance.
    if ((each.what === "h2" || each.what === "encoded") && !allWork) continue;
    if (each.what === "reused-after-gap" && symptom?.failure && diedUnanswered(symptom.failure))
      found.push(race(symptom, each));
    else if (each.what === "h2" && symptom) found.push({ ...symptom, text: `over HTTP/2 only: ${symptom.text}` });
    else if (each.what === "redirect" && symptom && each === lastRedirect(seen))
      found.push({ ...symptom, text: `where it redirects to (${each.url}): ${symptom.text}` });
    else if (each.what === "encoded" && symptom)
      found.push({ ...symptom, text: `with compression only: ${symptom.text}` });
    else if (each.what === "upgrade" && each.status !== 101) found.push(upgradeRefused(each, symptom));
  }
  const reused = seen.http.filter(({ what, reused: is }) => what === "reused" && is);
  const died = reused.map((each) => symptomOf(each)).filter((each) => each?.failure && diedUnanswered(each.failure));
  if (
    reused.length > 0 &&
    died.length === reused.length &&
    died[0] &&
    tries.every((each, index) => each.reused || judged[index] === null)
  )
    found.push(race(died[0], reused[0]!));
  return found;
}

/** A certificate that names its host in the subject alone: OpenSSL falls back to that, browsers and Go have not for years. */
function withoutNames({ target, tls }: TargetEvidence): Symptom | null {
  if (target.role !== "url" || target.serverName === null) return null;
  const bare = tls.find(({ tries }) =>
    tries.some(({ what, chain: [leaf] }) => what === "as-asked" && leaf && leaf.names.length === 0),
  );
  if (!bare) return null;
  const text = `the certificate has no subjectAltName, only ${bare.tries[0]?.chain[0]?.subject ?? "a subject"}: browsers refuse it, although curl may not`;
  const base = { certainty: "likely", where: "here", failure: null, response: null } as const;
  return { ...base, class: "tls-cert-name-mismatch", text, address: bare.address };
}

/** The machine's own resolver fails, and another one knows the name. */
function otherNames({ dns }: TargetEvidence): Symptom | null {
  const failure = dns?.system.failure;
  if (!dns || !failure) return null;
  const knows = dns.servers.find(({ answers }) =>
    answers.some(({ records, type }) => type !== "CNAME" && records.length > 0),
  );
  if (!knows) return null;
  const symptom = symptomOfFailure(failure, dns.name);
  return {
    ...symptom,
    certainty: "likely",
    text: `${symptom.text} ${knows.server} knows the name: this machine asks another resolver, or has an old answer.`,
  };
}

const lastRedirect = ({ http }: TargetEvidence): HttpTry | undefined =>
  http.findLast(({ what }) => what === "redirect");

const diedUnanswered = ({ cause }: Failure): boolean =>
  cause === "closed-before-response" || cause === "keepalive-race" || cause === "upstream-write-failed";

function race(symptom: Symptom, tried: HttpTry): Symptom {
  const idle = tried.idleMs === null ? "" : ` after ${span(tried.idleMs)} without a request`;
  const text = `requests on new connections are answered, the one on a kept connection${idle} was not: ${symptom.text}`;
  return { ...symptom, class: "keepalive-race", text };
}

function upgradeRefused(tried: HttpTry, symptom: Symptom | null): Symptom {
  const text = symptom?.failure
    ? symptom.text
    : `a WebSocket handshake is answered with status ${tried.status ?? "none"} instead of 101`;
  return {
    class: "upgrade-failed",
    certainty: "proven",
    where: "here",
    failure: symptom?.failure ?? null,
    response: tried,
    text,
    address: tried.address,
  };
}
