// Which program an image holds, where its name says so plainly; null = it does not.
import type { SoftwareId } from "../software.ts";

const IMAGES: readonly (readonly [pattern: RegExp, software: SoftwareId])[] = [
  [/^(?:nginx|nginx-unprivileged|openresty|nginx-proxy|nginx-alpine|tengine|angie)$/, "nginx"],
  [/(?:^|\/)ingress-nginx\/controller$|nginx-ingress(?:-controller)?$/, "nginx"],
  [/^haproxy(?:-(?:alpine|debian|ubi))?$|haproxy-ingress$/, "haproxy"],
  [/^(?:envoy|envoy-alpine|envoy-distroless|proxyv2)$/, "envoy"],
  [/^caddy(?:-docker-proxy)?$/, "caddy"],
  [/^traefik$/, "traefik"],
  [/^(?:httpd|apache2?)$/, "apache"],
  [/^varnish$/, "varnish"],
  [/^kong(?:-gateway)?$/, "kong"],
  [/^squid$/, "squid"],
  [/^goodgate$/, "goodgate"],
  [/^cloudflared$/, "cloudflared"],
  [/^node$/, "node"],
  [/^tomcat$/, "tomcat"],
  [/^jetty$/, "jetty"],
  [/^aspnet$/, "kestrel"],
  [/^(?:postgres|postgresql|timescaledb|postgis)$/, "postgres"],
  [/^(?:mysql|mariadb|mysql-server|percona)$/, "mysql"],
  [/^(?:redis|redis-stack|redis-stack-server)$/, "redis"],
];

/** The program of an image: "nginx:1.27-alpine", "docker.io/bitnami/postgresql". */
export function softwareOfImage(image: string): SoftwareId | null {
  const [, path = "", tag = ""] = /^([^@]*?)(?::([\w.-]+))?(?:@.*)?$/.exec(image.toLowerCase()) ?? [];
  const name = path.slice(path.lastIndexOf("/") + 1);
  if (name === "php") return tag.includes("fpm") ? "php-fpm" : tag.includes("apache") ? "apache" : null;
  return IMAGES.find(([pattern]) => pattern.test(name) || pattern.test(path))?.[1] ?? null;
}
