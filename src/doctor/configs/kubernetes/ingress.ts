// An Ingress as a hop of its controller, with the annotations of ingress-nginx that are timers or decide how the
// application is spoken to.
import type { SoftwareId } from "../../software.ts";
import { risk, timers } from "../finding.ts";
import type { ConfiguredHop, ConfiguredTimer, Finding, Pool } from "../model.ts";
import { at, itemsOf, pairsOf, type Tree, textOf } from "../tree.ts";
import { ingressOf, nameOf, placeOf } from "./objects.ts";

const NGINX = "nginx.ingress.kubernetes.io/";

const CLASSES: readonly (readonly [RegExp, SoftwareId])[] = [
  [/nginx/, "nginx"],
  [/traefik/, "traefik"],
  [/haproxy/, "haproxy"],
  [/^alb$/, "aws-alb"],
  [/^gce/, "google-lb"],
  [/application-gateway|agic/, "azure-app-gateway"],
  [/^kong$/, "kong"],
  [/contour|^istio$|envoy|^eg$|^cilium$/, "envoy"],
  [/^caddy$/, "caddy"],
];

function softwareOf(tree: Tree): SoftwareId | null {
  const annotations = pairsOf(at(tree, "metadata", "annotations"));
  const named =
    textOf(at(tree, "spec", "ingressClassName")) ??
    annotations.find(({ key }) => key === "kubernetes.io/ingress.class")?.value.text;
  const known = CLASSES.find(([pattern]) => named !== undefined && pattern.test(named))?.[1];
  if (known) return known;
  return annotations.some(({ key }) => key.startsWith(NGINX)) ? "nginx" : null;
}

function annotation(tree: Tree, name: string): Tree | undefined {
  return pairsOf(at(tree, "metadata", "annotations")).find(({ key }) => key === `${NGINX}${name}`)?.value;
}

const TIMERS = {
  "proxy-connect-timeout": "connect",
  "proxy-read-timeout": "response",
  "proxy-next-upstream-timeout": "try-total",
  "proxy-next-upstream-tries": "tries",
} as const;

/** The hop; null = its controller is not known. */
export function ingressHop(tree: Tree): ConfiguredHop | null {
  const software = softwareOf(tree);
  if (software === null) return null;
  const ingress = ingressOf(tree);
  const tlsHosts = itemsOf(at(tree, "spec", "tls")).flatMap((each) =>
    itemsOf(at(each, "hosts")).map(({ text }) => text),
  );
  const hosts = [...new Set(ingress.backends.flatMap(({ host }) => host ?? []))];
  const hasTls = at(tree, "spec", "tls") !== undefined;
  const listen = (port: number, tls: boolean) => ({
    host: "*",
    port,
    socket: null,
    tls,
    names: tls && tlsHosts.length > 0 ? tlsHosts : hosts,
    at: ingress.at,
  });
  const pools = new Map<string, Pool>();
  for (const each of ingress.backends) {
    const name = `${each.service}:${each.port}`;
    const text = `${each.service}${ingress.namespace === "" ? "" : `.${ingress.namespace}.svc`}:${each.port}`;
    const member = { text, spot: null, backup: false, down: false, at: each.at };
    if (!pools.has(name)) pools.set(name, { ...poolBase(tree, software), name, members: [member], at: each.at });
  }
  return {
    software,
    name: `Ingress ${ingress.name}`,
    at: ingress.at,
    listens: [listen(80, false), ...(hasTls ? [listen(443, true)] : [])],
    routes: ingress.backends.map(({ host, path, exact, service, port, at: place }) => ({
      hosts: host === null ? [] : [host],
      path: {
        kind: /[()$^\\[\]*]/.test(path) ? ("pattern" as const) : exact ? ("exact" as const) : ("prefix" as const),
        text: path,
      },
      pool: `${service}:${port}`,
      pathBecomes: null,
      timers: [],
      at: place,
    })),
    pools: [...pools.values()],
    timers: software === "nginx" ? annotationTimers(tree) : [],
    logs: [],
  };
}

function poolBase(tree: Tree, software: SoftwareId): Omit<Pool, "name" | "members" | "at"> {
  const protocol = software === "nginx" ? textOf(annotation(tree, "backend-protocol"))?.toUpperCase() : undefined;
  const https = protocol === "HTTPS" || protocol === "GRPCS";
  const vhost = textOf(annotation(tree, "upstream-vhost"));
  return {
    scheme: https ? "https" : protocol === "GRPC" ? "h2c" : protocol === "FCGI" ? "fastcgi" : "http",
    host: vhost === undefined ? "client" : { text: vhost },
    serverName: null,
    verify: https ? textOf(annotation(tree, "proxy-ssl-verify")) === "on" : null,
    caFile: null,
    httpVersion: protocol?.startsWith("GRPC") ? "2" : "1.1",
    reuses: true,
    health: null,
    timers: [],
  };
}

function annotationTimers(tree: Tree): ConfiguredTimer[] {
  return Object.entries(TIMERS).flatMap(([name, id]) => {
    const said = annotation(tree, name);
    const text = textOf(said) ?? "";
    const value = /^\d+$/.test(text) ? Number(text) * (id === "tries" ? 1 : 1000) : undefined;
    return timers(id, name, value === 0 ? null : value, text, said?.at);
  });
}

/** What stands in an Ingress by itself. */
export function ingressFindings(tree: Tree): readonly Finding[] {
  if (softwareOf(tree) !== "nginx") return [];
  const hop = `Ingress ${nameOf(tree)}`;
  const found: Finding[] = [];
  for (const name of [
    "proxy-connect-timeout",
    "proxy-read-timeout",
    "proxy-send-timeout",
    "proxy-next-upstream-timeout",
  ]) {
    const said = annotation(tree, name);
    const text = textOf(said) ?? "";
    const count = /^(\d+)\s*(ms|s|m|h)$/.exec(text.trim());
    if (!said || !count) continue;
    const value = Number(count[1]) * { ms: 0.001, s: 1, m: 60, h: 3600 }[count[2] as "ms" | "s" | "m" | "h"];
    found.push(
      risk({
        id: "ingress-nginx-timeout-unit",
        class: "response-timeout",
        text: `${name}: "${text}" has a unit; ingress-nginx takes a bare number of seconds, and with anything else leaves its default in place`,
        fix: `write ${NGINX}${name}: "${Math.max(1, Math.round(value))}"`,
        at: said.at,
        hop,
      }),
    );
  }
  const protocol = annotation(tree, "backend-protocol");
  const secure = /^(?:HTTPS|GRPCS|AUTO_HTTP)$/i.test(textOf(protocol) ?? "");
  const passes = textOf(annotation(tree, "ssl-passthrough")) === "true";
  const tls = ingressOf(tree).backends.find(({ port }) => port === "443" || port === "https" || port === "8443");
  if (tls && !secure && !passes)
    found.push(
      risk({
        id: "ingress-nginx-plain-to-tls",
        class: "tls-plaintext-mismatch",
        text: `${tls.service} is asked on its port ${tls.port} by ${protocol ? textOf(protocol) : "HTTP (the default)"}: a port of TLS answers plain HTTP with 400, or closes (502)`,
        fix: `write ${NGINX}backend-protocol: "HTTPS"`,
        at: tls.at,
        also: protocol?.at ?? placeOf(tree),
        hop,
      }),
    );
  return found;
}
