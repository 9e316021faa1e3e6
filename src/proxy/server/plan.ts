// What servers and locations mean for a request, worked out once at load: texts and patterns compiled, rules in sets.
import type { UpstreamTimeouts } from "../../config/config.ts";
import type {
  ErrorPageConfig,
  LocationConfig,
  LocationSettings,
  LogFormatConfig,
  Pattern,
  ProxyConfig,
  ProxyRedirectRule,
  ServerConfig,
  Text,
} from "../../config/servers.ts";
import { HIDDEN } from "../../config/standards.ts";
import type { ErrorLog } from "../../observe/error-log.ts";
import type { ServerLogs } from "../../observe/server-logs.ts";
import { compileReferers, isValidReferer } from "../../routing/referer.ts";
import type { CompiledText } from "../../variables/subject.ts";
import { FIELD_OTHER, FIELD_X_FORWARDED_OTHER, kindBit, kindOf } from "../../wire/fields.ts";
import type { RoutePlan } from "../plan.ts";
import type { AccessPlan } from "./access.ts";
import { compileAccess } from "./access.ts";
import { type CachePlan, compileCache } from "./cache-plan.ts";
import { compileRegex as compile } from "./compile-regex.ts";
import type { Compiler } from "./compiler.ts";
import type { CookieFlagsRule, ReplaceRule } from "./header-rules.ts";
import { compileLimits, type LimitsPlan, type ZoneTable } from "./limits.ts";
import { compileLogs, type LogPlan } from "./log.ts";
import { type SetHeaders, setHeadersOf } from "./proxied-request.ts";
import { compileRealIp, type RealIpPlan } from "./real-ip.ts";
import type { ServerRequest } from "./request.ts";
import { compileProgram, type Program } from "./rewrite.ts";
import { targetChooser, type UpstreamTable } from "./target.ts";
import { planTunnel, type TunnelPlan } from "./tunnel.ts";

export interface ErrorPagePlan {
  readonly to: CompiledText;
  readonly status: ErrorPageConfig["status"];
}

/** A field that a location adds. */
export interface AddedField {
  readonly name: string;
  readonly value: CompiledText;
  readonly always: boolean;
}

export interface ServerPlan {
  readonly config: ServerConfig;
  readonly name: string;
  readonly mergeSlashes: boolean;
  /** A location of it opens tunnels for CONNECT. */
  readonly takesConnect: boolean;
  /** Its own settings: where no location fits. */
  readonly base: LocationPlan;
  readonly program: Program | null;
  readonly named: ReadonlyMap<string, LocationPlan>;
  /** The location for the request's uri; what its pattern captured is kept. */
  findLocation(request: ServerRequest): LocationPlan;
}

export interface LocationPlan {
  readonly settings: LocationSettings;
  /** As the data path wants it. */
  readonly plan: RoutePlan;
  readonly name: string;
  /** The prefix or exact path; "" for patterns. */
  readonly path: string;
  readonly redirectBare: boolean;
  readonly program: Program | null;
  /** Settings for other methods. */
  readonly exceptFor: { readonly methods: ReadonlySet<string>; readonly plan: LocationPlan } | null;
  readonly proxy: ProxyPlan | null;
  readonly tunnel: TunnelPlan | null;
  readonly cache: CachePlan | null;
  readonly root: CompiledText;
  readonly index: readonly CompiledText[];
  readonly tryFiles: { readonly paths: readonly CompiledText[]; readonly last: CompiledText | number } | null;
  readonly errorPages: ReadonlyMap<number, ErrorPagePlan> | null;
  readonly addHeaders: readonly AddedField[];
  readonly addTrailers: readonly AddedField[];
  readonly passTrailers: boolean;
  readonly defaultType: CompiledText;
  readonly limitRate: CompiledText;
  readonly limitRateAfter: CompiledText;
  /** "Server: …\r\n". */
  readonly serverLine: string;
  /** What our own pages say at their foot. */
  readonly product: string;
  /** Responses of upstreams need no filter. */
  readonly plainResponses: boolean;
  readonly realIp: RealIpPlan | null;
  readonly limits: LimitsPlan | null;
  readonly access: AccessPlan | null;
  readonly logs: readonly LogPlan[];
  readonly errorLog: ErrorLog | null;
  /** Whether a referer is none of the valid ones; null = no rules. */
  readonly invalidReferer: ((referer: string | undefined) => boolean) | null;
}

