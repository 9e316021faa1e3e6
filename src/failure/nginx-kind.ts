// What nginx calls a failed attempt: the words of proxy_next_upstream. They decide whether another server is asked
// (resilience/retry-conditions.ts) and whether the failure counts against the one that failed.
//   error            no connection, no TLS session, or the connection ended before the response head
//   timeout          a deadline of connect, TLS, send or head passed
//   invalid_header   what came is no response head, or a head over the buffer
//   http_403 …       the response has this status, and the configuration may want another server asked
// null = nginx ends the request without asking anybody else: names that do not resolve, descriptors that are used up,
// and whatever happens behind the response head.
import type { CauseId } from "./causes.ts";
import type { DeadlineName, Failure } from "./failure.ts";

/** Kinds that are no status. */
export type NginxFailureKind = "error" | "timeout" | "invalid_header" | NginxStatusKind;

export type NginxStatusKind = (typeof STATUS_KINDS)[keyof typeof STATUS_KINDS];

const STATUS_KINDS = {
  403: "http_403",
  404: "http_404",
  429: "http_429",
  500: "http_500",
  502: "http_502",
  503: "http_503",
  504: "http_504",
} as const;

/** Deadlines of an attempt up to the response head. */
const DEADLINES: ReadonlySet<DeadlineName> = new Set<DeadlineName>(["connect", "tls", "send", "head"]);

const KINDS: Partial<Record<CauseId, NginxFailureKind>> = {
  "connect-refused": "error",
  "connect-timeout": "timeout",
  "network-unreachable": "error",
  "connect-permission-denied": "error",
  "socket-missing": "error",
  "upstream-saturated": "error",
  "tls-handshake-failed": "error",
  "tls-plaintext-mismatch": "error",
  "tls-cert-untrusted": "error",
  "tls-cert-expired": "error",
  "tls-cert-name-mismatch": "error",
  "upstream-write-failed": "error",
  "closed-before-response": "error",
  "keepalive-race": "error",
  "response-timeout": "timeout",
  "response-header-too-large": "invalid_header",
  "response-malformed": "invalid_header",
  "protocol-mismatch": "invalid_header",
};

/** The kind of a status that proxy_next_upstream can name; null = it cannot. */
export function nginxStatusKind(status: number): NginxStatusKind | null {
  return STATUS_KINDS[status as keyof typeof STATUS_KINDS] ?? null;
}

/** What nginx calls this failure; null = nginx would ask no other server, and blame none. */
export function nginxFailureKind(failure: Failure): NginxFailureKind | null {
  const { cause, phase, status, evidence } = failure;
  if (cause === "upstream-error-passthrough") return nginxStatusKind(status);
  if (phase === "response-body" || phase === "dns") return null;
  if (evidence.deadline !== undefined) return DEADLINES.has(evidence.deadline) ? "timeout" : null;
  // connect() found no local port, or no way to that address: nginx goes on after every error of connect() but a lack
  // of descriptors.
  if (evidence.errno === "EADDRNOTAVAIL" || (cause === "gateway-config-invalid" && evidence.errno)) return "error";
  return KINDS[cause] ?? null;
}
