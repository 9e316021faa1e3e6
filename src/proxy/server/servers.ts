// All virtual servers of one configuration, ready for requests.

import { randomInt } from "node:crypto";
import { hostname } from "node:os";
import { UserFiles } from "../../access/htpasswd.ts";
import { VisitorIds } from "../../access/visitor-id.ts";
import { Caches } from "../../cache/caches.ts";
import type { Address } from "../../config/config.ts";
import { locationLabel, serverLabel } from "../../config/location-label.ts";
import type { LocationSettings, Pattern, ServerConfig, ServersConfig, SubConfig } from "../../config/servers.ts";
import { FileStore } from "../../content/files.ts";
import { wireFailure } from "../../failure/classify.ts";
import { CharsetMaps } from "../../filter/charset.ts";
import { type SubPatterns, subPatterns } from "../../filter/sub.ts";
import type { ServerLogs } from "../../observe/server-logs.ts";
import { readHost } from "../../routing/host.ts";
import { compileLocations, findLocation, type LocationTree } from "../../routing/locations.ts";
import { compileServers, type ServerTable } from "../../routing/server-names.ts";
import { readUri } from "../../routing/uri.ts";
import { eventTime } from "../../std/clock.ts";
import { seededRandom } from "../../upstream/balance-two.ts";
import { VariableTable } from "../../variables/table.ts";
import type { ClientConnection } from "../client-connection.ts";
import type { Exchange } from "../exchange.ts";
import { compileRegex as compile } from "./compile-regex.ts";
import { Compiler } from "./compiler.ts";
import { ZoneTable } from "./limits.ts";
import { type LocationPlan, type PlanContext, planLocation, planSettings, type ServerPlan } from "./plan.ts";
import { ServerRequest, type SubrequestOf } from "./request.ts";
import { compileProgram } from "./rewrite.ts";
import { Sticky } from "./sticky.ts";
import type { UpstreamTable } from "./target.ts";
import { hasTunnels } from "./tunnel.ts";
import { repeatedField } from "./unique-fields.ts";

const OPEN_FILES_MAX = 4096;

export class Servers {
  readonly config: ServersConfig;
  readonly compiler: Compiler;
  readonly zones: ZoneTable;
  readonly sticky: Sticky;
  readonly files: FileStore;
  readonly userFiles: UserFiles;
  readonly caches: Caches;
  readonly random: () => number;
  readonly charsets: CharsetMaps;
  readonly visitors: VisitorIds;
  readonly #table: ServerTable<ServerPlan>;
  readonly #plans: readonly ServerPlan[];
  readonly #patterns = new Map<Pattern, RegExp>();
  readonly #subs = new Map<SubConfig, SubPatterns>();
  readonly #sets = new WeakMap<ClientConnection, ServerTable<ServerPlan>["sets"][number]>();

  constructor(config: ServersConfig, upstreams: UpstreamTable, logs: ServerLogs | null, previous: Servers | null) {
    this.config = config;
    this.files = previous?.files ?? new FileStore(OPEN_FILES_MAX);
    this.userFiles = previous?.userFiles ?? new UserFiles(eventTime);
    this.caches = new Caches(config.caches, previous?.caches ?? null);
    this.random = seededRandom(randomInt(2 ** 32));
    this.visitors = previous?.visitors ?? new VisitorIds(randomInt(2 ** 32));
    this.compiler = new Compiler(tableOf(config));
    this.sticky = new Sticky(this.compiler);
    this.zones = new ZoneTable(config.zones, this.compiler, previous?.zones ?? null);
    const context: PlanContext = {
      compiler: this.compiler,
      upstreams,
      zones: this.zones,
      product: config.product,
      formats: config.formats,
      logs,
      cached: new Map(),
    };
    const plans = config.servers.map((server) => planServer(server, context));
    this.#plans = plans;
    this.caches.tellProblems((text) => plans[0]?.base.errorLog?.log("crit", text, null));
    this.charsets = new CharsetMaps(config.charsetMaps ?? [], charsetNames([...context.cached.keys()]));
    this.#table = compileServers(plans, (plan) => plan.config, compile);
  }

  /** A request that was read: its server is chosen, and its uri read. What cannot be is answered. */
  begin(exchange: Exchange): ServerRequest {
    const { head } = exchange;
    const set = this.#setFor(exchange);
    const host = head.host === "" ? null : readHost(head.host);
    // Without a host it is the default one whatever the handshake asked for, unless a server has the empty name.
    const found = host ? set.find(host.host) : (set.findNameless() ?? null);
    const request = new ServerRequest(exchange, this, found?.server ?? set.defaultServer);
    if (found?.pattern) this.compiler.keepCaptures(request, found.pattern);
    request.host = host?.host ?? "";
    request.hostPort = host?.port;
    if (head.host !== "" && !host)
      request.problem = wireFailure("request", "bad-host", "no valid host in Host", 400, {});
    if (head.form === "authority" && !/:\d+$/.test(head.target))
      request.problem ??= wireFailure("request", "bad-target", "CONNECT without a port", 400, {});
    const repeated = repeatedField(head);
    if (repeated !== null) request.problem ??= wireFailure("request", "bad-field", `${repeated} twice`, 400, {});
    // CONNECT names no path: it is asked for in the place of all.
    const uri = readUri(head.form === "authority" ? "/" : exchange.targetReceived, request.server.mergeSlashes);
    if (uri === null) {
      request.uri = "";
      request.problem ??= wireFailure("request", "bad-target", "a target that leads out of its root", 400, {});
    } else {
      request.uri = uri.uri;
      request.args = uri.args;
      request.quoted = uri.quoted;
    }
    return request;
  }

