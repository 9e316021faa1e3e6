// Timers of content delivery networks, cloud balancers and function platforms, by their defaults. A value that
// cannot be set is said so in its note. Read on 2026-11-21; `source` says where, `confidence` how well it is known.
import { type DefaultRow, row, timer } from "./default-row.ts";

/** One row per setting. */
// biome-ignore format: a table is read by columns
export const CLOUD_DEFAULTS: readonly DefaultRow[] = [
  row("aws-alb", "client-facing", "idle_timeout.timeout_seconds", 60, "s", "closes connection; 504 if a response was outstanding", "doc", "AWS ALB load balancer attributes; awsdocs load-balancer-troubleshooting.md", "1-4000 s; same timer on both sides", "application keep-alive must be longer than this", timer("client-idle", 60_000, "idle_timeout"), timer("upstream-idle", 60_000, "idle_timeout"), timer("response", 60_000, "idle_timeout"), timer("tunnel-idle", 60_000, "idle_timeout")),
  row("aws-alb", "client-facing", "client_keep_alive.seconds", 3600, "s", "connection closed", "known", "AWS ALB load balancer attributes", "60-604800 s", ""),
  row("aws-alb", "upstream-facing", "target connection timeout", 10, "s", "504", "doc", "awsdocs load-balancer-troubleshooting.md", "fixed", "", timer("connect", 10_000)),
  row("aws-alb", "upstream-facing", "target TLS handshake timeout", 10, "s", "502", "doc", "awsdocs load-balancer-troubleshooting.md", "fixed", ""),
  row("aws-alb", "upstream-facing", "deregistration_delay.timeout_seconds", 300, "s", "502 for requests still running", "known", "AWS target group attributes", "", "", timer("drain", 300_000, "deregistration_delay")),
  row("aws-nlb", "tunnel/l4", "TCP idle timeout", 350, "s", "flow dropped; RST to later packets", "known", "AWS NLB listener attributes", "60-6000 s configurable since 2024; UDP 120 s", "TCP keep-alive or application traffic more often than this", timer("tunnel-idle", 350_000)),
  row("aws-api-gateway", "upstream-facing", "integration timeout (REST, HTTP)", 29, "s", "504", "known", "AWS API Gateway quotas", "HTTP APIs 30 s; REST raisable since 2024", "", timer("total", 29_000, "integration timeout")),
  row("lambda", "worker", "function timeout", 3, "s", "task timed out -> 502", "known", "AWS Lambda quotas", "up to 900 s", "", timer("worker", 3000)),
  row("cloudfront", "upstream-facing", "origin response timeout", 30, "s", "504", "known", "CloudFront developer guide", "1-120 s, more by request", "", timer("response", 30_000)),
  row("cloudfront", "upstream-facing", "origin keep-alive timeout", 5, "s", "idle connection closed", "known", "CloudFront developer guide", "1-120 s", "", timer("upstream-idle", 5000)),
  row("cloudfront", "upstream-facing", "connection timeout x attempts", 10, "s x 3", "502/504", "known", "CloudFront developer guide", "1-10 s, 1-3 attempts", "", timer("connect", 10_000, "connection timeout"), timer("tries", 3, "connection attempts")),
  row("cloudflare", "client-facing", "HTTP/1.1 keep-alive, HTTP/2 idle", 400, "s", "connection closed", "doc", "cloudflare-docs fundamentals/reference/connection-limits.mdx", "", "", timer("client-idle", 400_000, "keep-alive")),
  row("cloudflare", "upstream-facing", "complete TCP connection", 19, "s", "522", "doc", "cloudflare-docs connection-limits.mdx, error-522.mdx", "", "", timer("connect", 19_000, "connect timeout")),
  row("cloudflare", "upstream-facing", "TCP ACK timeout", 90, "s", "522", "doc", "cloudflare-docs connection-limits.mdx", "", ""),
  row("cloudflare", "upstream-facing", "proxy read timeout", 120, "s", "524", "doc", "cloudflare-docs error-524.mdx", "the two stored pages disagree: error-524.mdx says 120 s, connection-limits.mdx says 100 s (older); accept 100-125 s in the duration heuristic; Enterprise up to 6000 s", "application timeout below it, or poll", timer("response", 120_000)),
  row("cloudflare", "upstream-facing", "proxy write timeout", 30, "s", "524", "doc", "cloudflare-docs connection-limits.mdx", "", ""),
  row("cloudflare", "upstream-facing", "proxy idle timeout", 900, "s", "520 if the origin closed meanwhile", "doc", "cloudflare-docs connection-limits.mdx", "", "origin keep-alive shorter than 900 s is normal: Cloudflare retries idempotent requests", timer("upstream-idle", 900_000)),
  row("google-lb", "client-facing", "client HTTP keep-alive", 610, "s", "connection closed", "known", "Google Cloud load balancing docs (timeouts)", "configurable 5-1200 s on global", "", timer("client-idle", 610_000)),
  row("google-lb", "upstream-facing", "backend keep-alive", 600, "s", "idle connection closed", "doc", "Google Cloud load balancing docs; two public notes found by string search", "not configurable", "backend keep-alive above 600 s (620 s is the usual choice)", timer("upstream-idle", 600_000)),
  row("google-lb", "upstream-facing", "backend service timeout", 30, "s", "504 (Envoy-based) or 502 (classic)", "known", "Google Cloud load balancing docs", "for WebSockets the maximum connection lifetime on classic", "", timer("total", 30_000)),
  row("azure-app-gateway", "upstream-facing", "backend setting request timeout", 20, "s", "504 (v2) or 502 (v1)", "doc", "MicrosoftDocs http-response-codes.md", "value 20 s: known", "", timer("response", 20_000, "request timeout")),
  row("azure-app-gateway", "client-facing", "keep-alive timeout", 75, "s", "connection closed", "known", "Azure FAQ", "v1 120 s; TCP idle 240 s", "", timer("client-idle", 75_000)),
  row("azure-app-gateway", "upstream-facing", "backend connection idle", 60, "s", "connection closed", "unsure", "Azure FAQ", "", "", timer("upstream-idle", 60_000)),
  row("azure-front-door", "upstream-facing", "origin response timeout", 60, "s", "504 OriginTimeout", "known", "Azure Front Door docs", "16-240 s; 30 s in Classic docs: unsure", "", timer("response", 60_000)),
  row("azure-lb", "tunnel/l4", "TCP idle timeout", 240, "s", "silent drop, or RST if enabled", "known", "Azure Load Balancer docs", "4-100 min", "", timer("tunnel-idle", 240_000)),
  row("heroku", "upstream-facing", "first byte", 30, "s", "503 H12", "doc", "Heroku docs; issues sendgrid 17", "", "", timer("response", 30_000)),
  row("heroku", "upstream-facing", "rolling idle after first byte", 55, "s", "503 H15", "known", "Heroku docs", "", "", timer("tunnel-idle", 55_000, "rolling idle")),
  row("heroku", "upstream-facing", "boot timeout", 60, "s", "R10", "known", "Heroku docs", "", ""),
  row("vercel", "worker", "maxDuration", "plan dependent (10-300)", "s", "504 FUNCTION_INVOCATION_TIMEOUT", "doc", "Vercel docs; vercel/community 1813", "", ""),
  row("fastly", "upstream-facing", "connect / first byte / between bytes", "1 / 15 / 10", "s", "503", "known", "Fastly backend docs", "", "", timer("connect", 1000, "connect_timeout"), timer("response", 15_000, "first_byte_timeout"), timer("response", 10_000, "between_bytes_timeout")),
  row("akamai", "upstream-facing", "read timeout", 120, "s", "ERR_READ_TIMEOUT", "unsure", "public gist found by search", "", "", timer("response", 120_000)),
];
