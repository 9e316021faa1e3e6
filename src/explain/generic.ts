// What system errors and common phrases mean whoever prints them: the net below the products' own messages. The number
// or name of an error decides over its text, which may be translated; the phase in which it came decides what it means.
import type { CauseId, Phase } from "../failure/causes.ts";
import { BROWSER_ERRORS } from "./browser-errors.ts";
import type { Facts, Range } from "./explanation.ts";

/** By phase; the last column where the phase is not said. null = says nothing. */
type ByPhase = Partial<Record<Phase, CauseId>> & { readonly otherwise: CauseId | null };

const ERRNO: Readonly<Record<string, ByPhase>> = {
  ECONNREFUSED: { otherwise: "connect-refused" },
  ECONNRESET: {
    tls: "tls-handshake-failed",
    write: "upstream-write-failed",
    "response-body": "response-truncated",
    otherwise: "closed-before-response",
  },
  ECONNABORTED: { "response-body": "response-truncated", otherwise: "closed-before-response" },
  EPIPE: { otherwise: "upstream-write-failed" },
  ETIMEDOUT: {
    dns: "dns-timeout",
    tls: "tls-handshake-failed",
    write: "upstream-write-failed",
    "response-head": "response-timeout",
    "response-body": "response-body-timeout",
    otherwise: "connect-timeout",
  },
  EHOSTUNREACH: { otherwise: "network-unreachable" },
  ENETUNREACH: { otherwise: "network-unreachable" },
  EHOSTDOWN: { otherwise: "network-unreachable" },
  ENETDOWN: { otherwise: "network-unreachable" },
  EACCES: { connect: "connect-permission-denied", otherwise: null },
  EPERM: { connect: "connect-permission-denied", otherwise: null },
  EMFILE: { otherwise: "gateway-resource-exhausted" },
  ENFILE: { otherwise: "gateway-resource-exhausted" },
  ENOBUFS: { otherwise: "gateway-resource-exhausted" },
  EADDRNOTAVAIL: { connect: "gateway-resource-exhausted", otherwise: null },
  EAGAIN: { connect: "upstream-saturated", otherwise: null },
  ENOTFOUND: { otherwise: "dns-not-resolved" },
  EAI_NONAME: { otherwise: "dns-not-resolved" },
  EAI_NODATA: { otherwise: "dns-not-resolved" },
  EAI_AGAIN: { otherwise: "dns-timeout" },
  EPROTO: { otherwise: "tls-handshake-failed" },
};

/** The phase of the failure table behind a format's own words. */
export function phaseOf(words: string | undefined): Phase | null {
  if (words === undefined) return null;
  const found = PHASE_WORDS.find(([pattern]) => pattern.test(words));
  return found ? found[1] : null;
}

const PHASE_WORDS: readonly (readonly [pattern: RegExp, phase: Phase])[] = [
  [/client/i, "client"],
  [/handshak|tls|ssl/i, "tls"],
  [/resolv|lookup|getaddrinfo|dns/i, "dns"],
  [/connect|dial/i, "connect"],
  [/send|writ/i, "write"],
  [/response header|status line|response-head|first byte/i, "response-head"],
  [/reading upstream|response body|response-body|reading body|data transfer/i, "response-body"],
  [/upgrad|tunnel|websocket/i, "upgrade"],
];

/** What a system error means in its phase; null = nothing by itself. */
export function classOfErrno(errno: string, facts: Facts): CauseId | null {
  const row = ERRNO[errno.toUpperCase()];
  const phase = phaseOf(facts.phase);
  if (facts.side === "client" || phase === "client")
    return row && CLIENT_SIDE[errno.toUpperCase()] ? CLIENT_SIDE[errno.toUpperCase()]! : null;
  if (errno.toUpperCase() === "ENOENT") return /unix:|^\//.test(facts.upstream ?? "") ? "socket-missing" : null;
  if (!row) return null;
  return (phase && row[phase]) || row.otherwise;
}

const CLIENT_SIDE: Readonly<Record<string, CauseId>> = {
  ECONNRESET: "client-closed-request",
  ECONNABORTED: "client-closed-request",
  EPIPE: "client-closed-request",
  ETIMEDOUT: "client-timeout",
};

