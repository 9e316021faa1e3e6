// Traefik as compose files set it up: options in its command, routers and services in the labels of the others.
import type { Place } from "../../evidence.ts";
import type { ConfiguredHop, Finding } from "../model.ts";
import { dottedTree } from "../traefik/dotted.ts";
import { dynamicOf } from "../traefik/dynamic.ts";
import { entryPointsOf, staticTimers } from "../traefik/static.ts";
import { at, flagOf, type Tree, textOf } from "../tree.ts";
import type { ComposeService } from "./services.ts";

export interface TraefikOfCompose extends Pick<ConfiguredHop, "listens" | "routes" | "pools" | "timers"> {
  /** The service that is Traefik; null = it is elsewhere. */
  readonly hop: string | null;
  /** The first label; null = there is none. */
  readonly at: Place | null;
  readonly findings: readonly Finding[];
  /** null = not known: a file of its own may say it. */
  readonly exposedByDefault: boolean | null;
  /** --providers.docker.network. */
  readonly network: string | null;
  /** Services with a router in their labels. */
  readonly labelled: readonly { readonly service: ComposeService; readonly tree: Tree }[];
}

/** What labels and options say. */
export function traefikOfCompose(services: readonly ComposeService[]): TraefikOfCompose {
  const traefiks = services.filter(({ container }) => container.software === "traefik");
  const own = traefiks.length === 1 ? traefiks[0] : undefined;
  const options = own ? optionsOf(own) : undefined;
  const labelled = services.flatMap((service) => {
    const labels = service.labels.filter(({ name }) => name.startsWith("traefik."));
    const first = labels[0];
    return first ? [{ service, tree: at(dottedTree(labels, first.at), "traefik") ?? dottedTree([], first.at) }] : [];
  });
  const dynamic = labelled.map(({ service, tree }) =>
    dynamicOf(at(tree, "http"), service.container.name, at(options, "serversTransport")),
  );
  const exposed = flagOf(at(options, "providers", "docker", "exposedByDefault"));
  return {
    hop: own?.container.name ?? null,
    at: labelled[0]?.tree.at ?? null,
    listens: options ? entryPointsOf(options) : [],
    routes: dynamic.flatMap(({ routes }) => routes),
    pools: dynamic.flatMap(({ pools }) => pools),
    timers: options ? staticTimers(options) : [],
    findings: dynamic.flatMap(({ findings }) => findings),
    // Options on the command line switch the file off.
    exposedByDefault: options && at(options, "providers", "docker") ? (exposed ?? true) : null,
    network: textOf(at(options, "providers", "docker", "network")) ?? null,
    labelled,
  };
}

function optionsOf({ container: { command } }: ComposeService): Tree | undefined {
  if (!command) return undefined;
  const settings = command.words.flatMap((word) => {
    const match = /^--([\w.[\]-]+)(?:=(.*))?$/s.exec(word);
    return match ? [{ name: match[1] ?? "", text: match[2] ?? "true", at: command.at }] : [];
  });
  return settings.length === 0 ? undefined : dottedTree(settings, command.at);
}
