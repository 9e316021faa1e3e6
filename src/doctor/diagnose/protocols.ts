// Ports that do not speak what they are asked in, and handshakes that fail: what the other handshakes and the other
// protocol were answered says why.
import type { TargetEvidence, TlsTry } from "../evidence.ts";
import type { Symptom } from "./symptom.ts";
/** Where the port speaks TLS and is asked in plain HTTP, or the reverse, that is why. */
export function otherProtocol({ target, tls }: TargetEvidence, symptom: Symptom): Symptom {
  if (symptom.where === "behind") return symptom;
  if (symptom.class === "tls-plaintext-mismatch") return neither(symptom, tls);
  if (symptom.class === "tls-handshake-failed") return withContrast(symptom, tls);
  const wanted = target.scheme === "https" ? "http" : "tls";
  // A server that sends alerts speaks TLS, and one on a TLS port may answer plain HTTP with what is wrong about it.
  const speaksTls = target.scheme === "https" && symptom.failure?.evidence.tlsAlert !== undefined;
  const answers = tls.some(({ otherWay }) => otherWay?.answered === wanted && otherWay.status !== 400);
  if (symptom.failure === null || speaksTls || !answers) return symptom;
  const text =
    wanted === "tls"
      ? "it is asked in plain HTTP, and answers to TLS"
      : "it is asked in TLS, and answers to plain HTTP";
  return { ...symptom, class: "tls-plaintext-mismatch", certainty: "proven", text: `${text} (${symptom.text})` };
}

const WORKING: Partial<Record<TlsTry["what"], string>> = {
  "no-name": "without a server name (SNI)",
  "other-name": "with another server name (SNI)",
  "tls1.2": "with TLS 1.2 alone",
  "tls1.3": "with TLS 1.3 alone",
};

/** Which handshakes succeed says what the one that was asked fails for. */
function withContrast(symptom: Symptom, tls: TargetEvidence["tls"]): Symptom {
  const tries = tls.flatMap(({ address, tries: all }) => (address === symptom.address ? all : []));
  if (!tries.some(({ what, failure }) => what === "as-asked" && failure)) return symptom;
  const works = tries.flatMap(({ what, failure }) => (failure === null ? (WORKING[what] ?? []) : []));
  return works.length === 0 ? symptom : { ...symptom, text: `${symptom.text} It succeeds ${works.join(", and ")}.` };
}

/** A port that answers neither TLS nor HTTP speaks something else: SSH, a database, mail. */
function neither(symptom: Symptom, tls: TargetEvidence["tls"]): Symptom {
  if (!tls.some(({ otherWay }) => otherWay?.asked === "plain-http" && otherWay.answered === "other")) return symptom;
  return { ...symptom, class: "protocol-mismatch", text: `${symptom.text} Nor does it answer in HTTP.` };
}
