// The programs and services that doctor knows as hops. One list for fingerprints, configurations, logs and timeouts.

/** What a hop can be. */
export type HopKind = "client" | "cdn" | "balancer" | "gateway" | "app" | "database";

export interface Software {
  readonly name: string;
  readonly kind: HopKind;
  /** What people write for it in --chain, besides its id. */
  readonly aliases: readonly string[];
}

const row = (name: string, kind: HopKind, ...aliases: string[]): Software => ({ name, kind, aliases });

const table = {
  client: row("client", "client", "browser", "user"),
  cloudflare: row("Cloudflare", "cdn", "cf"),
  cloudfront: row("CloudFront", "cdn"),
  fastly: row("Fastly", "cdn"),
  akamai: row("Akamai", "cdn"),
  "azure-front-door": row("Azure Front Door", "cdn", "frontdoor", "afd"),
  netlify: row("Netlify", "cdn"),
  vercel: row("Vercel", "cdn"),
  "aws-alb": row("AWS ALB", "balancer", "alb", "elb", "awselb"),
  "aws-nlb": row("AWS NLB", "balancer", "nlb"),
  "aws-api-gateway": row("AWS API Gateway", "balancer", "apigateway", "api-gateway", "apigw"),
  "google-lb": row("Google Cloud load balancer", "balancer", "gcp", "gclb", "gfe", "google"),
  "azure-app-gateway": row("Azure Application Gateway", "balancer", "appgw", "application-gateway", "azure"),
  "azure-lb": row("Azure Load Balancer", "balancer"),
  heroku: row("Heroku router", "balancer"),
  nginx: row("nginx", "gateway", "openresty", "ingress-nginx", "nginx-ingress"),
  haproxy: row("HAProxy", "gateway"),
  envoy: row("Envoy", "gateway", "istio"),
  caddy: row("Caddy", "gateway"),
  traefik: row("Traefik", "gateway"),
  apache: row("Apache httpd", "gateway", "httpd", "apache2"),
  varnish: row("Varnish", "gateway"),
  goodgate: row("Goodgate", "gateway"),
  cloudflared: row("cloudflared", "gateway"),
  kong: row("Kong", "gateway"),
  iis: row("IIS", "gateway"),
  squid: row("Squid", "gateway"),
  node: row("Node.js", "app", "nodejs", "node.js", "koa", "hapi", "nuxt", "sveltekit"),
  express: row("Express", "app", "nestjs", "nest"),
  fastify: row("Fastify", "app"),
  nextjs: row("Next.js", "app", "next"),
  undici: row("undici", "app", "fetch"),
  gunicorn: row("gunicorn", "app"),
  uvicorn: row("uvicorn", "app", "fastapi", "starlette"),
  uwsgi: row("uWSGI", "app"),
  puma: row("Puma", "app", "rails", "ruby-on-rails", "sinatra"),
  go: row("Go net/http", "app", "golang", "gin", "chi"),
  tomcat: row("Tomcat", "app", "spring", "spring-boot"),
  jetty: row("Jetty", "app"),
  kestrel: row("Kestrel", "app", "dotnet", "aspnet"),
  "php-fpm": row("PHP-FPM", "app", "php", "fpm", "laravel", "symfony", "wordpress", "drupal"),
  lambda: row("AWS Lambda", "app"),
  postgres: row("PostgreSQL", "database", "postgresql", "pg"),
  mysql: row("MySQL", "database", "mariadb"),
  redis: row("Redis", "database"),
  // Django and Flask run in a server of one's choice: nothing is known of their timers.
  app: row("application", "app", "origin", "backend", "django", "flask"),
} satisfies Record<string, Software>;

export type SoftwareId = keyof typeof table;

/** id → what it is. */
export const SOFTWARE: Readonly<Record<SoftwareId, Software>> = table;

const byName = new Map<string, SoftwareId>();
for (const [id, { name, aliases }] of Object.entries(SOFTWARE) as [SoftwareId, Software][])
  for (const each of [id, name, ...aliases]) byName.set(each.toLowerCase(), id);

/** The software that a word stands for, as id, name or alias in any case; null = none that is known. */
export function softwareOf(word: string): SoftwareId | null {
  return byName.get(word.trim().toLowerCase()) ?? null;
}

/** All ids, for messages. */
export const SOFTWARE_IDS = Object.keys(SOFTWARE) as readonly SoftwareId[];
