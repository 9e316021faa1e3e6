// An nginx.conf as Config: what it says of servers becomes ServersConfig, the rest what the process is told. Nothing
// is read from a disk and no name is resolved here. Names, places, numbers and forms of arguments have been checked
// before (check.ts); what is found here is what nginx finds when it puts a configuration together.
import type { Config } from "../../config/config.ts";
import type { ServersConfig, ZoneConfig } from "../../config/servers.ts";
import { clientOf, STANDARD_OBSERVABILITY } from "../../config/standards.ts";
import type { NginxConfiguration } from "../load.ts";
import type { NginxProblem } from "../problem.ts";
import type { Directive } from "../tree.ts";
import { readCaches } from "./cache-paths.ts";
import { charsetMapsOf } from "./charset.ts";
import { complainUnknownVariables, slotsOf } from "./known-variables.ts";
import { complainUnknownZones, zonesOf } from "./limits.ts";
import { listenersOf, readListen } from "./listen.ts";
import { matchOf } from "./location.ts";
import { formatsOf } from "./logs.ts";
import type { Lowering, LowerOptions } from "./lowering.ts";
import { complainNotDone } from "./not-done.ts";
import { noteOrigins } from "./origins.ts";
import { type ProcessSettings, processSettingsOf } from "./process.ts";
import { blockScope, mainScope, problemCollector, type Scope } from "./scope.ts";
import { complainConflicts, serverOf } from "./server.ts";
import { settingsOf } from "./settings.ts";
import { checkTlsServers } from "./tls-server.ts";
import { finishUpstreams } from "./upstream-registry.ts";
import { variablesOf } from "./variables.ts";

export interface Lowered {
  /** null = there are errors. */
  readonly config: Config | null;
  readonly process: ProcessSettings;
  /** Beyond those of check.ts, in nginx's order. */
  readonly problems: readonly NginxProblem[];
}

/** Lowers a configuration that check.ts has no errors about. */
export function lowerNginx({ main, commandLine }: NginxConfiguration, options: LowerOptions): Lowered {
  const problems = problemCollector(main);
  const scope = mainScope(commandLine ? [commandLine, main] : [main], problems);
  const process = processSettingsOf(scope, options);
  const directive = scope.own("http")[0];
  const servers = directive ? httpOf(blockScope(scope, "http", directive), options) : NO_HTTP;
  complainNotDone(scope);
  const all = problems.all().map((problem) => (options.lenient ? leniently(problem) : problem));
  const failed = all.some(({ severity }) => severity === "error");
  if (directive && options.origins && !failed)
    noteOrigins(options.origins, blockScope(scope, "http", directive), servers);
  return { config: failed ? null : configOf(servers, process), process, problems: all };
}

/** What is not done is no obstacle: it is answered with 501, or left out. */
export function leniently(problem: NginxProblem): NginxProblem {
  if (problem.kind !== "scope") return problem;
  // It is said as nginx's warnings are, without a terminal too: nobody else tells whoever runs it.
  return { ...problem, severity: "warning", nginx: problem.nginx ?? problem.message };
}

type Http = Pick<Config, "listeners" | "upstreams"> & { readonly servers: ServersConfig };

/** The nginx whose meaning this is. */
const NGINX = { name: "nginx", version: "1.31.5" };

const NO_HTTP: Http = {
  listeners: [],
  upstreams: new Map(),
  servers: { servers: [], variables: [], zones: [], caches: [], formats: [], product: NGINX },
};

function httpOf(http: Scope, options: LowerOptions): Http {
  const lowering: Lowering = {
    options,
    http,
    listening: new Map(),
    upstreams: new Map(),
    zones: zonesOf(http),
    caches: [],
    formats: formatsOf(http),
    charsetMaps: charsetMapsOf(http),
    variables: variablesOf(http),
    types: new Map(),
    locationPrefix,
  };
  readCaches(lowering);
  const scopes = http.own("server").map((directive) => blockScope(http, "server", directive));
  for (const scope of scopes) readListen(scope, lowering);
  // What stands in the http block is read even where every server has its own.
  settingsOf(http, lowering);
  const servers = scopes.map((scope) => serverOf(scope, lowering));
  complainZones(http, lowering.zones);
  complainConflicts(lowering, new Map(scopes.map((scope, index) => [scope, servers[index]!.names])));
  finishUpstreams(lowering);
  checkTlsServers(
    scopes.map((scope, index) => ({ scope, tls: servers[index]!.tls })),
    lowering,
  );
  complainUnknownVariables(http);
  const { upstreams, variables, zones, caches, formats, charsetMaps } = lowering;
  return {
    listeners: listenersOf(lowering),
    upstreams,
    servers: {
      servers,
      variables,
      zones,
      caches,
      formats,
      charsetMaps,
      slots: slotsOf(http),
      product: options.product ?? NGINX,
      certificatesFrom: options.confDir,
    },
  };
}

function complainZones(scope: Scope, zones: readonly ZoneConfig[]): void {
  complainUnknownZones(scope, zones);
  for (const directive of [...scope.own("server"), ...scope.own("location")])
    complainZones(blockScope(scope, directive.name as "server" | "location", directive), zones);
}

function locationPrefix(location: Scope | undefined): string | undefined {
  const directive: Directive | null | undefined = location?.directive;
  const match = directive && matchOf(directive);
  if (!match || typeof match === "string" || match.kind === "pattern" || match.kind === "named") return undefined;
  return match.path;
}

/** Longer than anybody waits: nginx ends when the last request does. */
const NO_BOUND_MS = 2 ** 31 - 1;

/** What the routes of a goodgate.yaml go by is set to what nginx has, or to nothing where the servers say it. */
function configOf({ listeners, upstreams, servers }: Http, process: ProcessSettings): Config {
  return {
    name: "goodgate",
    listeners,
    console: null,
    upstreams,
    routes: [],
    servers,
    client: clientOf(servers.servers[0]),
    trust: [],
    forwarding: { xForwarded: false, forwarded: false, via: false },
    errors: { detail: "never", pages: new Map() },
    log: { access: null, failures: null },
    workers: process.workerProcesses,
    observability: STANDARD_OBSERVABILITY,
    drainMs: process.shutdownTimeoutMs || NO_BOUND_MS,
    drainDelayMs: 0,
  };
}
