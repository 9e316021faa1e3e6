// The services of a compose file as containers: ports inside and outside, networks, mounts, environment. ${NAME:-x}
// stands for x; what only the environment knows is not known here. extends and include are other files' and not
// followed: the problem that says so is read.ts's.
import type { Place } from "../../evidence.ts";
import { softwareOfImage } from "../images.ts";
import type { Listen } from "../model.ts";
import { wordsOfLine } from "../node/command-words.ts";
import type { Container, PortSaid } from "../platform.ts";
import { folderOf } from "../reader.ts";
import { at, flagOf, itemsOf, pairsOf, type Tree, textOf } from "../tree.ts";

export interface ComposeService {
  readonly container: Container;
  readonly tree: Tree;
  readonly labels: readonly { readonly name: string; readonly text: string; readonly at: Place }[];
  readonly published: readonly Listen[];
  readonly dependsOn: readonly string[];
}

/** Variables with their defaults put in; null = a part only the environment knows. */
export function plain(text: string): string | null {
  const put = text.replaceAll("$$", "\0").replace(/\$\{\w+:?-([^}]*)\}/g, "$1");
  return /\$\{?\w/.test(put) ? null : put.replaceAll("\0", "$");
}

/** All services of a document. */
export function servicesOf(root: Tree): readonly ComposeService[] {
  return pairsOf(at(root, "services")).map(({ key, value }) => serviceOf(key, value, root));
}

function serviceOf(name: string, tree: Tree, root: Tree): ComposeService {
  const image = plain(textOf(at(tree, "image")) ?? "") || null;
  const mode = textOf(at(tree, "network_mode")) ?? null;
  const networks = networksOf(tree, root, mode);
  const aliases = pairsOf(at(tree, "networks")).flatMap(({ value }) =>
    itemsOf(at(value, "aliases")).map(({ text }) => text),
  );
  const { ports, published } = portsOf(tree);
  const environment = environmentOf(at(tree, "environment"));
  const command = commandOf(tree);
  const names = [name, ...aliases, textOf(at(tree, "container_name")), textOf(at(tree, "hostname"))];
  const build = at(tree, "build");
  const context = textOf(build) ?? textOf(at(build, "context"));
  const container: Container = {
    platform: "compose",
    name,
    owner: name,
    namespace: null,
    image,
    software: image === null ? null : softwareOfImage(image),
    at: tree.at,
    build: context === undefined ? null : beside(tree.at.file, context),
    names: names.flatMap((each) => (each === undefined ? [] : (plain(each) ?? []))),
    networks,
    networkMode: mode,
    ports,
    environment,
    environmentPartial: at(tree, "env_file") !== undefined,
    mounts: mountsOf(tree),
    command,
    extraHosts: [...entriesOf(at(tree, "extra_hosts")), ...entriesOf(at(tree, "links"))]
      .flatMap(({ name: host, text }) => [host.replace(/[=].*$/, ""), text ?? ""])
      .filter((each) => each !== ""),
  };
  const labelled = [...entriesOf(at(tree, "labels")), ...entriesOf(at(tree, "deploy", "labels"))];
  const labels = labelled.flatMap(({ name: label, text, at: place }) => {
    const [key, value] = [plain(label), plain(text ?? "")];
    return key === null || value === null ? [] : [{ name: key, text: value, at: place }];
  });
  const depends = at(tree, "depends_on");
  return {
    container,
    tree,
    labels,
    published,
    dependsOn: [...pairsOf(depends).map(({ key }) => key), ...itemsOf(depends).map(({ text }) => text)],
  };
}

/** A path as written, from the folder of the file that writes it. */
function beside(file: string, path: string): string {
  if (path.startsWith("/")) return path;
  return `${folderOf(file)}${path.replace(/^\.\/?/, "")}`.replace(/\/$/, "");
}

function networksOf(tree: Tree, root: Tree, mode: string | null): Container["networks"] {
  if (mode !== null) return [];
  const said = at(tree, "networks");
  const own = [
    ...pairsOf(said).map(({ key, value }) => ({ name: key, at: value.at })),
    ...itemsOf(said).map((item) => ({ name: item.text, at: item.at })),
  ];
  const all = own.length > 0 ? own : [{ name: "default", at: tree.at }];
  return all.map((each) => {
    const external = at(root, "networks", each.name, "external");
    return { ...each, external: flagOf(external) === true || external?.kind === "map" };
  });
}

