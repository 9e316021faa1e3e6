// Proxies' own files against the compose file that runs them: a name that is no service, networks that do not meet, a
// port that the container does not have, the loopback address of the wrong container. Which service a file belongs to
// is told by its mount, or by there being one service and one file of that program; else nothing is said.
import { SOFTWARE } from "../../software.ts";
import { isLoopback, risk } from "../finding.ts";
import type { ConfigEvidence, ConfiguredHop, Finding, Member, Pool } from "../model.ts";
import type { AppListen, Container } from "../platform.ts";
import { isAddress } from "../reader.ts";
import { networkFinding, sharesNetwork } from "./findings.ts";
import { meantInstead } from "./ports.ts";

/** What does not fit. */
export function joinProxies(configs: readonly ConfigEvidence[]): Finding[] {
  const platforms = configs.flatMap(({ kind, platform }) => (kind === "compose" && platform ? [platform] : []));
  const containers = platforms.flatMap((platform) => platform.containers);
  const apps = platforms.flatMap((platform) => platform.apps);
  const known: Known = { containers, apps, partial: platforms.some(({ partial }) => partial === true) };
  if (containers.length === 0) return [];
  return configs
    .filter(({ platform }) => platform === undefined)
    .flatMap((each) => {
      const proxy = serviceOf(each, containers, configs);
      return proxy ? each.hops.flatMap((hop) => hopFindings(hop, proxy, known)) : [];
    });
}

interface Known {
  readonly containers: readonly Container[];
  readonly apps: readonly AppListen[];
  readonly partial: boolean;
}

/** The container that a configuration is for: one that is that program, and has the file, or is the only one. */
function serviceOf(
  config: ConfigEvidence,
  containers: readonly Container[],
  configs: readonly ConfigEvidence[],
): Container | null {
  const software = config.hops[0]?.software;
  if (software === undefined || SOFTWARE[software].kind !== "gateway") return null;
  // What is built may run other programs beside it.
  const running = containers.filter((each) => each.software === software && each.build === null);
  const mounted = running.filter(({ mounts }) =>
    mounts.some(({ source }) => source !== null && config.files.some((file) => isSamePath(file, source))),
  );
  if (mounted.length > 0) return mounted.length === 1 ? (mounted[0] ?? null) : null;
  const files = configs.filter(
    (each) => each.platform === undefined && each.hops.some((hop) => hop.software === software),
  );
  return running.length === 1 && files.length === 1 ? (running[0] ?? null) : null;
}

/** Whether a mount holds a file: the same path, or a folder above it, from wherever either was written. */
export function isSamePath(file: string, mounted: string): boolean {
  const cut = (path: string) => path.split("/").filter((part) => part !== "" && part !== ".");
  const [inner, outer] = [cut(file), cut(mounted)];
  if (outer.length === 0) return !file.startsWith("/");
  for (let start = 0; start + outer.length <= inner.length; start += 1)
    if (outer.every((part, index) => inner[start + index] === part)) return !mounted.startsWith("/") || start === 0;
  // The file was given by a shorter name than the mount's.
  return (
    inner.length < outer.length &&
    inner.length > 0 &&
    inner.every((part, index) => outer[outer.length - inner.length + index] === part)
  );
}

function hopFindings(hop: ConfiguredHop, proxy: Container, known: Known): Finding[] {
  return hop.pools.flatMap((pool) => pool.members.flatMap((member) => memberFindings(member, pool, hop, proxy, known)));
}

function memberFindings(member: Member, pool: Pool, hop: ConfiguredHop, proxy: Container, known: Known): Finding[] {
  if (member.spot?.kind !== "tcp" || member.down || proxy.networkMode !== null) return [];
  const { host, port } = member.spot;
  if (isLoopback(host)) return loopbackFindings(member, port, hop, proxy, known.containers);
  const app = known.containers.find(({ names }) => names.includes(host));
  if (!app) return known.partial ? [] : nameFindings(member, host, pool, hop, proxy, known.containers);
  if (sharesNetwork(proxy, app) === false) return [{ ...networkFinding(proxy, app), also: member.at }];
  return portFindings(member, port, app, hop, known.apps);
}

function loopbackFindings(
  member: Member,
  port: number,
  hop: ConfiguredHop,
  proxy: Container,
  containers: readonly Container[],
): Finding[] {
  // It may send to a listener of its own; and a neighbour may share its network.
  if (hop.listens.some((each) => each.port === port)) return [];
  if (containers.some(({ networkMode }) => networkMode === `service:${proxy.name}`)) return [];
  const target = containers.find(
    ({ ports, name }) => name !== proxy.name && ports.some(({ number }) => number === port),
  );
  return [
    risk({
      id: "container-loopback",
      class: "connect-refused",
      text: `${member.text} is meant from inside the container ${proxy.name}, where it is the container itself: nothing of it listens on ${port}`,
      fix: target
        ? `write ${target.name}:${port}`
        : `write the name of the service, as app:${port}, or host.docker.internal:${port} for a program on the host`,
      at: member.at,
      also: proxy.at,
      hop: hop.name,
    }),
  ];
}

function nameFindings(
  member: Member,
  host: string,
  pool: Pool,
  hop: ConfiguredHop,
  proxy: Container,
  containers: readonly Container[],
): Finding[] {
  if (host.includes(".") || isAddress(host) || proxy.extraHosts.includes(host) || host === pool.name) return [];
  // Another project's containers may be on it.
  if (proxy.networks.some(({ external }) => external)) return [];
  const names = containers.filter(({ name }) => name !== proxy.name).map(({ name }) => name);
  return [
    risk({
      id: "compose-name-missing",
      class: "dns-not-resolved",
      text: `${member.text}: ${host} is no service of the compose file${names.length === 0 ? "" : ` (there is ${names.join(", ")})`}, and no alias or container_name: the name does not resolve${hop.software === "nginx" ? ", and nginx does not start (host not found in upstream)" : ""}`,
      fix: `write the service's name, or give the service the alias ${host}`,
      at: member.at,
      also: proxy.at,
      hop: hop.name,
    }),
  ];
}

function portFindings(
  member: Member,
  port: number,
  app: Container,
  hop: ConfiguredHop,
  apps: readonly AppListen[],
): Finding[] {
  const place = app.command?.at;
  const listen = apps.find(
    ({ at }) => place !== undefined && at.file === place.file && at.line === place.line && at.column === place.column,
  );
  const certain = listen && listen.port !== null && listen.portVariable === null ? listen : undefined;
  if (certain?.port === port) return [];
  const meant = certain ? undefined : meantInstead(app, port);
  if (!certain && !meant) return [];
  const inside = certain?.port ?? meant?.number ?? port;
  return [
    risk({
      id: "container-port-mismatch",
      class: "connect-refused",
      text: certain
        ? `${member.text} asks port ${port} of ${app.name}, whose command listens on ${certain.port}: each request is refused`
        : `${member.text} asks port ${port} of ${app.name}, ${meant?.published === port ? `where ${port} is the port on the host, and ${inside} the one inside` : `which exposes ${inside}`}: where nothing listens on ${port} inside, each request is refused`,
      fix: `write ${app.name}:${inside}`,
      at: member.at,
      also: certain?.at ?? meant?.at ?? app.at,
      hop: hop.name,
    }),
  ];
}
