// Facts and codes that stand in running text, whatever format is around it: errors of Node, Go, Java and Python with
// their addresses, numbers of system errors, exit codes, reasons of Kubernetes, statuses of gRPC and HTTP. Each row has
// words of which one must be there before its pattern is tried, so that most texts cost a few searches.
import { errnoOfNumber, isErrnoName } from "./errno.ts";
import { addCode, type Reading, setFact, setStatus, setTarget } from "./format.ts";
import { GRPC_NUMBERS, K8S_REASONS, SIGNALS, STATUS_WORDS, VERCEL } from "./phrase-words.ts";
import { readTls } from "./tls.ts";
import { findWords } from "./word-lists.ts";

interface Phrase {
  readonly words: readonly string[];
  readonly pattern: RegExp;
  readonly take: (into: Reading, match: RegExpExecArray, at: number) => void;
}

/** Longer parts are read at their beginning and their end. */
const PART_MAX = 16_384;

/** Adds what stands in text[start, end) to the reading. */
export function readPhrases(text: string, start: number, end: number, into: Reading): void {
  if (end - start > PART_MAX) {
    readPhrases(text, start, start + PART_MAX / 2, into);
    readPhrases(text, end - PART_MAX / 2, end, into);
    return;
  }
  const part = text.slice(start, end);
  const found = find(part);
  for (const [index, { pattern, take }] of PHRASES.entries()) {
    if (found[index] === 0) continue;
    for (const match of part.matchAll(pattern)) take(into, match as RegExpExecArray, start + match.index);
  }
  if (found[PHRASES.length] === 1) readTls(text, start, end, into);
}

const code =
  (of: string, group = 1): Phrase["take"] =>
  (into, match, at) => {
    const token = match[group];
    if (token === undefined) return;
    const from = at + match[0].indexOf(token);
    addCode(into, of, token, from, from + token.length);
  };

function addErrno(into: Reading, name: string, at: number, length: number): void {
  setFact(into.facts, "errno", name);
  addCode(into, "errno", name, at, at + length);
}

/** "connect ECONNREFUSED 10.0.0.7:3000", "getaddrinfo ENOTFOUND app": the system call is the phase. */
function takeSyscall(into: Reading, match: RegExpExecArray, at: number): void {
  const [, call, name, about] = match;
  if (!isErrnoName(name!)) return;
  const where = at + call!.length + 1;
  addErrno(into, name!, where, name!.length);
  addCode(into, "node-code", name!, where, where + name!.length);
  setFact(into.facts, "phase", call);
  if (call === "listen" || call === "bind" || about === undefined) return;
  const address = about.replace(/[.,:]$/, "");
  if (call === "connect") setFact(into.facts, "upstream", address.startsWith("/") ? `unix:${address}` : address);
  else if (/^(?:getaddrinfo|query)/.test(call!) && /[\w-]/.test(address)) setFact(into.facts, "upstream", address);
}

function takeName(into: Reading, match: RegExpExecArray, at: number): void {
  const name = match[1]!;
  if (!isErrnoName(name)) return;
  addErrno(into, name, at, name.length);
  addCode(into, "node-code", name, at, at + name.length);
}

/** Fields of an error as Node prints it: "code: 'ECONNREFUSED', address: '::1', port: 3000". */
function takeProperty(into: Reading, match: RegExpExecArray, at: number): void {
  const [whole, name, single, double, number] = match;
  const value = single ?? double ?? number ?? "";
  const from = at + whole.lastIndexOf(value);
  if (name === "errno") {
    const known = errnoOfNumber(Number(value));
    if (known) addErrno(into, known, from, value.length);
  } else if (name === "syscall") setFact(into.facts, "phase", value);
  else if (name === "hostname") setFact(into.facts, "upstream", value);
  else if (name === "statusCode") setStatus(into, value, from);
  else if (name === "address" || name === "remoteAddress") setFact(into.facts, "upstream", value);
  else if ((name === "port" || name === "remotePort") && /^\d{1,5}$/.test(value)) joinPort(into, value);
}

