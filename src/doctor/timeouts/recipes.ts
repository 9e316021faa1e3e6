// How a timer is set in each program's own words, for the fixes. A program that has no recipe gets the plain setting;
// one whose value nobody can set (fixed by its provider) has null.
import type { Ms } from "../../std/units.ts";
import type { SoftwareId } from "../software.ts";
import type { HopTimer, TimerId } from "./model.ts";
import { shownMs } from "./values.ts";

type Recipe = (ms: Ms) => string;
type Recipes = Partial<Record<SoftwareId, Recipe | null>>;

const seconds = (ms: Ms): number => Math.max(1, Math.round(ms / 1000));
/** 65000 → "65_000". */
const grouped = (ms: Ms): string => String(Math.round(ms)).replaceAll(/\B(?=(?:\d{3})+$)/g, "_");
const node: Recipe = (ms) =>
  `\`server.keepAliveTimeout = ${grouped(ms)}; server.headersTimeout = ${grouped(Math.max(ms + 1000, 60_000))};\``;

const CLIENT_IDLE: Recipes = {
  nginx: (ms) => `\`keepalive_timeout ${seconds(ms)}s;\` in http or server`,
  haproxy: (ms) => `\`timeout http-keep-alive ${seconds(ms)}s\``,
  envoy: (ms) =>
    `\`common_http_protocol_options: { idle_timeout: ${seconds(ms)}s }\` of the listener's connection manager`,
  caddy: (ms) => `\`servers { timeouts { idle ${seconds(ms)}s } }\``,
  traefik: (ms) => `\`entryPoints.NAME.transport.respondingTimeouts.idleTimeout: ${seconds(ms)}s\``,
  apache: (ms) => `\`KeepAliveTimeout ${seconds(ms)}\``,
  varnish: (ms) => `\`-p timeout_idle=${seconds(ms)}\``,
  goodgate: (ms) => `\`client: { timeouts: { idle: ${seconds(ms)}s } }\``,
  node,
  express: (ms) => `\`const server = app.listen(…)\` and ${node(ms)}`,
  fastify: (ms) => `\`Fastify({ keepAliveTimeout: ${grouped(ms)} })\``,
  nextjs: (ms) => `\`next start --keepAliveTimeout ${Math.round(ms)}\``,
  gunicorn: (ms) => `\`gunicorn --keep-alive ${seconds(ms)}\``,
  uvicorn: (ms) => `\`uvicorn --timeout-keep-alive ${seconds(ms)}\``,
  puma: (ms) => `\`persistent_timeout ${seconds(ms)}\``,
  go: (ms) => `\`http.Server{IdleTimeout: ${seconds(ms)} * time.Second}\``,
  tomcat: (ms) =>
    `\`keepAliveTimeout="${Math.round(ms)}"\` of the connector (Spring Boot: \`server.tomcat.keep-alive-timeout=${seconds(ms)}s\`)`,
  jetty: (ms) => `\`jetty.http.idleTimeout=${Math.round(ms)}\``,
  kestrel: (ms) => `\`options.Limits.KeepAliveTimeout = TimeSpan.FromSeconds(${seconds(ms)})\``,
  "aws-alb": (ms) => `\`idle_timeout.timeout_seconds=${seconds(ms)}\``,
  cloudflare: null,
};

const UPSTREAM_IDLE: Recipes = {
  nginx: (ms) => `\`keepalive_timeout ${seconds(ms)}s;\` in the upstream block`,
  envoy: (ms) =>
    `\`common_http_protocol_options: { idle_timeout: ${seconds(ms)}s }\` in the cluster's HttpProtocolOptions (Istio: \`connectionPool.http.idleTimeout: ${seconds(ms)}s\` of the DestinationRule)`,
  caddy: (ms) => `\`transport http { keepalive ${seconds(ms)}s }\``,
  traefik: (ms) => `\`http.serversTransports.NAME.forwardingTimeouts.idleConnTimeout: ${seconds(ms)}s\``,
  apache: (ms) => `\`ttl=${seconds(ms)}\` of the ProxyPass`,
  varnish: (ms) => `\`-p backend_idle_timeout=${seconds(ms)}\``,
  kong: (ms) => `\`upstream_keepalive_idle_timeout = ${seconds(ms)}\``,
  haproxy: (ms) => `\`pool-purge-delay ${seconds(ms)}s\` of the server`,
  goodgate: (ms) => `\`keepalive: { idle: ${seconds(ms)}s }\` of the upstream`,
  go: (ms) => `\`http.Transport{IdleConnTimeout: ${seconds(ms)} * time.Second}\``,
  undici: (ms) => `\`new Agent({ keepAliveTimeout: ${grouped(ms)} })\``,
  cloudfront: (ms) => `an origin keep-alive timeout of ${seconds(ms)} s`,
  cloudflared: (ms) => `\`keepAliveTimeout: ${seconds(ms)}s\` of originRequest`,
  // One timer on both sides of the balancer: lowering it for the targets cuts slow responses.
  "aws-alb": null,
  "google-lb": null,
  "azure-app-gateway": null,
  cloudflare: null,
};

