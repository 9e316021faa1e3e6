// An application's source against what runs and asks it: a loopback address inside a container, a port that the proxy
// does not ask. The source belongs to the container that is built from its folder; where there is no platform at all,
// only one proxy with one upstream and one application can be compared.
import { isLoopback, risk } from "../finding.ts";
import type { ConfigEvidence, ConfigKind, Finding } from "../model.ts";
import type { AppListen, Container } from "../platform.ts";
import { isSamePath } from "./proxies.ts";

/** What does not fit. */
export function joinApplications(configs: readonly ConfigEvidence[]): Finding[] {
  const isSource = (kind: ConfigKind | null): boolean =>
    kind === "node-source" || kind === "package-json" || kind === "dockerfile";
  const sources = configs.filter(({ kind }) => isSource(kind));
  const composed = configs.filter(({ kind }) => kind === "compose");
  const containers = composed.flatMap(({ platform }) => platform?.containers ?? []);
  const listens = sources.flatMap((source) =>
    (source.platform?.apps ?? []).map((app) => {
      const container = builtFrom(source.file, containers);
      // A command of the service replaces that of the image.
      return { app, container: source.kind === "dockerfile" && container?.command ? null : container };
    }),
  );
  // Of several that one container listens with, which one is for the proxy is not known.
  const alone = listens.filter(({ container }) => listens.filter((each) => each.container === container).length === 1);
  const found = alone.flatMap(({ app, container }) =>
    container ? insideFindings(app, container, containers, configs) : [],
  );
  const platforms = configs.some(({ kind }) => kind === "compose" || kind === "kubernetes");
  return platforms
    ? found
    : [
        ...found,
        ...besideFindings(
          configs,
          listens.map(({ app }) => app),
        ),
      ];
}

/** The one container that is built from a folder that holds the file. */
function builtFrom(file: string, containers: readonly Container[]): Container | null {
  const built = containers.filter(
    ({ build, mounts }) =>
      (build !== null && isSamePath(file, build)) ||
      mounts.some(({ source }) => source !== null && source !== "" && isSamePath(file, source)),
  );
  // The deepest folder is meant: "." holds everything.
  const longest = Math.max(...built.map(({ build }) => (build ?? "").length), 0);
  const deepest = built.filter(({ build }) => (build ?? "").length === longest);
  return deepest.length === 1 ? (deepest[0] ?? null) : null;
}

function insideFindings(
  app: AppListen,
  container: Container,
  all: readonly Container[],
  configs: readonly ConfigEvidence[],
): Finding[] {
  if (container.networkMode !== null || all.some(({ networkMode }) => networkMode === `service:${container.name}`))
    return [];
  const found: Finding[] = [];
  const given = app.hostVariable === null ? undefined : container.environment[app.hostVariable];
  // A variable may have its value from a file or from the image.
  const host = app.hostVariable === null ? app.host : (given?.text ?? null);
  if (host !== null && isLoopback(host))
    found.push(
      risk({
        id: "app-bind-loopback",
        class: "connect-refused",
        text: `${app.text} listens on ${host}${app.hostByDefault ? " (the default of its program)" : ""} and runs in the container ${container.name}: that is the container's own loopback address, and every other container is refused`,
        fix: given ? `write ${app.hostVariable}=0.0.0.0` : 'listen on "0.0.0.0"',
        at: given?.at ?? app.at,
        also: container.at,
        hop: container.name,
      }),
    );
  const set = app.portVariable === null ? undefined : container.environment[app.portVariable];
  const port = set
    ? /^\d+$/.test(set.text ?? "")
      ? Number(set.text)
      : null
    : app.portVariable === null
      ? app.port
      : null;
  if (port === null) return found;
  const members = configs.flatMap(({ hops }) =>
    hops.flatMap(({ pools, name }) => pools.flatMap((pool) => pool.members.map((member) => ({ member, hop: name })))),
  );
  const wrong = members.filter(
    ({ member }) =>
      member.spot?.kind === "tcp" && container.names.includes(member.spot.host) && member.spot.port !== port,
  );
  const right = members.some(
    ({ member }) =>
      member.spot?.kind === "tcp" && container.names.includes(member.spot.host) && member.spot.port === port,
  );
  if (right) return found;
  return [
    ...found,
    ...wrong.slice(0, 1).map(({ member, hop }) =>
      risk({
        id: "app-port-mismatch",
        class: "connect-refused",
        text: `${member.text} is asked, and ${app.text} of ${container.name} listens on ${port}${set ? ` (${app.portVariable}=${set.text})` : ""}: each request is refused`,
        fix: `write ${container.name}:${port}`,
        at: member.at,
        also: set?.at ?? app.at,
        hop,
      }),
    ),
  ];
}

/** A proxy and an application on one machine, and nothing else. */
function besideFindings(configs: readonly ConfigEvidence[], apps: readonly AppListen[]): Finding[] {
  const [app] = apps;
  if (apps.length !== 1 || !app || app.port === null || app.portVariable !== null) return [];
  const hops = configs.filter(({ platform }) => platform === undefined).flatMap((each) => each.hops);
  const members = hops.flatMap(({ pools, name }) =>
    pools.flatMap((pool) => pool.members.map((member) => ({ member, hop: name }))),
  );
  const local = members.flatMap(({ member, hop }) =>
    member.spot?.kind === "tcp" && isLoopback(member.spot.host) ? [{ member, hop, port: member.spot.port }] : [],
  );
  const [only] = local;
  if (members.length !== 1 || !only || only.port === app.port) return [];
  return [
    risk({
      id: "app-port-mismatch",
      class: "connect-refused",
      text: `${only.member.text} is asked, and ${app.text} listens on ${app.port}: where nothing else listens on ${only.port}, each request is refused`,
      fix: `write ${only.member.text.replace(/\d+(?!.*\d)/, String(app.port))}`,
      at: only.member.at,
      also: app.at,
      hop: only.hop,
    }),
  ];
}