function joinPort({ facts }: Reading, port: string): void {
  const { upstream } = facts;
  if (upstream === undefined || upstream.endsWith(`:${port}`) || /\.\d+:\d+$|\]:\d+$|[a-z]:\d+$/i.test(upstream))
    return;
  facts.upstream = upstream.includes(":") ? `[${upstream}]:${port}` : `${upstream}:${port}`;
}

/** "dial tcp 10.0.0.7:3000: connect: …", "read tcp 10.0.0.1:5555->10.0.0.7:3000: …": the peer is the upstream. */
function takeGoOperation(into: Reading, match: RegExpExecArray): void {
  const [, operation, network, , peer] = match;
  setFact(into.facts, "phase", operation);
  if (peer === undefined || peer === "lookup") return;
  setFact(into.facts, "upstream", network === "unix" ? `unix:${peer}` : peer);
}

function takeStatus(into: Reading, match: RegExpExecArray, at: number): void {
  const digits = match[1]!;
  setStatus(into, digits, at + match[0].indexOf(digits));
}

/** As printed, by its name in the specification, and by its number. */
function takeGrpc(into: Reading, match: RegExpExecArray, at: number): void {
  const token = match[1] ?? match[2] ?? match[3] ?? "";
  const name = /^\d+$/.test(token)
    ? GRPC_NUMBERS[Number(token)]
    : token
        .replace(/([a-z])(?=[A-Z])/g, "$1_")
        .toUpperCase()
        .replace("CANCELED", "CANCELLED");
  const number = name === undefined ? -1 : GRPC_NUMBERS.indexOf(name);
  if (number < 1) return;
  const from = at + match[0].lastIndexOf(token);
  for (const each of [token, name!, String(number)]) addCode(into, "grpc-code", each, from, from + token.length);
}