const RESPONSE: Recipes = {
  nginx: (ms) => `\`proxy_read_timeout ${seconds(ms)}s;\``,
  haproxy: (ms) => `\`timeout server ${seconds(ms)}s\``,
  envoy: (ms) => `\`timeout: ${seconds(ms)}s\` of the route`,
  caddy: (ms) => `\`transport http { response_header_timeout ${seconds(ms)}s }\``,
  traefik: (ms) => `\`http.serversTransports.NAME.forwardingTimeouts.responseHeaderTimeout: ${seconds(ms)}s\``,
  apache: (ms) => `\`ProxyTimeout ${seconds(ms)}\``,
  gunicorn: (ms) => `\`gunicorn --timeout ${seconds(ms)}\``,
  goodgate: (ms) => `\`timeouts: { head: ${shownMs(ms)} }\` of the upstream`,
  "aws-alb": (ms) => `\`idle_timeout.timeout_seconds=${seconds(ms)}\``,
  "google-lb": (ms) => `\`--timeout=${seconds(ms)}\` of the backend service`,
  "php-fpm": (ms) => `\`request_terminate_timeout = ${seconds(ms)}s\``,
  uwsgi: (ms) => `\`harakiri = ${seconds(ms)}\``,
  heroku: null,
  "aws-nlb": (ms) => `a TCP idle timeout of ${seconds(ms)} s`,
  "azure-lb": (ms) => `an idle timeout of ${Math.ceil(ms / 60_000)} min`,
  cloudfront: (ms) => `an origin response timeout of ${seconds(ms)} s`,
  cloudflare: (ms) => `a proxy read timeout of ${seconds(ms)} s (Enterprise)`,
};

/** How to set that timer to that value; null = nobody can. */
export function recipeOf(
  software: SoftwareId,
  timer: Pick<HopTimer, "id" | "setting" | "from">,
  ms: Ms,
): string | null {
  const recipe = tableOf(timer.id)?.[software];
  if (recipe === null) return null;
  // A setting of another name than the table's (fastcgi_read_timeout) is said by its own.
  if (recipe && (timer.from !== "config" || sounds(recipe(ms), timer.setting))) return recipe(ms);
  return plainSetting(software, timer.setting, ms);
}

function plainSetting(software: SoftwareId, setting: string, ms: Ms): string {
  if (software === "nginx") return `\`${setting} ${seconds(ms)}s;\``;
  if (software === "haproxy") return `\`${setting} ${seconds(ms)}s\``;
  if (software === "apache") return `\`${setting} ${seconds(ms)}\``;
  return /\s/.test(setting) ? `${setting} of ${shownMs(ms)}` : `\`${setting}\` = ${shownMs(ms)}`;
}

function tableOf(id: TimerId): Recipes | null {
  if (id === "client-idle") return CLIENT_IDLE;
  if (id === "upstream-idle") return UPSTREAM_IDLE;
  return id === "response" || id === "total" || id === "worker" ? RESPONSE : null;
}

function sounds(recipe: string, setting: string): boolean {
  const plain = (text: string): string => text.toLowerCase().replaceAll(/[^a-z0-9]/g, "");
  const last = setting.split(/[.\s]/).at(-1) ?? setting;
  return (
    plain(recipe).includes(plain(setting)) || plain(recipe).includes(plain(last)) || /keep-?alive|idle/i.test(setting)
  );
}
