// limit_req and limit_conn: the zones of the http block, and what a location says of them.
import type { ErrorLevel, LimitsConfig, ZoneConfig } from "../../config/servers.ts";
import { suggest } from "../../config/suggest.ts";
import type { Arg, Directive } from "../tree.ts";
import { parseNumber, parseSize } from "../units.ts";
import { argOf, flagOf, numberOf, oneOf, type Scope } from "./scope.ts";
import { textOf } from "./text.ts";

/** A page of memory as nginx counts it: zones have at least eight. */
const ZONE_BYTES_MIN = 8 * 4096;

/** All zones, in order. */
export function zonesOf(http: Scope): ZoneConfig[] {
  const zones: ZoneConfig[] = [];
  const keys = new Map<string, string>();
  for (const directive of http.directives) {
    const { name } = directive;
    if (name !== "limit_req_zone" && name !== "limit_conn_zone") continue;
    const zone = zoneOf(http, directive);
    if (!zone) continue;
    const id = `${zone.kind} ${zone.name}`;
    const key = keys.get(id);
    if (key !== undefined) http.problems.complain(directive, `${name} "${zone.name}" is already bound to key "${key}"`);
    else zones.push(zone);
    keys.set(id, argOf(directive));
  }
  return zones;
}

function zoneOf(http: Scope, directive: Directive): ZoneConfig | null {
  const key = textOf(http, directive, argOf(directive));
  const isRate = directive.name === "limit_req_zone";
  const { problems } = http;
  let named: { readonly name: string; readonly bytes: number } | null = null;
  let perSecond = 1;
  let failed = false;
  for (const arg of directive.args.slice(1)) {
    const { value } = arg;
    if (value.startsWith("zone=")) named = zoneSize(http, directive, arg);
    else if (isRate && value.startsWith("rate=")) {
      const [, rate = "", unit] = /^rate=(.*?)(r\/[sm])?$/.exec(value) ?? [];
      const each = parseNumber(rate) ?? 0;
      if (each <= 0) problems.complain(directive, `invalid rate "${value}"`, arg);
      // nginx counts thousandths of requests.
      perSecond = Math.floor((each * 1000) / (unit === "r/m" ? 60 : 1)) / 1000;
    } else {
      problems.complain(directive, `invalid parameter "${value}"`, arg);
      failed = true;
    }
  }
  if (named === null) {
    const said = failed || directive.args.some(({ value }) => value.startsWith("zone="));
    if (!said) problems.complain(directive, `"${directive.name}" must have "zone" parameter`);
    return null;
  }
  return isRate ? { kind: "rate", ...named, key, perSecond } : { kind: "connections", ...named, key };
}

/** "zone=name:10m". */
function zoneSize({ problems }: Scope, directive: Directive, arg: Arg): { name: string; bytes: number } | null {
  const [, name = "", size] = /^zone=([^:]*):(.*)$/.exec(arg.value) ?? [];
  const bytes = size === undefined ? undefined : parseSize(size);
  const wrong = bytes === undefined ? `invalid zone size "${arg.value}"` : `zone "${arg.value}" is too small`;
  if (bytes === undefined || bytes < ZONE_BYTES_MIN) problems.complain(directive, wrong, arg);
  else if (name !== "") return { name, bytes };
  else problems.complain(directive, `"${directive.name}" must have "zone" parameter`);
  return null;
}

const LEVELS: readonly ErrorLevel[] = ["info", "notice", "warn", "error"];

/** What a location says. */
export function limitsOf(scope: Scope): LimitsConfig {
  return {
    rate: scope.all("limit_req").flatMap((directive) => rateOf(scope, directive) ?? []),
    rateStatus: numberOf(scope, "limit_req_status", 503),
    rateDryRun: flagOf(scope, "limit_req_dry_run", false),
    rateLogLevel: oneOf(scope, "limit_req_log_level", LEVELS, "error"),
    connections: scope.all("limit_conn").flatMap((directive) => connectionsOf(scope, directive) ?? []),
    connectionsStatus: numberOf(scope, "limit_conn_status", 503),
    connectionsDryRun: flagOf(scope, "limit_conn_dry_run", false),
    connectionsLogLevel: oneOf(scope, "limit_conn_log_level", LEVELS, "error"),
  };
}

function rateOf(scope: Scope, directive: Directive): LimitsConfig["rate"][number] | null {
  const { problems } = scope;
  let zone: string | null = null;
  let [burst, delayAbove] = [0, 0];
  for (const arg of directive.args) {
    const { value } = arg;
    const [name = "", given = ""] = value.split("=", 2);
    const number = parseNumber(given) ?? 0;
    if (name === "zone" && value.includes("=")) zone = given;
    else if (value === "nodelay") delayAbove = Number.POSITIVE_INFINITY;
    else if ((name === "burst" || name === "delay") && value.includes("=")) {
      if (number <= 0) problems.complain(directive, `invalid ${name} value "${value}"`, arg);
      else if (name === "burst") burst = number;
      else delayAbove = number;
    } else problems.complain(directive, `invalid parameter "${value}"`, arg);
  }
  if (zone === null) {
    problems.complain(directive, '"limit_req" must have "zone" parameter');
    return null;
  }
  if (isRepeated(scope, directive, (other) => other.args.some(({ value }) => value === `zone=${zone}`))) return null;
  return { zone, burst, delayAbove };
}

function connectionsOf(scope: Scope, directive: Directive): LimitsConfig["connections"][number] | null {
  const zone = argOf(directive);
  const most = parseNumber(argOf(directive, 1)) ?? 0;
  const { problems } = scope;
  if (isRepeated(scope, directive, (other) => argOf(other) === zone)) return null;
  if (most > 65_535) problems.complain(directive, "connection limit must be less 65536", directive.args[1]);
  else if (most > 0) return { zone, most };
  else problems.complain(directive, `invalid number of connections "${argOf(directive, 1)}"`, directive.args[1]);
  return null;
}

/** Whether the same zone is named earlier in the block. */
function isRepeated(scope: Scope, directive: Directive, isSame: (other: Directive) => boolean): boolean {
  const all = scope.all(directive.name);
  const repeated = all.slice(0, all.indexOf(directive)).some(isSame);
  if (repeated) scope.problems.complain(directive, `"${directive.name}" directive is duplicate`);
  return repeated;
}

/** Tells of zones that locations name and nobody defines. */
export function complainUnknownZones(scope: Scope, zones: readonly ZoneConfig[]): void {
  const check = (kind: ZoneConfig["kind"], name: string, directive: Directive) => {
    if (zones.some((zone) => zone.kind === kind && zone.name === name)) return;
    const meant = suggest(
      name,
      zones.filter((zone) => zone.kind === kind).map((zone) => zone.name),
    );
    const define = `define it in the http block: ${kind === "rate" ? "limit_req_zone" : "limit_conn_zone"}`;
    const hint = meant === undefined ? define : `did you mean "${meant}"?`;
    scope.problems.complain(directive, `zero size shared memory zone "${name}"`, undefined, { placeless: true, hint });
  };
  for (const directive of scope.own("limit_conn")) check("connections", argOf(directive), directive);
  for (const directive of scope.own("limit_req"))
    for (const { value } of directive.args) if (value.startsWith("zone=")) check("rate", value.slice(5), directive);
}
