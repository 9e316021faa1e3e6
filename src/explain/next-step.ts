// What to do first about each class, with the reader's own addresses filled in, and what would settle the answer where
// it is not proven. One row per class; the pages have the rest.
import type { EntryClass } from "../knowledge/entry.ts";
import type { Facts, NextStep } from "./explanation.ts";
import { type Target, targetOf } from "./target.ts";

interface Row {
  readonly step: (target: Target, facts: Facts) => NextStep;
  /** What would turn likely into proven. */
  readonly settles: string;
}

const row = (settles: string, text: string, command?: (target: Target, facts: Facts) => string | null): Row => ({
  settles,
  step: (target, facts) => ({ text, command: command?.(target, facts) ?? null }),
});

const listening = ({ port, socket }: Target) => (socket ? `ss -lxp | grep '${socket}'` : `ss -ltnp 'sport = :${port}'`);
const dig = ({ host }: Target) => (/^[\d.]+$|^\[/.test(host) ? null : `dig +short ${host} A ${host} AAAA`);
const hostHeader = ({ site }: Target) => (site ? ` -H 'Host: ${site}'` : "");
const fetchOnce = (target: Target) => {
  if (target.socket)
    return `curl -sv --unix-socket ${target.socket}${hostHeader(target)} 'http://localhost${target.path}' -o /dev/null`;
  return `curl -sv${hostHeader(target)} '${target.url}' -o /dev/null`;
};
const timed = (target: Target) =>
  `${fetchOnce(target).replace("curl -sv", "curl -s")} -w 'connect %{time_connect}s, first byte %{time_starttransfer}s, total %{time_total}s, status %{http_code}\\n'`;
const tls = ({ host, port, site }: Target) =>
  `openssl s_client -connect ${host}:${port === "PORT" ? "443" : port}${sni(site ?? host)} -showcerts </dev/null`;
/** RFC 6066 §3: addresses are no server names. */
const sni = (name: string) => (/^[\d.]+$|^\[/.test(name) ? "" : ` -servername ${name}`);
const dates = (target: Target) =>
  `${tls(target)} 2>/dev/null | openssl x509 -noout -subject -issuer -dates -ext subjectAltName`;

const ROWS: Readonly<Record<Exclude<EntryClass, "unknown">, Row>> = {
  "client-closed-request": row(
    "The request's duration against the client's own timeout.",
    "Compare how long these requests had run with the client's or the outer proxy's timeout: a round number (30 s, 60 s) means that somebody in front gave up on a slow answer.",
    timed,
  ),
  "client-request-invalid": row(
    "The bytes of the request, as the gateway received them.",
    "Look at what the client sent: the gateway's log has the request line and the reason. If it comes from many addresses, it is a scanner and nothing is broken.",
  ),
  "client-request-too-large": row(
    "The size of the request beside the limit that refused it.",
    "Find which of the three limits refused it (target, header fields, body) and compare the request's size with its value; long cookies are the usual reason for the header limit.",
  ),
  "client-timeout": row(
    "The time from connecting to the last byte of the request.",
    "See whether these clients share a network or a kind of upload: the gateway waited for bytes of the request that did not come.",
  ),
  "request-denied": row(
    "The rule that matched, in the log of the firewall or the gateway.",
    "Find the rule that refused it: the log of the gateway or of the firewall in front names it by id.",
  ),
  "rate-limited": row(
    "The limit's counter at that moment.",
    "Find the zone or rule that counted, and who used it up: one address that is a proxy of many visitors is the usual surprise.",
  ),
  "gateway-config-invalid": row(
    "The configuration check of the gateway.",
    "Let the gateway check its configuration: it names file and line.",
    (_, { software }) => CHECKS[software ?? ""] ?? null,
  ),
  "route-not-found": row(
    "The list of routes or virtual hosts beside the Host of the request.",
    "Compare the Host and path of the request with the routes that are loaded (not those in the file).",
    (target) => `curl -sv -H 'Host: ${target.site ?? "SITE"}' http://127.0.0.1${target.path} -o /dev/null`,
  ),
  "gateway-internal-error": row(
    "The gateway's error log at that second.",
    "Read the gateway's own error log around that second: it failed by itself, before any upstream was at fault.",
  ),
  "gateway-resource-exhausted": row(
    "The limits of the process beside what it uses.",
    "Compare what the gateway's process uses with its limits.",
    () =>
      `for p in $(pgrep -d' ' -f 'nginx|haproxy|envoy|caddy|traefik|goodgate'); do echo "$p $(ls /proc/$p/fd | wc -l) of $(awk '/open files/{print $4}' /proc/$p/limits)"; done; ss -s`,
  ),
  "proxy-loop": row(
    "Via or X-Forwarded-For that names the same proxy twice.",
    "See where the upstream's name leads: if it resolves to the proxy itself, the request goes in a circle.",
    (target) => dig(target) ?? fetchOnce(target),
  ),
  "dns-not-resolved": row(
    "The answer of the resolver that the gateway uses.",
    "Ask the resolver that the gateway uses (its /etc/resolv.conf or its own setting, in its own container) for the name.",
    dig,
  ),
  "dns-timeout": row(
    "The time that the gateway's resolver takes.",
    "Ask the gateway's resolver for the name and look at the time: no answer means that the resolver or the way to it is down.",
    ({ host }) => `grep ^nameserver /etc/resolv.conf; dig ${host} | tail -n 5`,
  ),
  "connect-refused": row(
    "Whether anything listens on that address at that moment.",
    "On the machine of that address, see whether something listens on the port.",
    listening,
  ),
  "connect-timeout": row(
    "Whether a TCP connection from the gateway's machine gets any answer.",
    "From the gateway's machine, try to connect: silence is a firewall, a security group or a host that is gone; a refusal would be something else.",
    ({ host, port }) =>
      `timeout 5 bash -c '</dev/tcp/${host.replace(/^\[|\]$/g, "")}/${port}' && echo open || echo "no answer or refused"`,
  ),
  "network-unreachable": row(
    "The route of the gateway's machine to that address.",
    "Ask the gateway's machine for its route to the address.",
    ({ host }) => `ip route get ${host.replace(/^\[|\]$/g, "")}`,
  ),
  "connect-permission-denied": row(
    "Owner and mode of the socket and of each folder above it.",
    "See who may open the socket, down to its folders; on SELinux look for the denial.",
    ({ socket }) =>
      socket
        ? `namei -l ${socket}; ausearch -m avc -ts recent 2>/dev/null | tail -n 3`
        : "getsebool httpd_can_network_connect; ausearch -m avc -ts recent | tail -n 3",
  ),
  "socket-missing": row(
    "Whether the path exists where the gateway runs.",
    "See whether the socket exists where the gateway runs, and what path the application really listens on.",
    ({ socket }) => `ls -l ${socket ?? "/PATH/TO.sock"}; ss -lxp | head`,
  ),
  "no-healthy-upstream": row(
    "The first failure of each member before they were taken out.",
    "Look for the first failures before this line: each member was taken out for a reason of its own, and that reason is the cause.",
  ),
  "pool-exhausted": row(
    "The connections in use beside the limit.",
    "Compare the connections to that upstream with the limit that was reached; then ask what keeps them busy.",
    ({ port }) => `ss -tn state established '( dport = :${port} )' | wc -l`,
  ),
  "backend-absent": row(
    "Whether anything is deployed under that name.",
    "See whether anything is deployed, scaled up and registered under that name.",
    (_, { software }) =>
      /^(?:kubernetes|ingress-nginx)$/.test(software ?? "")
        ? "kubectl get deploy,pods,endpointslices -A | grep NAME"
        : null,
  ),
  "tunnel-disconnected": row(
    "The state of the tunnel's client on the origin.",
    "See whether the tunnel's client runs on the origin, and what its log says last.",
    () => "systemctl status cloudflared; journalctl -u cloudflared -n 30",
  ),
  "tls-handshake-failed": row(
    "A handshake with the same name from the gateway's machine.",
    "Repeat the handshake with the same name from the gateway's machine: the alert or the missing answer says which side refuses.",
    tls,
  ),
  "tls-plaintext-mismatch": row(
    "The first bytes that the port answers.",
    "See what the port speaks: ask it in plain HTTP.",
    ({ host, port, path }) => `curl -sv 'http://${host}:${port}${path}' -o /dev/null`,
  ),
  "tls-cert-untrusted": row(
    "The chain that the upstream sends, against the gateway's own CA store.",
    "Look at the chain that the upstream sends: a missing intermediate, a private CA or a self-signed certificate show at once.",
    tls,
  ),
  "tls-cert-expired": row(
    "The dates of the certificate that is served (not of the file on disk).",
    "Look at the dates of the certificate that is served, and at the clock of the gateway's machine.",
    dates,
  ),
  "tls-cert-name-mismatch": row(
    "The names in the certificate beside the name that was asked for.",
    "Compare the certificate's names with the name that the gateway asks for.",
    dates,
  ),
  "upstream-write-failed": row(
    "What the upstream did at the moment in which the request was sent.",
    "See whether the upstream ends connections while it still receives: a limit on bodies, or a process that dies, are the usual reasons.",
    fetchOnce,
  ),
  "closed-before-response": row(
    "The application's log at that second: a crash, a restart, or nothing at all.",
    "Look at the application's log and its process at that second: a crash or a restart shows there; if there is none, compare its keep-alive timeout with the gateway's idle time.",
    fetchOnce,
  ),
  "keepalive-race": row(
    "Failures on reused connections only, after idle times near the upstream's keep-alive timeout.",
    "Compare the upstream's keep-alive timeout with the time for which the gateway keeps idle connections: the gateway's must be shorter.",
    (target) => (target.socket ? null : `curl -sv '${target.url}' -o /dev/null 2>&1 | grep -i 'keep-alive'`),
  ),
  "response-timeout": row(
    "Where the application spent the time.",
    "Ask the application directly and take the time: if it is as slow there, look at what it waits for (database, another service, a lock); the gateway only stopped waiting.",
    timed,
  ),
  "response-header-too-large": row(
    "The size of the response's header fields.",
    "Measure the response's header: cookies that grew are the usual reason.",
    (target) => `${fetchOnce(target).replace("curl -sv", "curl -s")} -D - | wc -c`,
  ),
  "response-malformed": row(
    "The first bytes of the response.",
    "Look at the bytes that the application sends.",
    (target) => fetchOnce(target).replace("curl -sv", "curl -sv --raw"),
  ),
  "protocol-mismatch": row(
    "What the port speaks.",
    "See what the port speaks: HTTP/1.1, HTTP/2 without TLS, FastCGI, uwsgi and a database look alike to a gateway.",
    (target) => `${fetchOnce(target).replace("curl -sv", "curl -sv --http1.1")}`,
  ),
  "response-truncated": row(
    "The bytes that came beside Content-Length, directly from the application.",
    "Fetch the same from the application directly and see whether it is cut there too.",
    (target) => `${fetchOnce(target).replace("curl -sv", "curl -s")} -w '%{size_download} bytes, %{errormsg}\\n'`,
  ),
  "response-body-timeout": row(
    "Where the application stopped in the middle of its answer.",
    "Fetch the same directly and watch where it stops.",
    timed,
  ),
  "response-too-large": row(
    "The size of the response beside the platform's limit.",
    "Compare the size of the response with the platform's limit; large files belong into object storage or a stream.",
  ),
  "response-encoding-invalid": row(
    "The raw bytes: chunk sizes, gzip header.",
    "Look at the raw bytes of the answer.",
    (target) => fetchOnce(target).replace("curl -sv", "curl -sv --raw"),
  ),
  "upgrade-failed": row(
    "Whether Upgrade and Connection reach the application.",
    "Try the upgrade directly at the application, then through each proxy: the hop at which 101 turns into something else drops the fields.",
    (target) =>
      `curl -sv --http1.1 -H 'Connection: Upgrade' -H 'Upgrade: websocket' -H 'Sec-WebSocket-Version: 13' -H 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==' '${target.url}' -o /dev/null -m 5`,
  ),
  "app-crashed": row(
    "The last lines of the application before it ended, and its exit code.",
    "Read the last lines of the application before it ended, and its exit code.",
    (_, { software }) =>
      software === "kubernetes"
        ? "kubectl logs POD --previous --tail 50; kubectl describe pod POD | grep -A6 'Last State'"
        : "journalctl -u APP -n 50 --no-pager",
  ),
  "oom-killed": row(
    "The kernel's line of the kill, or OOMKilled in the container's state.",
    "Confirm the kill and see who used the memory.",
    () => "journalctl -k --no-pager | grep -iE 'out of memory|oom-kill' | tail -n 5",
  ),
  "worker-timeout": row(
    "What that worker was doing for so long.",
    "Find the request that the worker was in: the access log has it under the same time and pid; raising the worker's timeout only moves the wait to the gateway.",
  ),
  "upstream-saturated": row(
    "Busy workers and the accept queue at that time.",
    "See whether the application's workers or its accept queue are full.",
    ({ port, socket }) => (socket ? `ss -lx | grep '${socket}'` : `ss -ltn 'sport = :${port}'`),
  ),
  "upstream-not-ready": row(
    "What the health path answers, asked from the checker's place.",
    "Ask the health path the way the check does, and look at its status and time.",
    (target) => fetchOnce(target),
  ),
  "upstream-error-passthrough": row(
    "The log of the next hop.",
    "The upstream itself answered with this status: repeat the question one hop further, in its log.",
    fetchOnce,
  ),
  "status-only-502": row(
    "Which hop made the page: its Server and Via fields, its HTML, and whether the origin's log has the request.",
    "Which hop? See who made this page, then read that program's error log at that second.",
    ({ site, path }) =>
      `curl -sv 'https://${site ?? "SITE"}${path}' -o /dev/null 2>&1 | grep -iE '^< (HTTP|server|via|x-|cf-|proxy-status)'`,
  ),
  "not-an-error": row(
    "",
    "Nothing failed here. If visitors do see errors, look for lines of level error or crit, or with a status from 500, at the same time.",
  ),
};

const CHECKS: Readonly<Record<string, string>> = {
  nginx: "nginx -t",
  "ingress-nginx": "kubectl logs -n ingress-nginx deploy/ingress-nginx-controller --tail 50 | grep -iE 'error|emerg'",
  haproxy: "haproxy -c -f /etc/haproxy/haproxy.cfg",
  caddy: "caddy validate --config /etc/caddy/Caddyfile",
  apache: "apachectl configtest",
  envoy: "envoy --mode validate -c /etc/envoy/envoy.yaml",
  goodgate: "goodgate check goodgate.yaml",
};

/** The first thing to do. */
export function nextStep(of: EntryClass | null, facts: Facts): NextStep {
  if (of === null || of === "unknown")
    return {
      text: "Look for the lines around this one: the program that failed says more in its own log, at level error, in the same second.",
      command: null,
    };
  return ROWS[of].step(targetOf(facts), facts);
}

/** What would settle it; null where nothing is open. */
export function settles(of: EntryClass): string | null {
  return of === "unknown" ? "The lines around this one." : ROWS[of].settles || null;
}
