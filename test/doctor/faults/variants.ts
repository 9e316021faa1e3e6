// Cases that differ from a neighbour in the evidence that is given, or in the program at its edge. They run where all
// are asked for (GOODGATE_DOCTOR_LAB=all, as table.mjs does), so that an everyday run takes a minute.
const TEXT = `
dns/no-addresses dns/dangling-alias dns/upstream-servfail-log
connect/dead-app-all connect/dead-app-origin connect/dead-app-elsewhere connect/haproxy-dead-app-log
connect/caddy-dead-app-log connect/goodgate-dead-app-config connect/wrong-address connect/ipv6-only-app
connect/two-tiers-dead-inner connect/black-hole-elsewhere connect/black-hole-log
socket/missing-log socket/stale socket/permission-config
tls-edge/not-yet-valid tls-edge/unknown-ca tls-edge/haproxy-expired tls-edge/expired-origin-well tls-edge/old-version
tls-edge/closed tls-edge/reset
tls-origin/expired-config-only tls-origin/self-signed tls-origin/wrong-name tls-origin/https-to-plain-port-log
tls-origin/expired-origin-given
response/slow-app-nginx-log response/slow-app-haproxy-log response/slow-app-nginx-url-only response/closed-log
response/reset-config response/reset-log response/closed-mid-head response/nul-in-head response/malformed-haproxy-log
response/http2-only response/head-too-large-log response/two-tiers-slow-app response/silent-app
body/cut-log body/reset-config body/cut-between-chunks body/stalled-log body/cut-app-direct
pool/one-of-three-refused-log pool/one-of-three-closes pool/all-refused-log pool/health-path-haproxy-config
pool/disabled-haproxy pool/max-conns-nginx
gateway/denied-log gateway/denied-haproxy gateway/denied-caddy gateway/rate-limited-url-only
gateway/redirect-loop-nginx gateway/unknown-host-444
app/500-origin app/500-url-only app/502-like-nginx app/500-goodgate app/killed app/two-tiers-500
dressed/own-page-url-only dressed/redirect-to-500 dressed/closes-sometimes
apache/dead-app-log apache/500 varnish/dead-app-url-only
healthy/gone healthy/bad-request healthy/to-login healthy/not-found healthy/welcome healthy/no-content
healthy/https-intermediate healthy/large-head healthy/keepalive-order healthy/early-hints healthy/ipv6-address
`;

export const VARIANTS: ReadonlySet<string> = new Set(TEXT.split(/\s+/).filter((name) => name !== ""));