/** "K=V" in lists, names with values in maps. */
function entriesOf(tree: Tree | undefined): readonly { name: string; text: string | null; at: Place }[] {
  const listed = itemsOf(tree).map(({ text, at: place }) => {
    const cut = text.search(/[=:](?!\/\/)/);
    const equals = text.indexOf("=");
    const index = equals >= 0 ? equals : cut;
    return { name: index < 0 ? text : text.slice(0, index), text: index < 0 ? null : text.slice(index + 1), at: place };
  });
  return [
    ...pairsOf(tree).map(({ key, value }) => ({ name: key, text: textOf(value) ?? null, at: value.at })),
    ...listed,
  ];
}

function environmentOf(tree: Tree | undefined): Container["environment"] {
  return Object.fromEntries(
    entriesOf(tree).map(({ name, text, at: place }) => [name, { text: text === null ? null : plain(text), at: place }]),
  );
}

function commandOf(tree: Tree): Container["command"] {
  const [entry, command] = [at(tree, "entrypoint"), at(tree, "command")];
  const words = [entry, command].flatMap((each) => {
    if (each?.kind === "list") return each.items.map(({ text }) => plain(text) ?? text);
    return wordsOfLine(plain(textOf(each) ?? "") ?? textOf(each) ?? "");
  });
  const place = (command ?? entry)?.at;
  return words.length === 0 || !place ? null : { words, at: place };
}

function mountsOf(tree: Tree): Container["mounts"] {
  return itemsOf(at(tree, "volumes")).flatMap((volume) => {
    const text = textOf(volume);
    if (text === undefined) {
      const [source, target] = [textOf(at(volume, "source")), textOf(at(volume, "target"))];
      const bind = textOf(at(volume, "type")) === "bind";
      return target === undefined
        ? []
        : [{ source: bind && source !== undefined ? beside(tree.at.file, source) : null, target }];
    }
    const [source = "", target] = (plain(text) ?? text).split(":");
    if (target === undefined) return [{ source: null, target: source }];
    return [{ source: /^[./~]/.test(source) ? beside(tree.at.file, source) : null, target }];
  });
}

function portsOf(tree: Tree): { ports: readonly PortSaid[]; published: readonly Listen[] } {
  const ports: PortSaid[] = [];
  const published: Listen[] = [];
  const add = (target: string, place: Place, protocol: string, outside: number | null): void => {
    const number = /^\d{1,5}$/.test(target) ? Number(target) : null;
    if (!ports.some((each) => each.number === number && each.protocol === protocol))
      ports.push({ number, published: outside, name: null, protocol, at: place });
  };
  for (const each of itemsOf(at(tree, "ports"))) {
    const said = shortPort(plain(textOf(each) ?? "") ?? "") ?? longPort(each);
    if (!said) continue;
    add(said.target, each.at, said.protocol, /^\d+$/.test(said.published ?? "") ? Number(said.published) : null);
    if (said.published !== null && said.protocol === "tcp")
      published.push({
        host: said.host,
        port: /^\d+$/.test(said.published) ? Number(said.published) : null,
        socket: null,
        tls: false,
        names: [],
        at: each.at,
      });
  }
  for (const each of itemsOf(at(tree, "expose"))) {
    const [target = "", protocol = "tcp"] = (plain(each.text) ?? "").split("/");
    add(target, each.at, protocol, null);
  }
  return { ports, published };
}

interface PortText {
  readonly host: string;
  readonly published: string | null;
  readonly target: string;
  readonly protocol: string;
}

function shortPort(text: string): PortText | null {
  const match = /^(?:(?:(\[[^\]]+\]|[\d.]+):)?(\d*(?:-\d+)?):)?(\d+(?:-\d+)?)(?:\/(tcp|udp|sctp))?$/.exec(text);
  if (!match) return null;
  return {
    host: (match[1] ?? "*").replace(/^0\.0\.0\.0$/, "*"),
    published: match[2] || null,
    target: match[3] ?? "",
    protocol: match[4] ?? "tcp",
  };
}

function longPort(tree: Tree): PortText | null {
  const target = textOf(at(tree, "target"));
  if (target === undefined) return null;
  return {
    host: textOf(at(tree, "host_ip")) ?? "*",
    published: textOf(at(tree, "published")) ?? null,
    target: plain(target) ?? "",
    protocol: textOf(at(tree, "protocol")) ?? "tcp",
  };
}
