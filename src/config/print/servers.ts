// The sections of virtual servers as the file has them, from the program's configuration.
import * as z from "zod/mini";
import { completed, inherited, isSameAddress } from "../complete-servers.ts";
import type { Place } from "../complete-servers-proxy.ts";
import type { Config, ListenerConfig } from "../config.ts";
import { difference, isSame, joined } from "../forms-record.ts";
import { NGINX_FILE } from "../nginx-defaults.ts";
import { type FileListen, type FileServer, type FileServers, head, serversSections } from "../schema-servers.ts";
import { type BlockChange, block } from "../schema-servers-block.ts";
import { firstName } from "../schema-servers-names.ts";
import type { HeadRules, ServerConfig, ServersConfig } from "../servers.ts";
import { COMBINED } from "../standards.ts";
import { commonOf, commonProxy, commonSettings, fileLocationOf, fileStepsOf, said } from "./blocks.ts";

type Around = Omit<Place, "match">;

/** The sections, without those that say nothing. */
export function sectionsOf(config: Config, servers: ServersConfig, around: Around): Record<string, unknown> {
  const preset = z.parse(block.changes, NGINX_FILE["server-defaults"]) as BlockChange;
  const formats = servers.formats.filter((format) => !isSame(format, COMBINED));
  const defaults = defaultsOf(servers.servers, preset, around);
  const outer = joined(block.parts, preset, defaults.change);
  const seen: FileListen[] = [];
  const file: FileServers = {
    defaults,
    variables: servers.variables,
    zones: servers.zones,
    caches: servers.caches,
    formats,
    charsetMaps: servers.charsetMaps ?? [],
    product: servers.product,
    ...(servers.certificatesFrom !== undefined && namesCertificates(config)
      ? { certificatesFrom: servers.certificatesFrom }
      : {}),
    servers: servers.servers.map((server) =>
      serverOf(server, config.listeners, defaults.head, outer, seen, around, servers.servers),
    ),
  };
  const standard = {
    ...serversSections.standard,
    product: { name: "nginx", version: "1.31.5" },
    servers: undefined as never,
  };
  return serversSections.writeChange(difference(serversSections.parts, standard, file));
}

/** Whether the names of some certificates come out of variables: the folder that they are in matters to nobody else. */
function namesCertificates({ servers, upstreams }: Config): boolean {
  const ofServers = (servers?.servers ?? []).flatMap(({ tls }) => tls?.certificates ?? []);
  const isText = (name: string) => name.includes("{$");
  return (
    ofServers.some(({ cert, key }) => isText(cert) || isText(key)) ||
    [...upstreams.values()].some(({ tls }) => tls?.certificateText) ||
    JSON.stringify(servers?.servers).includes('"certificateText":{')
  );
}

/** What all of several servers say. */
function defaultsOf(servers: readonly ServerConfig[], preset: BlockChange, around: Around): FileServers["defaults"] {
  if (servers.length < 2) return { head: {}, change: {} };
  const base = completed(preset);
  const settings = commonSettings(
    servers.map((server) => server.settings),
    base,
  );
  const proxies = commonProxy(
    servers.flatMap(({ locations }) => locations),
    around,
  );
  const heads = commonOf(
    head.parts,
    servers.map((server) => server.head),
    head.standard,
  );
  return { head: difference(head.parts, head.standard, heads), change: joined(block.parts, settings, proxies) };
}

function serverOf(
  server: ServerConfig,
  listeners: readonly ListenerConfig[],
  heads: FileServers["defaults"]["head"],
  outer: BlockChange,
  seen: FileListen[],
  around: Around,
  all: readonly ServerConfig[],
): FileServer {
  const place: Place = { ...around, match: null };
  const proxies = commonProxy(server.locations, around);
  const extra = difference(
    block.parts,
    completed(inherited("server", outer)),
    completed(joined(block.parts, inherited("server", outer), proxies)),
  );
  const { own, change } = said("server", outer, server.settings, place, extra);
  const baseHead: HeadRules = { ...head.standard, ...heads };
  return {
    names: server.names,
    name: server.name === firstName(server.names) ? null : server.name,
    listen: server.listen.map((each) => listenOf(each, listeners, server, seen, all)),
    tls: server.tls,
    rewrite: fileStepsOf(server.rewrite, change, place, false),
    locations: server.locations.map((location) => fileLocationOf(location, change, around)),
    head: difference(head.parts, baseHead, server.head),
    change: own,
  };
}

/** What belongs to the socket is said by the first server that has it. */
function listenOf(
  { address, isDefault }: ServerConfig["listen"][number],
  listeners: readonly ListenerConfig[],
  server: ServerConfig,
  seen: FileListen[],
  all: readonly ServerConfig[],
): FileListen {
  const first = all.find(({ listen }) => listen.some((each) => isSameAddress(each.address, address)));
  const plain: FileListen = {
    address,
    isDefault:
      isDefault === (first === server) && all.every((each) => isUsual(each, first, address)) ? null : isDefault,
    tls: false,
    proxyProtocol: false,
    backlog: null,
    ipv6Only: null,
  };
  if (seen.some((each) => isSameAddress(each.address, address))) return plain;
  const listener = listeners.find((each) => isSameAddress(each.address, address));
  const full: FileListen = {
    ...plain,
    tls: listener?.serversTls ?? false,
    proxyProtocol: listener?.proxyProtocol ?? false,
    backlog: listener?.backlog ?? null,
    ipv6Only: listener?.ipv6Only ?? null,
  };
  seen.push(full);
  return full;
}

/** Whether the default server of an address is its first one. */
function isUsual(server: ServerConfig, first: ServerConfig | undefined, address: FileListen["address"]): boolean {
  const listen = server.listen.find((each) => isSameAddress(each.address, address));
  return listen === undefined || listen.isDefault === (server === first);
}
