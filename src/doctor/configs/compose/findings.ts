// What in a compose file keeps a proxy from its application.

import { SOFTWARE } from "../../software.ts";
import { isLoopback, risk } from "../finding.ts";
import type { Finding } from "../model.ts";
import type { AppListen, Container } from "../platform.ts";
import { at, textOf } from "../tree.ts";
import { meantInstead } from "./ports.ts";
import type { ComposeService } from "./services.ts";
import type { TraefikOfCompose } from "./traefik-labels.ts";

/** A command that listens on the container's own loopback address. */
export function loopbackFinding(
  { container, published }: ComposeService,
  listen: AppListen,
  all: readonly ComposeService[],
): readonly Finding[] {
  if (listen.hostByDefault && container.environmentPartial) return [];
  // A neighbour that shares its network reaches it there.
  if (all.some((each) => each.container.networkMode === `service:${container.name}`)) return [];
  if (listen.host === null || !isLoopback(listen.host) || container.networkMode !== null) return [];
  const port = listen.port ?? listen.portVariable ?? "its port";
  const gunicorn = listen.software === "gunicorn";
  // Where nobody is meant to reach it, it may be right.
  if (container.ports.length === 0 && published.length === 0 && listen.port === null) return [];
  return [
    risk({
      id: "app-bind-loopback",
      class: "connect-refused",
      text: `service ${container.name} listens on ${listen.host}:${port}${listen.hostByDefault ? " (the default of its command)" : ""}: that is the container's own loopback address, and every other container is refused`,
      fix: gunicorn
        ? `write --bind 0.0.0.0:${port}`
        : `let it listen on 0.0.0.0: ${listen.software === "nextjs" ? "-H" : "--host"} 0.0.0.0`,
      at: listen.at,
      hop: container.name,
    }),
  ];
}

/** Whether one container can reach the other; null = it cannot be told. */
export function sharesNetwork(a: Container, b: Container): boolean | null {
  if (a.networkMode !== null || b.networkMode !== null)
    return a.networkMode === "none" || b.networkMode === "none" ? false : null;
  return a.networks.some(({ name }) => b.networks.some((each) => each.name === name));
}

/** A finding that two services share no network. */
export function networkFinding(proxy: Container, app: Container): Finding {
  const names = (each: Container) => each.networks.map(({ name }) => name).join(", ");
  const first = app.networks[0]?.name ?? "default";
  return risk({
    id: "compose-network",
    class: "dns-not-resolved",
    text: `${proxy.name} is on the network ${names(proxy)}, ${app.name} on ${names(app)}: they share none, so ${proxy.name} neither resolves nor reaches ${app.name}`,
    fix: `put both on one: networks: [${[...proxy.networks.map(({ name }) => name), first].join(", ")}] at ${proxy.name}`,
    at: app.networks[0]?.at ?? app.at,
    also: proxy.networks[0]?.at ?? proxy.at,
    hop: proxy.name,
  });
}

/** A gateway that waits for a service which it cannot reach. */
export function reachFindings(services: readonly ComposeService[]): readonly Finding[] {
  return services.flatMap(({ container, dependsOn }) => {
    if (container.software === null || SOFTWARE[container.software].kind !== "gateway") return [];
    return services
      .filter((other) => dependsOn.includes(other.container.name))
      .filter((other) => other.container.software === null || SOFTWARE[other.container.software].kind !== "database")
      .filter((other) => sharesNetwork(container, other.container) === false && other.container.ports.length > 0)
      .map((other) => networkFinding(container, other.container));
  });
}

/** What Traefik makes of labels. */
export function labelFindings(services: readonly ComposeService[], traefik: TraefikOfCompose): readonly Finding[] {
  const proxy = services.find(({ container }) => container.name === traefik.hop)?.container;
  return traefik.labelled.flatMap(({ service: { container, labels }, tree }): readonly Finding[] => {
    if (at(tree, "http", "routers") === undefined || container === proxy) return [];
    const enable = textOf(at(tree, "enable"));
    if (enable === "false") return [];
    const found: Finding[] = [];
    if (traefik.exposedByDefault === false && enable === undefined)
      found.push(
        risk({
          id: "traefik-not-enabled",
          class: "route-not-found",
          text: `service ${container.name} has routers in its labels and no traefik.enable=true, while exposedByDefault is false: Traefik does not look at it and answers 404`,
          fix: "add the label traefik.enable=true",
          at: labels[0]?.at ?? container.at,
          hop: traefik.hop,
        }),
      );
    if (proxy && sharesNetwork(proxy, container) === false) found.push(networkFinding(proxy, container));
    else found.push(...networkChoice(container, proxy, tree, traefik), ...portFinding(container, tree, traefik));
    return found;
  });
}

function networkChoice(
  app: Container,
  proxy: Container | undefined,
  tree: TraefikOfCompose["labelled"][number]["tree"],
  traefik: TraefikOfCompose,
): readonly Finding[] {
  const said = at(tree, "docker", "network") ?? at(tree, "swarm", "network");
  const strangers = app.networks.filter(
    ({ name }) => proxy !== undefined && !proxy.networks.some((each) => each.name === name),
  );
  if (!proxy || said || traefik.network !== null || traefik.exposedByDefault === null) return [];
  if (app.networks.length < 2 || strangers.length === 0) return [];
  const shared = app.networks.find(({ name }) => proxy.networks.some((each) => each.name === name))?.name ?? "";
  return [
    risk({
      id: "traefik-network-ambiguous",
      class: "connect-timeout",
      text: `service ${app.name} is on ${app.networks.map(({ name }) => name).join(" and ")}, Traefik only on ${proxy.networks.map(({ name }) => name).join(" and ")}, and no label says which address to take: it may take the one on ${strangers[0]?.name}, which it cannot reach, and answer 504`,
      fix: `add the label traefik.docker.network with the full name of ${shared} (docker network ls)`,
      at: app.networks[0]?.at ?? app.at,
      also: proxy.at,
      hop: traefik.hop,
    }),
  ];
}

function portFinding(
  app: Container,
  tree: TraefikOfCompose["labelled"][number]["tree"],
  traefik: TraefikOfCompose,
): readonly Finding[] {
  const services = at(tree, "http", "services")?.pairs ?? [];
  return services.flatMap(({ value }): readonly Finding[] => {
    const port = at(value, "loadBalancer", "server", "port");
    const number = Number(textOf(port));
    const meant = port && Number.isInteger(number) ? meantInstead(app, number) : null;
    if (!port || !meant) return [];
    return [
      risk({
        id: "traefik-port-mismatch",
        class: "connect-refused",
        text: `the label sends to port ${number} of ${app.name}, ${meant.published === number ? `where ${number} is the port on the host, and ${meant.number} the one inside` : `which exposes ${meant.number}`}: where nothing listens on ${number} inside, each request is a 502`,
        fix: `write the port that ${app.name} listens on inside: loadbalancer.server.port=${meant.number}`,
        at: port.at,
        also: meant.at,
        hop: traefik.hop,
      }),
    ];
  });
}