/** Phrases of system libraries, in the languages that servers are run in. */
const PHRASES: readonly (readonly [errno: string, pattern: RegExp])[] = [
  [
    "ECONNREFUSED",
    /\bconnection (?:was )?refused\b|actively refused it|connexion refusée|verbindungsaufbau abgelehnt|conexi[óo]n (?:rehusada|rechazada)|conexão recusada|connessione rifiutata|połączenie odrzucone|соединении отказано|拒绝连接|连接被拒绝|接続を拒否|연결이 거부/iu,
  ],
  [
    "ECONNRESET",
    /\bconnection (?:was )?reset(?: by peer)?\b|forcibly closed by the remote host|socket hang ?up|connexion ré-?initialisée|verbindung .{0,40}zurückgesetzt|conexi[óo]n reinicializada|соединение (?:разорвано|сброшено)|连接被对方重设|重置连接/iu,
  ],
  [
    "ETIMEDOUT",
    /\bconnection timed out\b|\bconnect(?:ion)? ?timeout\b|\bconnect timed out\b|\bdial tcp\b.{0,80}\bi\/o timeout\b|délai d'attente .{0,30}dépassé|zeitüberschreitung|tiempo de espera .{0,30}agotado|превышено время ожидания|连接超时/iu,
  ],
  ["EHOSTUNREACH", /\bno route to host\b|\bhost (?:is )?unreachable\b|没有到主机的路由|keine route zum zielrechner/iu],
  ["ENETUNREACH", /\bnetwork is unreachable\b|网络不可达|das netzwerk ist nicht erreichbar/iu],
  [
    "ENOTFOUND",
    /\bno such host\b|\bname resolution (?:failure|failed|error)\b|\bname or service not known\b|\bcould not resolve host\b|\bnodename nor servname provided\b|\bname does not resolve\b|\bNXDOMAIN\b|\bUnknownHostException\b|der name oder der dienst ist nicht bekannt|未知的名称或服务/iu,
  ],
  ["EAI_AGAIN", /\btemporary failure in name resolution\b|\bdns lookup timed out\b/iu],
  ["EPIPE", /\bbroken pipe\b|relais brisé \(pipe\)|datenübergabe unterbrochen/iu],
  ["EMFILE", /\btoo many open files\b|zu viele offene dateien|trop de fichiers ouverts|打开的文件过多/iu],
];

