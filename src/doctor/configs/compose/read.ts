// A compose file: each service is a hop with its ports as listens; Traefik's labels are routes and pools of its hop. A
// loopback address in a command is a risk here, since nobody outside the container reaches it.

import type { InputProblem } from "../../evidence.ts";
import { readYaml } from "../documents.ts";
import { goTime } from "../durations.ts";
import { timers } from "../finding.ts";
import type { ConfigEvidence, ConfiguredHop, ConfiguredTimer, Finding, Listen } from "../model.ts";
import { commandSays } from "../node/commands.ts";
import type { AppListen } from "../platform.ts";
import { evidence, problem, type ReadInput } from "../reader.ts";
import { withoutSecrets } from "../secrets.ts";
import { at, textOf } from "../tree.ts";
import { labelFindings, loopbackFinding, reachFindings } from "./findings.ts";
import { type ComposeService, plain, servicesOf } from "./services.ts";
import { traefikOfCompose } from "./traefik-labels.ts";

/** Reads a compose file. */
export function readCompose({ file, text }: ReadInput): ConfigEvidence {
  const { documents, problems } = readYaml(text, file);
  const services = documents.flatMap(servicesOf);
  const apps: AppListen[] = [];
  const findings: Finding[] = [];
  const labelled = traefikOfCompose(services);
  const hops = services.map((service): ConfiguredHop => {
    const { container } = service;
    const says = container.command
      ? commandSays(container.command.words, container.environment, container.command.at)
      : null;
    if (says?.listen) {
      apps.push(says.listen);
      findings.push(...loopbackFinding(service, says.listen, services));
    }
    const traefik = labelled.hop === container.name ? labelled : null;
    return {
      software: container.software ?? says?.software ?? "app",
      name: container.name,
      at: container.at,
      listens: different([
        ...insideListens(service),
        ...service.published,
        ...(traefik?.listens ?? []),
        ...commandListens(service, says?.listen ?? null),
      ]),
      routes: traefik?.routes ?? [],
      pools: traefik?.pools ?? [],
      timers: [...(says?.timers ?? []), ...stopTimers(service), ...(traefik?.timers ?? [])],
      ...(says?.timersUnknown ? { timersUnknown: says.timersUnknown } : {}),
      logs: [],
    };
  });
  const extra: ConfiguredHop[] =
    labelled.hop === null && labelled.at
      ? [
          {
            software: "traefik",
            name: "traefik (labels)",
            at: labelled.at,
            listens: labelled.listens,
            routes: labelled.routes,
            pools: labelled.pools,
            timers: [],
            logs: [],
          },
        ]
      : [];
  findings.push(...labelled.findings, ...labelFindings(services, labelled), ...reachFindings(services));
  return evidence(file, "compose", {
    hops: [...hops, ...extra],
    findings,
    problems: [
      ...problems.map(({ at: place, text: said }) => problem(file, place, said, "check it with docker compose config")),
      ...services.flatMap((service) => extendsProblem(file, service)),
    ],
    platform: {
      ...(documents.some((tree) => at(tree, "include") !== undefined) ? { partial: true } : {}),
      containers: services.map(({ container }) => withoutSecrets(container)),
      kube: null,
      apps,
    },
  });
}

/** What a service takes from another file is not read. */
function extendsProblem(file: string, { tree, container }: ComposeService): readonly InputProblem[] {
  const from = at(tree, "extends");
  if (!from) return [];
  const text = `service ${container.name} extends another: what it takes from there is not read`;
  return [problem(file, from.at, text, "give what docker compose config prints instead")];
}

/** Ports by the name that its networks know. */
function insideListens({ container: { name, ports } }: ComposeService): readonly Listen[] {
  return ports
    .filter(({ protocol }) => protocol === "tcp")
    .map(({ number, at: place }) => ({ host: name, port: number, socket: null, tls: false, names: [], at: place }));
}

/** A port that only the command names. */
function commandListens({ container: { name, ports } }: ComposeService, listen: AppListen | null): readonly Listen[] {
  if (!listen || listen.port === null || ports.some(({ number }) => number === listen.port)) return [];
  return [{ host: listen.host ?? name, port: listen.port, socket: null, tls: false, names: [], at: listen.at }];
}

function different(listens: readonly Listen[]): readonly Listen[] {
  return listens.filter(
    ({ host, port }, index) => listens.findIndex((each) => each.host === host && each.port === port) === index,
  );
}

function stopTimers({ tree }: ComposeService): ConfiguredTimer[] {
  const grace = at(tree, "stop_grace_period");
  const text = plain(textOf(grace) ?? "") ?? "";
  return timers("drain", "stop_grace_period", goTime(text), text, grace?.at);
}