export interface ProxyPlan {
  readonly config: ProxyConfig;
  readonly uri:
    | { readonly kind: "as-received" }
    | { readonly kind: "replace"; readonly prefixLength: number; readonly by: string }
    | { readonly kind: "whole"; readonly text: CompiledText };
  readonly minor: 0 | 1;
  readonly method: CompiledText | null;
  readonly setHeaders: SetHeaders;
  readonly passHeaders: boolean;
  readonly passBody: boolean;
  readonly body: CompiledText | null;
  readonly buffered: boolean;
  readonly hide: ReadonlySet<string>;
  /** Those that are not hidden anyway, and the kinds among them. */
  readonly hideMore: ReadonlySet<string>;
  readonly hideKinds: number;
  readonly pass: ReadonlySet<string>;
  readonly ignore: ReadonlySet<string>;
  /** Bytes per second from the upstream, where responses are buffered. */
  readonly limitRate: CompiledText;
  readonly interceptErrors: boolean;
  readonly forceRanges: boolean;
  readonly hasRedirects: boolean;
  readonly redirects: readonly ReplaceRule[];
  readonly hasCookieRules: boolean;
  readonly cookieDomains: readonly ReplaceRule[];
  readonly cookiePaths: readonly ReplaceRule[];
  readonly cookieFlags: readonly CookieFlagsRule[];
  /** Sets the exchange's upstream and gives the target; null = it waits, or has answered. */
  readonly chooseTarget: (request: ServerRequest) => string | null;
}

/** What plans are made with. */
export interface PlanContext {
  readonly compiler: Compiler;
  readonly upstreams: UpstreamTable;
  readonly zones: ZoneTable;
  readonly product: { readonly name: string; readonly version: string };
  readonly formats: readonly LogFormatConfig[];
  /** Opens logs; null = nothing is logged. */
  readonly logs: ServerLogs | null;
  readonly cached: Map<LocationSettings, LocationPlan>;
}

/** The plan of a location (its nested ones are not in it). */
export function planLocation(config: LocationConfig, name: string, context: PlanContext): LocationPlan {
  const { match } = config;
  const base = planSettings(config.settings, name, context);
  const { compiler } = context;
  const plan: LocationPlan = {
    ...base,
    path: match.kind === "exact" || match.kind === "prefix" ? match.path : "",
    redirectBare: match.kind === "prefix" && match.redirectBare,
    program: compileProgram(config.rewrite, compiler, (settings) => planSettings(settings, name, context)),
    exceptFor: config.limitExcept && {
      methods: new Set(config.limitExcept.methods),
      plan: planSettings(config.limitExcept.settings, name, context),
    },
  };
  return plan;
}

/** The plan of settings that stand by themselves: of a server, an if-block, limit_except. */
export function planSettings(settings: LocationSettings, name: string, context: PlanContext): LocationPlan {
  const known = context.cached.get(settings);
  if (known) return known;
  const { compiler, product } = context;
  const text = (value: Text): CompiledText => compiler.text(value);
  const { response } = settings;
  const proxy = settings.content.kind === "proxy" ? planProxy(settings.content, context) : null;
  const full = `${product.name}/${product.version}`;
  const server = response.serverTokens === "off" ? product.name : full;
  const plan: LocationPlan = {
    settings,
    plan: routePlan(settings, name),
    name,
    path: "",
    redirectBare: false,
    program: null,
    exceptFor: null,
    proxy,
    tunnel: settings.content.kind === "tunnel" ? planTunnel(settings.content, context) : null,
    cache: compileCache(settings, compiler),
    root: text(settings.root.path),
    index: settings.index.map(text),
    tryFiles: settings.tryFiles && {
      paths: settings.tryFiles.paths.map(text),
      last: typeof settings.tryFiles.last === "string" ? text(settings.tryFiles.last) : settings.tryFiles.last.status,
    },
    errorPages: errorPagesOf(settings.errorPages, compiler),
    addHeaders: response.addHeaders.map((field) => ({ ...field, value: text(field.value) })),
    addTrailers: response.addTrailers.map((field) => ({ ...field, value: text(field.value) })),
    passTrailers: settings.content.kind === "proxy" && settings.content.response.passTrailers,
    defaultType: text(settings.types.default),
    limitRate: text(response.limitRate),
    limitRateAfter: text(response.limitRateAfter),
    serverLine: `Server: ${server}\r\n`,
    product: server,
    plainResponses: isPlain(settings),
    realIp: compileRealIp(settings.realIp),
    limits: compileLimits(settings.limits, context),
    access: compileAccess(settings.access, compiler),
    logs: compileLogs(settings.logs, context),
    errorLog: context.logs?.error(settings.errorLog) ?? null,
    invalidReferer: refererCheck(settings.referers),
  };
  context.cached.set(settings, plan);
  return plan;
}

function refererCheck(config: LocationSettings["referers"]): LocationPlan["invalidReferer"] {
  if (!config) return null;
  const rules = compileReferers(config, compile);
  return (referer) => !isValidReferer(rules, referer);
}

function errorPagesOf(pages: readonly ErrorPageConfig[], compiler: Compiler): Map<number, ErrorPagePlan> | null {
  if (pages.length === 0) return null;
  const byStatus = new Map<number, ErrorPagePlan>();
  for (const { statuses, to, status } of pages) {
    const page = { to: compiler.text(to), status };
    // The first that names a status holds.
    for (const each of statuses) if (!byStatus.has(each)) byStatus.set(each, page);
  }
  return byStatus;
}

