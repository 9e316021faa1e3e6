// Chains as they are run, each with what is wrong in it: all its risks, and the notes that matter. A chain that is set
// up sensibly has no risk, whatever notes it has.

/** A chain, and what must be found: "outer > inner rule". */
export interface ChainCase {
  readonly name: string;
  readonly spec: string;
  /** All risks, no others. */
  readonly risks: readonly string[];
  /** Notes that must be among the found. */
  readonly notes?: readonly string[];
  /** Rules that must find nothing, not even a note. */
  readonly silent?: readonly string[];
  /** What the fix of the first risk or named note must say. */
  readonly fix?: string;
}

/** The corpus. */
export const CASES: readonly ChainCase[] = [
  {
    name: "ALB 60 s over Node 5 s",
    spec: "alb > node",
    risks: ["alb > node keepalive-order"],
    fix: "server.keepAliveTimeout = 65_000; server.headersTimeout = 66_000;",
  },
  {
    name: "ALB over Express",
    spec: "alb > express",
    risks: ["alb > express keepalive-order"],
    fix: "server.keepAliveTimeout = 65_000",
  },
  {
    name: "ALB over Next.js",
    spec: "alb > next",
    risks: ["alb > next keepalive-order"],
    fix: "next start --keepAliveTimeout 65000",
  },
  { name: "ALB over Fastify 72 s", spec: "alb > fastify", risks: [], silent: ["keepalive-order"] },
  {
    name: "ALB over Apache 5 s",
    spec: "alb > apache > php",
    risks: ["alb > apache keepalive-order"],
    fix: "KeepAliveTimeout 65",
  },
  { name: "ALB over nginx 75 s", spec: "alb > nginx", risks: [], silent: ["keepalive-order"] },
  { name: "ALB over Kestrel 130 s", spec: "alb > kestrel", risks: [], silent: ["keepalive-order"] },
  { name: "ALB over Puma 65 s", spec: "alb > puma", risks: [], silent: ["keepalive-order"] },
  { name: "ALB over Puma before 7", spec: "alb > puma(persistent_timeout=20)", risks: ["alb > puma keepalive-order"] },
  {
    name: "ALB and Tomcat both 60 s",
    spec: "alb > tomcat",
    risks: ["alb > tomcat keepalive-order"],
    fix: 'keepAliveTimeout="65000"',
  },
  {
    name: "ALB over Jetty 30 s",
    spec: "alb > jetty",
    risks: ["alb > jetty keepalive-order"],
    fix: "jetty.http.idleTimeout=65000",
  },
  {
    name: "ALB over Node as it should be",
    spec: "alb > node(keepAliveTimeout=65000)",
    risks: [],
    silent: ["keepalive-order"],
  },
  {
    name: "ALB over Node with a margin that is too small",
    spec: "alb > node(keepAliveTimeout=61s)",
    risks: [],
    notes: ["alb > node keepalive-order"],
  },
  {
    name: "ALB raised for long answers, Node left at 65 s",
    spec: "alb(idle_timeout=300s) > node(keepAliveTimeout=65s)",
    risks: ["alb > node keepalive-order"],
    fix: "server.keepAliveTimeout = 310_000",
  },
  {
    name: "GCP 600 s over uvicorn 5 s",
    spec: "gcp > uvicorn",
    risks: ["gcp > uvicorn keepalive-order"],
    fix: "uvicorn --timeout-keep-alive 620",
  },
  {
    name: "GCP 600 s over nginx 75 s",
    spec: "gcp > nginx > php-fpm",
    risks: ["gcp > nginx keepalive-order"],
    fix: "keepalive_timeout 620s;",
  },
  { name: "GCP over Node at 620 s", spec: "gcp > node(keepAliveTimeout=620s)", risks: [], silent: ["keepalive-order"] },
  {
    name: "nginx 60 s over gunicorn 2 s",
    spec: "nginx > gunicorn",
    risks: ["nginx > gunicorn keepalive-order"],
    notes: ["nginx > gunicorn worker-not-below-gateway-silently"],
    fix: "keepalive_timeout 1s;",
  },
  {
    name: "nginx keeps 60 s over Node 5 s",
    spec: "nginx(upstream-idle=60s) > node(keepAliveTimeout=5s)",
    risks: ["nginx > node keepalive-order"],
    fix: "keepalive_timeout 4s;",
  },
  { name: "nginx 4 s over Node 5 s", spec: "nginx(upstream-idle=4s) > node", risks: [], silent: ["keepalive-order"] },
  {
    name: "Envoy 1 h over nginx",
    spec: "envoy > nginx > go",
    risks: ["envoy > nginx keepalive-order"],
    notes: ["envoy > nginx response-order"],
    fix: "common_http_protocol_options: { idle_timeout: 70s }",
  },
  {
    name: "Envoy 1 h over Node",
    spec: "envoy > node",
    risks: ["envoy > node keepalive-order"],
    fix: "idle_timeout: 4s",
  },
  { name: "Envoy 1 h over Go, which keeps them", spec: "envoy > go", risks: [], silent: ["keepalive-order"] },
  { name: "Istio over Kestrel", spec: "istio > kestrel", risks: ["istio > kestrel keepalive-order"] },
  {
    name: "Traefik 90 s over Node",
    spec: "traefik > node",
    risks: ["traefik > node keepalive-order"],
    fix: "server.keepAliveTimeout = 95_000",
  },
  { name: "Caddy 120 s over Node", spec: "caddy > node", risks: ["caddy > node keepalive-order"], fix: "keepalive 4s" },
  { name: "Go's transport 90 s over gunicorn", spec: "go > gunicorn", risks: ["go > gunicorn keepalive-order"] },
  {
    name: "cloudflared 90 s over Node",
    spec: "cloudflare > cloudflared > node",
    risks: ["cloudflared > node keepalive-order"],
  },
  { name: "undici 4 s over Node 5 s", spec: "undici > node", risks: [], silent: ["keepalive-order"] },
  { name: "HAProxy over Node", spec: "haproxy > node", risks: [], notes: ["haproxy > node keepalive-order"] },
  { name: "Goodgate over Node", spec: "goodgate > node", risks: [], silent: ["keepalive-order"] },
  {
    name: "Cloudflare 900 s over nginx is normal",
    spec: "cloudflare > nginx > php-fpm",
    risks: [],
    notes: ["cloudflare > nginx keepalive-order"],
    fix: "nothing has to be changed",
  },
  {
    name: "Envoy over an NLB over nginx",
    spec: "envoy > nlb > nginx",
    risks: ["envoy > nginx keepalive-order"],
    fix: "idle_timeout: 70s",
  },
  {
    name: "Envoy over an NLB, the application keeps longer",
    spec: "envoy > nlb > go",
    risks: ["envoy > nlb keepalive-order"],
  },
  {
    name: "Cloudflare 120 s over an application that takes 180 s",
    spec: "cloudflare > nginx(proxy_read_timeout=180s) > node",
    risks: ["cloudflare > nginx response-order", "nginx > node keepalive-order"],
  },
  {
    name: "Cloudflare at 100 s over gunicorn at 120 s",
    spec: "cloudflare(response=100s) > gunicorn(timeout=120)",
    risks: ["cloudflare > gunicorn response-order"],
    fix: "gunicorn --timeout 95",
  },
  {
    name: "API Gateway 29 s over a service with 60 s",
    spec: "apigw > alb > node(keepAliveTimeout=65s)",
    risks: [],
    notes: ["apigw > alb response-order"],
  },
  {
    name: "API Gateway 29 s over Lambda at 60 s",
    spec: "api-gateway > lambda(timeout=60s)",
    risks: ["api-gateway > lambda response-order"],
  },
  {
    name: "API Gateway over Lambda",
    spec: "api-gateway > lambda",
    risks: [],
    silent: ["response-order", "worker-not-below-gateway-silently"],
  },
  {
    name: "Heroku 30 s over gunicorn at 120 s",
    spec: "heroku > gunicorn(--timeout=120)",
    risks: ["heroku > gunicorn response-order"],
    fix: "gunicorn --timeout 25",
  },
  { name: "Heroku over Puma", spec: "heroku > puma > postgres", risks: [] },
  {
    name: "gunicorn's worker 30 s below nginx 60 s",
    spec: "nginx(upstream-idle=1s) > gunicorn",
    risks: [],
    notes: ["nginx > gunicorn worker-not-below-gateway-silently"],
    fix: "proxy_read_timeout 25s;",
  },
  {
    name: "PHP-FPM terminates at 30 s below nginx 60 s",
    spec: "nginx > php-fpm(request_terminate_timeout=30s)",
    risks: [],
    notes: ["nginx > php-fpm worker-not-below-gateway-silently"],
  },
  {
    name: "nginx raised to 300 s behind an ALB",
    spec: "alb > nginx(proxy_read_timeout=300s) > php-fpm",
    risks: ["alb > nginx response-order"],
    fix: "proxy_read_timeout 55s;",
  },
  {
    name: "both raised",
    spec: "alb(idle_timeout=310s) > nginx(proxy_read_timeout=300s, keepalive_timeout=320s)",
    risks: [],
  },
  {
    name: "HAProxy waits without an end over a worker that is raised",
    spec: "haproxy > gunicorn(timeout=120)",
    risks: [],
    silent: ["response-order"],
  },
  {
    name: "the limit shows through a hop that has none",
    spec: "alb > traefik > gunicorn(timeout=120, keepalive=95)",
    risks: ["alb > gunicorn response-order"],
  },
  {
    name: "Azure drops silent flows after 4 minutes",
    spec: "azure-lb > nginx(proxy_read_timeout=300s) > php-fpm",
    risks: ["azure-lb > nginx response-order"],
  },
  {
    name: "HAProxy's three retries at 10 s behind API Gateway's 29 s",
    spec: "apigw > haproxy(timeout connect=10s, retries=3) > go",
    risks: ["apigw > haproxy retry-budget"],
  },
  {
    name: "HAProxy as in its manual",
    spec: "haproxy(timeout connect=5s, timeout client=50s, timeout server=50s) > go",
    risks: [],
  },
  {
    name: "nginx waits a minute for a connection",
    spec: "nginx > go",
    risks: [],
    notes: ["nginx > go connect-short"],
    fix: "proxy_connect_timeout 5s;",
  },
  {
    name: "tunnels kept for an hour behind an ALB",
    spec: "alb > haproxy(timeout tunnel=1h) > go",
    risks: [],
    notes: ["alb > haproxy stream-heartbeat"],
  },
  {
    name: "nothing but an application and its database",
    spec: "node > postgres",
    risks: [],
    silent: ["keepalive-order", "response-order"],
  },
  { name: "nginx in front of an application without a timeout", spec: "nginx > go > postgres", risks: [] },
  {
    name: "a sensible chain of five",
    spec: "cloudflare > alb > nginx(proxy_read_timeout=55s, upstream-idle=60s, proxy_connect_timeout=3s) > node(keepAliveTimeout=65s) > postgres",
    risks: [],
    silent: ["response-order", "connect-short"],
  },
];
