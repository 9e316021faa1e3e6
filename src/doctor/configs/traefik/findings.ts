// What in Traefik's routers and services leads to an error. A service with @ is another provider's; one without
// servers, or whose servers labels make, is not judged as a group.
import { isPublicName, note, risk } from "../finding.ts";
import type { Finding } from "../model.ts";
import { isAddress } from "../reader.ts";
import { at, flagOf, type Tree, textOf } from "../tree.ts";
import type { Router, Service } from "./dynamic.ts";

/** Names that a router uses and nobody defines. */
export function routerFindings(
  { name, at: place, service, middlewares: used, tree }: Router,
  services: ReadonlySet<string>,
  middlewares: ReadonlyMap<string, Tree>,
  labels: boolean,
): Finding[] {
  const found: Finding[] = [];
  const serviceAt = at(tree, "service")?.at ?? place;
  const same = (names: Iterable<string>, word: string) =>
    [...names].some((each) => each.toLowerCase() === word.toLowerCase());
  // Labels of other containers may define it.
  if (service !== null && !service.includes("@") && !labels && !same(services, service) && services.size > 0)
    found.push(
      risk({
        id: "traefik-service-missing",
        class: "route-not-found",
        text: `router ${name} sends to the service ${service}, which this file does not define (it has ${[...services].join(", ")}): Traefik leaves the router out and answers 404`,
        fix: `define http.services.${service}, or write ${service}@docker (or whoever has it)`,
        at: serviceAt,
      }),
    );
  for (const each of used) {
    if (each.includes("@") || labels || same(middlewares.keys(), each) || middlewares.size === 0) continue;
    found.push(
      risk({
        id: "traefik-middleware-missing",
        class: "route-not-found",
        text: `router ${name} uses the middleware ${each}, which this file does not define (it has ${[...middlewares.keys()].join(", ")}): Traefik leaves the router out and answers 404`,
        fix: `define http.middlewares.${each}, or write ${each}@docker (or whoever has it)`,
        at: at(tree, "middlewares")?.at ?? place,
      }),
    );
  }
  return found;
}

/** What a service's servers, checks and transport lead to. */
export function serviceFindings(
  service: Service,
  routers: readonly Router[],
  middlewares: ReadonlyMap<string, Tree>,
): Finding[] {
  const mine = routers.filter((router) => router.service?.replace(/@.*$/, "") === service.name);
  return [...groupFindings(service, mine, middlewares), ...tlsFindings(service, mine), ...hostFindings(service, mine)];
}

function groupFindings(
  { name, at: place, members, health, passive }: Service,
  mine: readonly Router[],
  middlewares: ReadonlyMap<string, Tree>,
): Finding[] {
  if (members.length < 2) return [];
  const used = mine.flatMap((router) => router.middlewares);
  // Another provider's middleware may be the retry.
  const retries = used.some((each) => {
    const [own, provider] = each.split("@");
    const tree = middlewares.get(own ?? "");
    return (
      at(tree, "retry") !== undefined ||
      at(tree, "chain") !== undefined ||
      (provider !== undefined && provider !== "file")
    );
  });
  const checked = health !== undefined || passive;
  if (checked && retries) return [];
  const missing =
    !checked && !retries
      ? "neither healthCheck nor a retry middleware"
      : checked
        ? "no retry middleware"
        : "no healthCheck";
  const build = checked || retries ? note : risk;
  return [
    build({
      id: checked ? "traefik-retry-missing" : "traefik-health-missing",
      class: checked ? "connect-refused" : "no-healthy-upstream",
      text: checked
        ? `service ${name} has ${members.length} servers and ${missing}: until a check notices that one is down, its share of the requests gets a 502`
        : `service ${name} has ${members.length} servers and ${missing}: one that is down keeps its turn${retries ? ", and each of its requests is tried twice" : ", and 1 in " + members.length + " requests gets a 502"}`,
      fix: checked
        ? "put a middleware with retry: { attempts: 2 } into the router"
        : `add healthCheck: { path: /healthz, interval: 5s } to http.services.${name}.loadBalancer`,
      at: place,
    }),
  ];
}

function tlsFindings({ name, members, transport }: Service, mine: readonly Router[]): Finding[] {
  const byAddress = members.find(
    ({ text, spot }) => text.startsWith("https:") && spot?.kind === "tcp" && isAddress(spot.host),
  );
  const skips = at(transport, "insecureSkipVerify");
  const found: Finding[] = [];
  const host = byAddress?.spot?.kind === "tcp" ? byAddress.spot.host : "";
  if (byAddress && textOf(at(transport, "serverName")) === undefined && flagOf(skips) !== true)
    found.push(
      risk({
        id: "traefik-https-by-address",
        class: "tls-cert-name-mismatch",
        text: `service ${name}: https to the address ${host} without serverName: no name is sent in the handshake, and the certificate must be for the address itself; Traefik answers 500 where it is not`,
        fix: `add a serversTransport with serverName: ${mine[0]?.hosts[0] ?? "the name in the certificate"}, and its CA in rootCAs`,
        at: byAddress.at,
      }),
    );
  if (skips && flagOf(skips) === true)
    found.push(
      note({
        id: "traefik-verify-off",
        class: null,
        text: `service ${name}: insecureSkipVerify: whoever answers at the address is believed`,
        fix: "name its authority in rootCAs instead",
        at: skips.at,
      }),
    );
  return found;
}

function hostFindings({ name, members, passHostHeader, passHostAt }: Service, mine: readonly Router[]): Finding[] {
  const hosts = mine.flatMap((router) => router.hosts);
  const spots = members.flatMap(({ spot, at: place, text }) =>
    spot?.kind === "tcp" ? [{ host: spot.host, at: place, text }] : [],
  );
  const foreign = spots.find(
    ({ host, text }) => text.startsWith("https:") && isPublicName(host) && !hosts.includes(host),
  );
  if (passHostHeader && foreign && hosts.length > 0)
    return [
      risk({
        id: "traefik-host-of-client",
        class: "upstream-error-passthrough",
        text: `service ${name}: https to ${foreign.host} with the visitor's Host (${hosts[0]}), since passHostHeader is on: a server of many names answers 403, 404 or 421 to one that is not its own`,
        fix: `add passHostHeader: false to http.services.${name}.loadBalancer, where ${foreign.host} does not serve ${hosts[0]}`,
        at: foreign.at,
      }),
    ];
  const inner = spots.find(({ host }) => !isPublicName(host));
  if (!passHostHeader && inner)
    return [
      note({
        id: "traefik-host-of-member",
        class: null,
        text: `service ${name}: passHostHeader false: the application sees ${inner.host} as Host, and makes links, redirects and cookies for it`,
        fix: "leave passHostHeader on, unless the application wants its own name",
        at: passHostAt ?? inner.at,
      }),
    ];
  return [];
}