  /** The server that a handshake is with, by the name it asks for ("" = none), and the default server of its address. */
  forHandshake(client: ClientConnection, serverName: string): { server: ServerPlan; main: ServerPlan } {
    const set = this.#setFor({ client });
    const { server } = serverName === "" ? { server: set.defaultServer } : set.find(serverName);
    return { server, main: set.defaultServer };
  }

  /** The server of a connection without a request: by its handshake, else the default one. */
  serverOf(client: ClientConnection): ServerPlan {
    return this.forHandshake(client, client.handshake?.serverName ?? "").server;
  }

  /** Servers that have rules for handshakes, with the default server of each of their addresses. */
  withTls(): { server: ServerPlan; main: ServerPlan }[] {
    return this.#table.sets.flatMap(({ address, defaultServer }) =>
      this.#plans
        .filter(
          ({ config: { tls, listen } }) => tls !== null && listen.some((each) => sameAddress(each.address, address)),
        )
        .map((server) => ({ server, main: defaultServer })),
    );
  }

  /** Stands for a request that could not be read: the default server answers. */
  unreadable(exchange: Exchange): ServerRequest {
    const request = new ServerRequest(exchange, this, this.serverOf(exchange.client));
    request.uri = "";
    return request;
  }

  /** What binds a request to a server of its upstream: an address, or a text; "" = nothing does. */
  balanceKey(request: ServerRequest): string {
    const { balance } = request.exchange.group!.config;
    if (typeof balance === "string") return "";
    if ("ipHash" in balance) return request.subject.remoteAddress;
    if (!("hashText" in balance)) return "";
    return request.render(balance.hashText);
  }

  /** Whether a text matches one of the patterns. */
  matchesAny(patterns: readonly Pattern[], text: string): boolean {
    return patterns.some((pattern) => {
      let regex = this.#patterns.get(pattern);
      if (!regex) {
        regex = compile(pattern).regex;
        this.#patterns.set(pattern, regex);
      }
      return regex.test(text);
    });
  }

  /** What sub_filter looks for; kept where no variable is in it. */
  subPatterns(request: ServerRequest, sub: SubConfig): SubPatterns {
    const known = this.#subs.get(sub);
    if (known) return known;
    const texts = sub.pairs.map(({ from }) => this.compiler.text(from));
    const patterns = subPatterns(texts.map((text) => text.render(request.subject)));
    if (texts.every(({ constant }) => constant !== null)) this.#subs.set(sub, patterns);
    return patterns;
  }

  /** A request of our own, for another. */
  subrequest(exchange: Exchange, sub: SubrequestOf): ServerRequest {
    const { parent } = sub;
    const request = new ServerRequest(exchange, this, parent.server, sub);
    request.internal = true;
    request.asReceived = false;
    request.host = parent.host;
    request.hostPort = parent.hostPort;
    request.quoted = parent.quoted;
    return request;
  }

  /** The servers of the address that a client has connected to; looked up once per connection. */
  #setFor({ client }: { readonly client: ClientConnection }): ServerTable<ServerPlan>["sets"][number] {
    const known = this.#sets.get(client);
    if (known) return known;
    const { address } = client.listener;
    const { sets } = this.#table;
    const found =
      address.kind === "unix"
        ? this.#table.onPath(address.path)
        : this.#table.onPort(client.localAddress, address.port);
    const set = found ?? sets[0]!;
    this.#sets.set(client, set);
    return set;
  }
}

function tableOf({ variables, slots = [], product }: ServersConfig): VariableTable {
  const table = new VariableTable(variables, { pid: process.pid, hostname: hostname(), nginxVersion: product.version });
  for (const { name, unset } of slots) table.slot(name, unset);
  return table;
}

/** Names of charsets that locations give. */
function charsetNames(all: readonly LocationSettings[]): string[] {
  return all.flatMap(({ filters: { charset } }) => (charset ? [charset.charset, charset.source] : []));
}

function sameAddress(one: Address, other: Address): boolean {
  if (one.kind === "unix" || other.kind === "unix")
    return one.kind === "unix" && other.kind === "unix" && one.path === other.path;
  return one.port === other.port && one.host === other.host;
}

function planServer(config: ServerConfig, context: PlanContext): ServerPlan {
  const label = serverLabel(config);
  const tree: LocationTree<LocationPlan> = compileLocations(
    config.locations,
    (location) => planLocation(location, `${label} ${locationLabel(location)}`, context),
    compile,
  );
  const base = planSettings(config.settings, label, context);
  return {
    config,
    name: config.name,
    mergeSlashes: config.head.mergeSlashes,
    takesConnect: hasTunnels(config),
    base,
    program: compileProgram(config.rewrite, context.compiler, (settings) => planSettings(settings, label, context)),
    named: tree.named,
    findLocation(request) {
      const found = findLocation(tree, request.uri);
      if (found.pattern) context.compiler.keepCaptures(request, found.pattern);
      request.redirectBare = found.redirect;
      const location = found.location ?? base;
      const { exceptFor } = location;
      return exceptFor && !exceptFor.methods.has(request.exchange.method) ? exceptFor.plan : location;
    },
  };
}
