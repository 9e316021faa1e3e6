// What failures are called, whoever says it: the words in which products that nobody has entered would say the same.
// Weaker than any entry, and only where the text speaks of gateways, servers or connections at all.
import type { CauseId } from "../failure/causes.ts";
import type { Facts, Range } from "./explanation.ts";
import type { GenericHit } from "./generic.ts";

/** Without one of these a text is about something else: a test that timed out, a queue of jobs. */
const CONTEXT =
  /\b(?:upstreams?|backends?|prox(?:y|ied|ying)|gateway|origin|https?|sockets?|connections?|tunnel|websocket|pods?|containers?|kubelet|probe|load ?balancer|ingress|envoy|nginx|haproxy|targets?|clusters?|tls|ssl|requests?|responses?|header|fpm|worker|listen queue|endpoints?)\b/i;

const CONCEPTS: readonly (readonly [cause: CauseId, pattern: RegExp])[] = [
  [
    "no-healthy-upstream",
    /\bno (?:live|healthy|available|active|usable|alive) (?:upstreams?|backends?|servers?|hosts?|targets?|endpoints?|members?|nodes?)\b|\ball (?:upstreams?|backends?|servers?|targets?|hosts?) (?:are |were )?(?:down|unhealthy|failed|unavailable)\b|\b(?:has|have) no (?:server|backend|endpoint)s? available\b|\bendpoints? not available\b|\bno server (?:is )?available\b/i,
  ],
  [
    "backend-absent",
    /\b(?:Err)?ImagePull(?:BackOff)?\b|\b(?:service|backend|upstream|cluster) "?[\w./-]{0,80}"? (?:does not exist|not found|has no (?:active )?endpoints?)\b|\bscaled? to zero\b|\bno such (?:service|container|app)\b|\bpull(?:ing)? (?:the )?image\b.{0,40}\bfail|\bfail\w* .{0,30}\bpull(?:ing)? image\b/i,
  ],
  [
    "upstream-not-ready",
    /\b(?:readiness|liveness|startup|health)[ -]?(?:probe|check)s?\b.{0,60}\b(?:fail|unhealthy|not ready|timed out|timeout)|\bcontainers? with unready status\b|\bdid(?:n'?t| not) respond to (?:http )?(?:pings?|probes?|health)/i,
  ],
  [
    "response-header-too-large",
    /\b(?:upstream|response|backend|server)\b.{0,60}\bheaders?\b.{0,60}\b(?:too (?:big|large|long)|overflow|exceed\w*|limit)\b|\bheaders? overflow\b|\btoo big header\b/i,
  ],
  [
    "client-request-too-large",
    /\b(?:request|client|payload|entity|body|uri|url|cookie)\b.{0,60}\b(?:too (?:big|large|long)|exceeds? (?:the )?(?:max\w*|limit))\b/i,
  ],
  ["response-too-large", /\bresponse\b.{0,40}\b(?:payload|body|size)\b.{0,40}\b(?:too large|exceed\w*)\b/i],
  [
    "response-encoding-invalid",
    /\b(?:invalid|malformed|bad|illegal|broken)\b.{0,30}\bchunk(?:ed|s)?\b|\bchunk(?:ed)?\b.{0,40}\b(?:invalid|malformed|error)\b|\b(?:incorrect header check|invalid (?:gzip|deflate|stored block))\b/i,
  ],
  [
    "response-malformed",
    /\b(?:upstream|response|server|backend)\b.{0,60}\b(?:invalid|malformed|duplicate|illegal|corrupt\w*)\b.{0,40}\b(?:header|response|status|line|data|http)|\b(?:invalid|malformed|duplicate|illegal|bad)\b.{0,30}\b(?:http )?(?:response|status line)\b/i,
  ],
  [
    "protocol-mismatch",
    /\bunexpected (?:http )?(?:protocol|preface)\b|\bhttp2: (?:frame too large|unexpected|invalid)|\breading server preface\b|\bnot (?:a |an )?(?:valid )?http\b.{0,30}\b(?:response|request|protocol)\b|\bbad (?:client )?(?:magic|preface)\b|\binvalid request block size: 2\d{4}\b|\bhttp\/2 (?:preface|frame)\b.{0,40}\b(?:http\/1|unexpected|looked like)\b/i,
  ],
  [
    "response-truncated",
    /\b(?:response|body|transfer|content|stream|download)\b.{0,60}\b(?:truncated|incomplete|cut off|ended early|aborted mid|prematurely)\b|\b(?:incomplete|truncated)\b.{0,30}\b(?:response|body|read|message|transfer|chunked)\b|\bcontent[- ]length mismatch\b|\bbytes remaining to read\b/i,
  ],
  [
    "worker-timeout",
    /\bworker\b.{0,40}\b(?:timeout|timed out|killed for exceeding)\b|\bharakiri\b|\bexecution timed out\b.{0,40}\bterminat|\btimeout \(\d+s > \d+s\), killing\b/i,
  ],
  [
    "upstream-saturated",
    /\bmax_children\b|\blisten(?:ing)? (?:queue|backlog)\b.{0,60}\bfull\b|\b(?:thread|worker) pool\b.{0,40}\b(?:exhausted|full|saturated|busy)\b|\bMaxRequestWorkers\b|\bno (?:idle|free|available) workers?\b/i,
  ],
  [
    "pool-exhausted",
    /\bconnection pool\b.{0,60}\b(?:exhausted|full|limit|timed? ?out)\b|\b(?:pending )?acquire\b.{0,40}\b(?:queue|limit|timeout)\b|\bmax(?:imum)? (?:number of )?connections\b.{0,30}\b(?:reached|exceeded)\b|\bupstream_overflow\b|\bqueue (?:is )?full\b/i,
  ],
  [
    "gateway-resource-exhausted",
    /\bworker_connections are not enough\b|\bcannot assign requested address\b|\bout of (?:file descriptors|ephemeral ports|sockets)\b|\bno (?:more )?free (?:ports|sockets)\b/i,
  ],
  [
    "upgrade-failed",
    /\bweb ?socket\b.{0,80}\b(?:handshake|upgrade)\b.{0,80}\b(?:fail\w*|error|unexpected|reject\w*|refused|not (?:found|allowed)|invalid)\b|\bweb ?socket\b.{0,40}\bfailed\b|\bupgrade' token not found\b|\bunexpected (?:response|status) code\b.{0,30}\b(?:handshake|upgrade)\b|\bhandshake: Unexpected response code\b/i,
  ],
  [
    "tunnel-disconnected",
    /\bfail(?:ed|ure) to (?:dial|connect) (?:to )?(?:the |a )?(?:edge|quic)\b|\btunnel\b.{0,60}\b(?:error|disconnect\w*|not (?:connected|found|running)|unable|lost|closed|offline)\b/i,
  ],
  [
    "rate-limited",
    /\brate[ -]?limit(?:ed|ing)?\b.{0,40}\b(?:exceeded|reached|hit|applied)?|\blimiting (?:requests|connections)\b|\btoo many requests\b|\bthrottl(?:ed|ing)\b/i,
  ],
  [
    "request-denied",
    /\b(?:access|request|connection)\b.{0,30}\b(?:denied|forbidden|blocked)\b.{0,40}\b(?:by|rule|policy|acl|waf|firewall)\b|\bModSecurity\b.{0,40}\bdenied\b|\baccess denied with code \d{3}\b/i,
  ],
  [
    "route-not-found",
    /\bno (?:matching )?(?:route|router|virtual ?host|vhost|backend rule)\b.{0,40}\b(?:match\w*|found|for)\b|\broute_not_found\b|\bdefault backend - 404\b/i,
  ],
  [
    "gateway-config-invalid",
    /\bhost not found in upstream\b|\b(?:configuration|config)\b.{0,30}\b(?:error|invalid|test failed|rejected)\b|\bunknown directive\b|\[ALERT\].{0,40}\bparsing \[|\bcreating TLS config\b|\bfailed to find any PEM data\b|\bsyntax error\b.{0,60}\b(?:line|config)|\bfatal errors found in configuration\b|\berrors? (?:parsing|reading|initializing|adapting|loading) (?:the )?config|\binvalid (?:number of arguments|parameter|port|url prefix)\b/i,
  ],
  [
    "app-crashed",
    /\bfaulting (?:application|module) name\b|\b(?:process|container|worker|application|app|child|dyno)\b.{0,60}\b(?:crashed|exited (?:with|on)|terminated|died|failed to (?:start|boot)|did not start)\b(?!.{0,30}\b(?:code|status) 0\b)/i,
  ],
  ["proxy-loop", /\b(?:proxy|redirect|forwarding|request) loop\b|\bloop detected\b/i],
  ["client-timeout", /\bclient\b.{0,40}\b(?:timed out|timeout)\b/i],
  [
    "response-timeout",
    /\b(?:upstream|backend|server|origin|gateway|response|request)\b.{0,40}\b(?:timed out|timeout|did not respond|not respond(?:ed|ing) in time|took too long)\b/i,
  ],
  [
    "closed-before-response",
    /\b(?:upstream|backend|server|peer|origin|remote)\b.{0,40}\b(?:closed|reset|dropped|terminated|disconnect\w*)\b.{0,30}\b(?:connection|stream|before|without)?|\bbackend fetch failed\b|\bRemoteProtocolError\b|\bConnectionTerminated\b/i,
  ],
  [
    "response-malformed",
    /\bstream error: stream id \d+; (?:PROTOCOL_ERROR|STREAM_CLOSED|FRAME_SIZE_ERROR|COMPRESSION_ERROR)\b/i,
  ],
];

/** Pages for visitors use these words whatever the cause was. */
const SAID_FOR_ALL: ReadonlySet<CauseId> = new Set<CauseId>([
  "response-malformed",
  "response-timeout",
  "closed-before-response",
  "upstream-not-ready",
]);

/** nginx does not start, or keeps its old configuration: "[emerg]" says that much of any text. */
function emergency(text: string): GenericHit[] {
  const at = Math.max(0, text.indexOf("[emerg]"));
  return [{ class: "gateway-config-invalid", range: [at, at + "[emerg]".length], what: "[emerg]" }];
}

/** The first concept that each part names. */
export function conceptHits(text: string, parts: readonly Range[], facts: Facts): GenericHit[] {
  if (facts.side === "client") return [];
  if (facts.software === "nginx" && facts.level === "emerg") return emergency(text);
  return parts.flatMap(([start, end]) => {
    const part = text.slice(start, end);
    if (facts.software === undefined && !CONTEXT.test(part)) return [];
    for (const [cause, pattern] of CONCEPTS) {
      if (facts.format === "error-page" && SAID_FOR_ALL.has(cause)) continue;
      const found = pattern.exec(part);
      if (!found) continue;
      const at = start + found.index;
      return [{ class: cause, range: [at, at + found[0].length] as Range, what: found[0] }];
    }
    return [];
  });
}