const PHRASES: readonly Phrase[] = [
  {
    words: ["proxy request", "proxying request"],
    pattern:
      /\bproxy(?:ing)? request:? (\S{1,2000}) (?:from (\S{1,300}) )?to (https?:\/\/[^\s([]{1,300}|[\w.-]{1,253}:\d{1,5})/g,
    take(into, match) {
      const slash = match[1]!.indexOf("/");
      setFact(into.facts, "path", slash < 0 ? undefined : match[1]!.slice(slash));
      setFact(into.facts, "host", match[2] ?? (slash > 0 ? match[1]!.slice(0, slash) : undefined));
      setFact(into.facts, "upstream", match[3]!.replace(/^(https?:\/\/[^/]+)\/.*$/, "$1").replace(/\/$/, ""));
    },
  },
  {
    words: ["proxy http"],
    pattern: /\bFailed to proxy (https?:\/\/[^\s/]{1,255})(\/\S{0,2000})?/g,
    take(into, match) {
      setFact(into.facts, "upstream", match[1]);
      setFact(into.facts, "path", match[2]);
    },
  },
  {
    words: [" E"],
    pattern:
      /\b(connect|read|write|listen|bind|open|accept|shutdown|getaddrinfo|query[A-Z]\w{0,8}|spawn|send) (E[A-Z_]{2,14})\b(?: ([^\s;()[\]{}"'`,]{1,200}|\[[\da-f:.]{2,45}\]:\d{1,5}))?/g,
    take: takeSyscall,
  },
  {
    words: [
      "ECONN",
      "ETIME",
      "EHOST",
      "ENET",
      "ENOT",
      "EAI_",
      "EPIPE",
      "EPROTO",
      "EADDR",
      "EACC",
      "EMFILE",
      "ENFILE",
      "ENOENT",
      "EPERM",
      "ENOBUFS",
      "EAGAIN",
    ],
    pattern: /(?<![\w.:])(E[A-Z_]{3,14})\b/g,
    take: takeName,
  },
  {
    words: ["errno", "code:", '"code"', "statusCode", "syscall", "ddress: ", "ort: ", "hostname: "],
    pattern:
      /(?<![\w.])["']?(errno|syscall|hostname|statusCode|address|port|remoteAddress|remotePort)["']?: ?(?:'([^'\n]{1,200})'|"([^"\n]{1,200})"|(-?\d{1,6})\b)/g,
    take: takeProperty,
  },
  {
    words: ["UND_ERR_", "ERR_", "HPE_", "FST_"],
    pattern: /(?<!net::)\b((?:UND_ERR|ERR|HPE|FST)_(?!NGROK)[A-Z0-9_]{3,60})\b/g,
    take: code("node-code"),
  },
  { words: ["ERR_NGROK_"], pattern: /\b(ERR_NGROK_\d{1,6})\b/g, take: code("ngrok-error") },
  {
    words: ["rrno", "os error", "WinError", "SocketError"],
    pattern: /(?:\[Errno |\berrno[ :=]{1,3}|\bos error |\[WinError |\bSocketErrorCode: )(-?\d{1,5})\b/gi,
    take(into, match, at) {
      const number = Number(match[1]);
      // Python's errors of name resolution have small negative numbers of their own.
      const resolver = /^\[Errno -/.test(match[0])
        ? { [-2]: "ENOTFOUND", [-3]: "EAI_AGAIN", [-5]: "ENOTFOUND" }[number]
        : undefined;
      const name = resolver ?? (match[1]!.length > 1 || number > 0 ? errnoOfNumber(number) : undefined);
      if (name) addErrno(into, name, at, match[0].length);
    },
  },
  {
    words: ["dial ", "read tcp", "write tcp", "read unix", "write unix"],
    pattern: /\b(dial|read|write) (tcp|unix|udp)[46]?(?: (?:(\S{1,120}?)->)?(\S{1,200}?))?: /g,
    take: takeGoOperation,
  },
  {
    words: ["lookup "],
    pattern: /\blookup ([\w.-]{1,253})(?: on ([\w.:[\]-]{1,80}?))?: /g,
    take(into, match) {
      into.facts.phase = "lookup";
      setFact(into.facts, "upstream", match[1]);
    },
  },
  {
    words: ["Get ", "Post ", "Head ", "Put "],
    pattern: /\b(?:Get|Post|Head|Put|Delete|Patch) "?(https?:\/\/[^\s"/]{1,255})(\/[^\s"]{0,1000}?)?"?: /g,
    take(into, match) {
      setFact(into.facts, "upstream", match[1]);
      setFact(into.facts, "path", match[2]);
    },
  },
  {
    words: ["originService="],
    pattern: /\boriginService=(\S{1,300})/g,
    take: (into, match) => setFact(into.facts, "upstream", match[1]),
  },
  {
    words: ["onnect", "timed out", "oute to host", "reset"],
    pattern:
      /(?:refused|timed out(?: after \d{1,9} ms)?|to host|reset by peer|unreachable): (?:no further information: )?(?:[\w.-]{0,253}\/)?([\d.:[\]a-f]{3,45}:\d{1,5})\b/g,
    take: (into, match) => setFact(into.facts, "upstream", match[1]),
  },
  {
    words: ["onnect to "],
    pattern:
      /\b(?:[Ff]ailed to connect|[Cc]onnect|Cannot connect) to (?:host |server at )?([\w.-]{1,253}|\[[\da-f:]{2,45}\])(?::(\d{1,5})\b| port (\d{1,5})\b)/g,
    take: (into, match) => setFact(into.facts, "upstream", `${match[1]}:${match[2] ?? match[3]}`),
  },
  {
    words: ["UnknownHostException", "Could not resolve host", "ENOTFOUND", "could not be resolved"],
    pattern: /(?:UnknownHostException: |Could not resolve host: ?)([\w.-]{1,253})/g,
    take: (into, match) => setFact(into.facts, "upstream", match[1]),
  },
  {
    words: ["host="],
    pattern: /\bhost='([^'\n]{1,253})', port=(\d{1,5})/g,
    take: (into, match) => setFact(into.facts, "upstream", `${match[1]}:${match[2]}`),
  },
  {
    words: ["with url: "],
    pattern: /\bwith url: (\/\S{0,1000})/g,
    take: (into, match) => setTarget(into.facts, match[1]!),
  },
  {
    words: ["curl: (", "cURL error "],
    pattern: /\b(?:curl: \((\d{1,3})\)|cURL error (\d{1,3})\b)/g,
    take(into, match, at) {
      const number = match[1] ?? match[2]!;
      const from = at + match[0].indexOf(number, 4);
      addCode(into, "curl-code", number, from, from + number.length);
    },
  },
  {
    words: [
      "rpc error",
      "StatusCode.",
      "grpc-status",
      "UNAVAILABLE",
      "DEADLINE_EXCEEDED",
      "RESOURCE_EXHAUSTED",
      "UNIMPLEMENTED",
    ],
    pattern:
      /\brpc error: code = (\w{2,20})|\b(?:StatusCode\.|grpc-status:? ?"?|io\.grpc\.Status\w{0,20}Exception: )(\w{1,20})|\b\d{1,2} (UNAVAILABLE|DEADLINE_EXCEEDED|RESOURCE_EXHAUSTED|UNIMPLEMENTED|INTERNAL|CANCELLED|UNKNOWN)\b/g,
    take: takeGrpc,
  },
  {
    words: ["exit", "Exit"],
    pattern: /\b[Ee]xit(?:ed|s)?(?: with)?(?: (?:code|status))[:= ]{1,3}([1-9]\d{0,2})\b/g,
    take: code("exit-code"),
  },
  { words: ["SIG"], pattern: /\b(SIG(?:KILL|SEGV|ABRT|BUS|ILL|TERM|PIPE|FPE))\b/g, take: code("exit-code") },
  {
    words: ["signal "],
    pattern: /(?<!alert )\bsignal (\d{1,2})\b/g,
    take(into, match, at) {
      const name = SIGNALS[match[1]!];
      if (name) addCode(into, "exit-code", name, at, at + match[0].length);
    },
  },
  {
    words: ["oom-kill", "oom_kill", "oom-killer"],
    pattern: /\b(oom[-_]kill)/g,
    take: (into, _, at) => addCode(into, "exit-code", "oom-kill", at, at + 8),
  },
  {
    words: [
      "BackOff",
      "ErrImage",
      "Killed",
      "Container",
      "Evicted",
      "FailedScheduling",
      "FailedMount",
      "PodSandBox",
      "Unschedulable",
      "StatusUnknown",
      "InvalidImage",
      "NotReady",
    ],
    pattern: new RegExp(`\\b(${K8S_REASONS})\\b`, "g"),
    take: code("k8s-reason"),
  },
  {
    words: VERCEL.split("|").concat("NOT_FOUND"),
    pattern: new RegExp(`(?<![\\w.])((?:${VERCEL})[A-Z_]{2,50}|NOT_FOUND|INVALID_REQUEST_METHOD)(?![\\w.])`, "g"),
    take: takeVercel,
  },
  {
    words: ["ERRORINFO_", "Origin"],
    pattern:
      /\b(ERRORINFO_[A-Z_]{3,50}|Origin(?:ConnectionRefused|ConnectionAborted|ConnectionError|Timeout|InvalidResponse|InvalidHTTPStatus|NameNotResolved|Error))\b/g,
    take: code("azure-error"),
  },
  {
    words: ["upstream_reset_", "via_upstream", "response_code_details", "no_healthy_upstream"],
    pattern:
      /\b(upstream_reset_(?:before|after)_response_started(?:\{[^}\s]{1,80}\})?|via_upstream|no_healthy_upstream)/g,
    take: code("envoy-detail"),
  },
  { words: ["statusDetails"], pattern: /\bstatusDetails["']?[:= ]{1,3}["']?([a-z_]{4,60})/g, take: code("gcp-detail") },
  { words: ["AH0", "AH1"], pattern: /\b(AH\d{5})\b/g, take: code("apache-code") },
  {
    words: ["--"],
    pattern: /(?<![\w-])([CSPLRIDKUcs][RQCHDLT]--)(?![\w-])/g,
    take(into, match, at) {
      setFact(into.facts, "terminationState", match[1]);
      addCode(into, "haproxy-state", match[1]!, at, at + 4);
      addCode(into, "haproxy-state", match[1]!.slice(0, 2), at, at + 2);
    },
  },
  { words: ["Error ", "code="], pattern: /\b(?:Error |code=)([HRL]\d{2})\b/g, take: code("heroku-code") },
  {
    words: ["HTTP Error", "Error Code"],
    pattern: /\b(?:HTTP Error|Error Code)[: ]{1,2}(\d{3}\.\d{1,2})\b/g,
    take(into, match, at) {
      code("iis-substatus")(into, match, at);
      setStatus(into, match[1]!.slice(0, 3), at + match[0].length - match[1]!.length);
    },
  },
  {
    words: ["rror 1", "rror 5", "rror code", "rror Code"],
    pattern: /\b[Ee]rror(?: [Cc]ode)?:? (1[0-2]\d\d|52\d|530)\b/g,
    take: takeCloudflare,
  },
  {
    words: ["HTTP", "tatus", "esponse code"],
    pattern:
      /\b(?:HTTP\/\d(?:\.\d)?|HTTP(?: status)?(?: code)?:?|[Ss]tatus ?[Cc]ode:?|returned(?: HTTP)? status|[Rr]esponse code:?) {1,2}([1-5]\d\d)\b(?![.\d])/g,
    take: takeStatus,
  },
  {
    words: ["Time", "Bad ", "rror", "navailable", "ound", "Forbidden", "Too ", "Request", "failed", "Web"],
    pattern: new RegExp(`(?<![\\w.:/-])([1-5]\\d\\d)(?: -|:| \\||,)? {0,2}(?:${STATUS_WORDS})\\b`, "g"),
    take: takeStatus,
  },
];

function takeVercel(into: Reading, match: RegExpExecArray, at: number): void {
  if (match[1] === "NOT_FOUND" && into.facts.software !== "vercel") return;
  if (/^(?:INTERNAL_(?:SERVER_)?ERROR|TOO_MANY_REQUESTS)$/.test(match[1]!)) return;
  code("vercel-code")(into, match, at);
}

/** Four digits from 1000 on, or 520–530: only beside Cloudflare's own words, or alone as Cloudflare prints it. */
function takeCloudflare(into: Reading, match: RegExpExecArray, at: number): void {
  const own =
    into.facts.software === "cloudflare" ||
    match[0].startsWith("error code: ") ||
    // MySQL has errors 1040 and above in the same words.
    (match.index === 0 && /^(?:10[0-3]\d|110[1-4]|1200|5\d\d)$/.test(match[1]!));
  if (!own) return;
  code("cloudflare-error")(into, match, at);
  if (match[1]!.length === 3) setStatus(into, match[1], at + match[0].length - 3);
}

const TLS_WORDS = [
  "error:",
  "SSL",
  "TLS",
  "tls",
  "cert",
  "CERT",
  "Cert",
  "alert",
  "UNABLE_TO_",
  "SELF_SIGNED",
  "HOSTNAME_MISMATCH",
];
const find = findWords([...PHRASES.map(({ words }) => words), TLS_WORDS]);