/** Phrases that name a cause by themselves. */
const SAYINGS: readonly (readonly [cause: CauseId, pattern: RegExp])[] = [
  ...BROWSER_ERRORS,
  [
    "tls-cert-expired",
    /certificate (?:has |is )?expired|certificate is not yet valid|CERT_HAS_EXPIRED|certificate has expired or is not yet valid/i,
  ],
  [
    "tls-cert-name-mismatch",
    /certificate is (?:not )?valid for .{1,120}, not |(?:hostname|host name|subject name).{0,60}(?:does ?n[o']t match|mismatch)|doesn't match .{0,40}certificate|ERR_TLS_CERT_ALTNAME_INVALID/i,
  ],
  [
    "tls-cert-untrusted",
    /certificate signed by unknown authority|self[- ]signed certificate|unable to (?:get local issuer|verify the first) certificate|PKIX path building failed|certificate verify failed/i,
  ],
  [
    "tls-plaintext-mismatch",
    /wrong version number|http request was sent to https port|first record does not look like a TLS handshake|server gave HTTP response to HTTPS client|client sent an http request to an https server|http request\b.{0,20}SSL routines|SSL routines.{0,60}\bhttp request\b|not an ssl\/tls record/i,
  ],
  [
    "tls-handshake-failed",
    /(?:tls|ssl) handshake (?:timeout|failed|failure|error)|handshake failure|handshake_failure|no shared cipher|unsupported protocol version|tls: internal error|sslv3 alert|tlsv1 alert/i,
  ],
  [
    "client-closed-request",
    /\bcontext canceled\b|\brequest canceled\b|\bclient disconnected\b|\bclient closed (?:the )?(?:connection|request)\b|\bclient has disconnected\b/i,
  ],
  [
    "response-timeout",
    /\btimeout awaiting response headers\b|\bread timed out\b|\bSocketTimeoutException: Read timed out\b|\bReadTimeout(?:Exception|Error)?\b|\bcontext deadline exceeded\b|\btimed out waiting for (?:a )?response\b/i,
  ],
  [
    "closed-before-response",
    /\bempty reply from server\b|\bremote end closed connection without response\b|\bserver disconnected(?: without sending a response)?\b|\bunexpected EOF\b|\bend of file reached\b|\bprematurely closed\b|\bpremature (?:eof|close)\b|\bNoHttpResponseException\b|\bother side closed\b/i,
  ],
  ["oom-killed", /\bOOMKilled\b|\bout of memory: kill(?:ed)? process\b|\boom-kill:|\boom_reaper\b/i],
  ["dns-timeout", /\blookup .{1,80}: i\/o timeout\b|\bServerFailure\b|\bSERVFAIL\b/i],
  ["app-crashed", /\bCrashLoopBackOff\b|\bsegmentation fault\b|\bcore dumped\b|\bFATAL ERROR: .{0,60}heap\b/i],
];

/** A part of every phrase above that is in ASCII: most lines have none, and are done with. */
const ANY_STEM =
  /fail|ERR_|_ERROR|DNS_PROBE|refus|rehusad|rechazad|recusad|rifiutat|odrzucon|abgelehnt|reset|closed|hang ?up|zurück|reinici|time|timed|délai|zeit|tiempo|route|unreach|erreichbar|host|resol|name|NXDOMAIN|pipe|relais|daten|files|dateien|fichiers|expired|valid|certificate|match|ALTNAME|signed|PKIX|version|request|TLS|SSL|handshake|cipher|cancel|disconnect|deadline|empty|EOF|end of|premature|NoHttp|oom|memory|lookup|SERVFAIL|ServerFailure|BackOff|fault|dump|heap|[^\x00-\x7f]/i;

/** "connect() to unix:/x failed (13: …": a system call and the number of its error, as C programs print them. */
const SYSCALL =
  /\b(connect|recv|recvfrom|send|sendto|sendmsg|write|writev|read|readv|accept4?)\s?\(\s?\)[^\n]{0,200}?\bfailed \((\d{1,5}): /i;
const SYSCALL_PHASE: Readonly<Record<string, string>> = { connect: "connecting", send: "sending", write: "sending" };
const LINUX_ERRNO: Readonly<Record<string, string>> = {
  "2": "ENOENT",
  "11": "EAGAIN",
  "13": "EACCES",
  "23": "ENFILE",
  "24": "EMFILE",
  "32": "EPIPE",
  "99": "EADDRNOTAVAIL",
  "101": "ENETUNREACH",
  "103": "ECONNABORTED",
  "104": "ECONNRESET",
  "105": "ENOBUFS",
  "110": "ETIMEDOUT",
  "111": "ECONNREFUSED",
  "112": "EHOSTDOWN",
  "113": "EHOSTUNREACH",
  "54": "ECONNRESET",
  "60": "ETIMEDOUT",
  "61": "ECONNREFUSED",
  "10054": "ECONNRESET",
  "10060": "ETIMEDOUT",
  "10061": "ECONNREFUSED",
  "10065": "EHOSTUNREACH",
};

function syscallHit(part: string, start: number, facts: Facts): GenericHit | null {
  const found = SYSCALL.exec(part);
  const errno = found && LINUX_ERRNO[found[2]!];
  if (!errno) return null;
  const call = found[1]!.toLowerCase().replace(/(?:to|msg|v|from)$/, "");
  const socket = /\bunix:[^\s,]+/.exec(part)?.[0];
  const known = {
    ...facts,
    phase: facts.phase ?? SYSCALL_PHASE[call] ?? "reading response header",
    ...(socket && !facts.upstream ? { upstream: socket } : {}),
  };
  const of = classOfErrno(errno, known);
  return of && { class: of, range: [start + found.index, start + found.index + found[0].length], what: found[0] };
}

/** The first bytes of a TLS handshake where a request line should be, as servers escape them. */
const TLS_IN_CLEAR = /"\\{1,2}x16\\{1,2}x03\\{1,2}x0[0-4]/;

export interface GenericHit {
  readonly class: CauseId;
  readonly range: Range;
  readonly what: string;
}

/** What the phrases in the given parts mean, and the error of the facts. */
export function genericHits(text: string, parts: readonly Range[], facts: Facts): GenericHit[] {
  const hits: GenericHit[] = [];
  const greeting = TLS_IN_CLEAR.exec(text);
  if (greeting)
    hits.push({
      class: "tls-plaintext-mismatch",
      range: [greeting.index, greeting.index + greeting[0].length],
      what: greeting[0],
    });
  for (const [start, end] of parts) {
    const part = text.slice(start, end);
    if (!ANY_STEM.test(part)) continue;
    const syscall = syscallHit(part, start, facts);
    if (syscall) hits.push(syscall);
    for (const [cause, pattern] of SAYINGS) add(pattern.exec(part), start, cause);
    for (const [errno, pattern] of PHRASES) add(pattern.exec(part), start, classOfErrno(errno, facts));
  }
  return hits;

  function add(found: RegExpExecArray | null, start: number, cause: CauseId | null): void {
    if (!found || cause === null) return;
    const at = start + found.index;
    hits.push({ class: cause, range: [at, at + found[0].length], what: found[0] });
  }
}