function isPlain({ filters, response, content }: LocationSettings): boolean {
  const { gzip, gunzip, sub, ssi, charset, addition, sliceBytes } = filters;
  if (gzip || gunzip || sub || ssi || charset || addition || sliceBytes > 0) return false;
  if (response.expires || response.addTrailers.length > 0 || response.limitRate !== "0" || !response.chunked)
    return false;
  if (content.kind !== "proxy") return true;
  const { passTrailers, forceRanges, store, limitRate, pass } = content.response;
  return !passTrailers && !forceRanges && store === null && limitRate === "0" && pass.length === 0;
}

const NO_TIMEOUTS: UpstreamTimeouts = {
  connectMs: Infinity,
  tlsMs: Infinity,
  sendMs: Infinity,
  headMs: Infinity,
  idleBodyMs: Infinity,
  tunnelIdleMs: Infinity,
};
const RESPONSE_FIELDS_MAX = 512;

/** The location as the exchange, its attempts and their records see it. */
function routePlan(settings: LocationSettings, name: string): RoutePlan {
  const { content, request } = settings;
  const proxy = content.kind === "proxy" ? content : null;
  const upstream = proxy ?? (content.kind === "tunnel" ? content : null);
  const headBytes = proxy?.response.headBytes ?? 0;
  const rules = upstream?.retry ?? null;
  return {
    name,
    action: { kind: "respond", status: 200, body: "", type: "text/plain" },
    group: null,
    balanceKey: null,
    timeouts: upstream?.timeouts ?? NO_TIMEOUTS,
    retry: {
      attempts: rules?.tries || Infinity,
      withinMs: rules?.withinMs || Infinity,
      statuses: rules ? statusesOf(rules.conditions) : [],
      idempotencyKey: false,
      rules,
    },
    bodyBytesMax: request.bodyBytesMax === 0 ? Infinity : request.bodyBytesMax,
    responseBytesMax: Infinity,
    responseLimits: { lineBytes: headBytes, headBytes, fields: RESPONSE_FIELDS_MAX },
    strip: "",
    rewrite: null,
    text: null,
    request: null,
    response: null,
    upgrade: true,
    errors: { detail: "loopback", pages: new Map() },
  };
}

function statusesOf(conditions: readonly string[]): number[] {
  return conditions.filter((each) => each.startsWith("http_")).map((each) => Number(each.slice("http_".length)));
}

function planProxy(config: ProxyConfig, context: PlanContext): ProxyPlan {
  const { compiler } = context;
  const { request, response } = config;
  const text = (value: Text | null): CompiledText | null => (value === null ? null : compiler.text(value));
  const rule = (from: Text | Pattern): ReplaceRule["from"] =>
    typeof from === "string" ? compiler.text(from) : compiler.pattern(from);
  const replace = (rules: readonly ProxyRedirectRule[]): ReplaceRule[] =>
    rules.map(({ from, to }) => ({ from: rule(from), to: compiler.text(to) }));
  const hide = new Set(response.hide.map((name) => name.toLowerCase()));
  const hideMore = new Set([...hide].filter((name) => !HIDDEN_NAMES.has(name)));
  const target = config.target;
  return {
    config,
    uri: target.kind === "text" ? { kind: "as-received" } : uriRule(target.uri, compiler),
    minor: request.minor,
    method: text(request.method),
    setHeaders: setHeadersOf(
      request.setHeaders.map(({ name, value }) => ({
        name,
        lowerName: name.toLowerCase(),
        value: compiler.text(value),
      })),
    ),
    passHeaders: request.passHeaders,
    passBody: request.passBody,
    body: text(request.body),
    buffered: request.buffered,
    hide,
    hideMore,
    hideKinds: [...hideMore].reduce((bits, name) => bits | kindBitOf(name), 0),
    pass: new Set(response.pass.map((name) => name.toLowerCase())),
    ignore: new Set(response.ignore.map((name) => name.toLowerCase())),
    limitRate: compiler.text(response.buffered ? response.limitRate : "0"),
    interceptErrors: response.interceptErrors,
    forceRanges: response.forceRanges,
    hasRedirects: response.redirects.length > 0,
    redirects: replace(response.redirects),
    hasCookieRules: response.cookieDomains.length + response.cookiePaths.length + response.cookieFlags.length > 0,
    cookieDomains: replace(response.cookieDomains),
    cookiePaths: replace(response.cookiePaths),
    cookieFlags: response.cookieFlags.map(({ cookie, flags }) => ({
      cookie: rule(cookie),
      flags: flags.map((flag) => compiler.text(flag)),
    })),
    chooseTarget: targetChooser(config, context),
  };
}

/** Fields of upstreams that clients do not get unless a location says so. */
export const HIDDEN_NAMES: ReadonlySet<string> = new Set(HIDDEN);

function uriRule(
  uri: Extract<ProxyConfig["target"], { kind: "upstream" }>["uri"],
  compiler: Compiler,
): ProxyPlan["uri"] {
  return uri.kind === "whole" ? { kind: "whole", text: compiler.text(uri.uri) } : uri;
}

function kindBitOf(name: string): number {
  const kind = kindOf(name);
  return kind === FIELD_OTHER || kind === FIELD_X_FORWARDED_OTHER ? 0 : kindBit(kind);
}
