// One request of a virtual server: what it is now (uri, arguments, location), after rewrites and internal redirects,
// and the way through the phases:
//
//   real-ip ─▶ server rewrite ─▶ location ─▶ rewrite ─▶ limits ─▶ access ─▶ try-files, mirror ─▶ content
//                   ▲               ▲___________│ (uri changed)                                      │
//                   └──────────── internal redirect (error page, index, X-Accel-Redirect) ◀──────────┘
//
// A phase says go on, wait (it calls `resume` later) or that the response is made. Subrequests are requests of their
// own, whose response goes to the request that asked for them.
import type { ErrorLevel, Text } from "../../config/servers.ts";
import type { Failure } from "../../failure/failure.ts";
import type { SsiShared } from "../../filter/ssi.ts";
import type { Subject } from "../../variables/subject.ts";
import type { ResponseHead } from "../../wire/head.ts";
import type { Exchange } from "../exchange.ts";
import type { BodyFile } from "./body-file.ts";
import type { CacheRun } from "./cache.ts";
import type { CacheLock } from "./cache-update.ts";
import { ClientBody } from "./client-body.ts";
import type { FeatureFacts } from "./features.ts";
import type { Fill } from "./fill.ts";
import { mayKeepAliveOn } from "./keep-alive.ts";
import { tellFailure, writeError, writeLogs } from "./log.ts";
import { followUp } from "./mirror.ts";
import { Output, type OutputTarget } from "./output.ts";
import { PHASES } from "./phases.ts";
import type { LocationPlan, ServerPlan } from "./plan.ts";
import { RequestSubject } from "./request-subject.ts";
import type { HeaderLine, ResponseHeader } from "./response-header.ts";
import type { Servers } from "./servers.ts";
import type { ResponseSink } from "./sink.ts";
import type { SlicePart } from "./slice.ts";
import { type MoreFields, respondFailed } from "./special.ts";
import type { Unresolved } from "./target.ts";

/** What a phase says. */
export const GO_ON = 0;
export const WAIT = 1;
export const DONE = 2;
export type Outcome = typeof GO_ON | typeof WAIT | typeof DONE;

/** Rewrites and internal redirects of one request; more are a circle. */
const CHANGES_MAX = 10;
/** How a subrequest came to be. */
export interface SubrequestOf {
  readonly parent: ServerRequest;
  readonly target: OutputTarget;
}

export class ServerRequest {
  readonly exchange: Exchange;
  readonly servers: Servers;
  server: ServerPlan;
  location: LocationPlan;
  /** The last if-block that said what makes the response. */
  contentBlock: LocationPlan | null = null;
  /** Path, decoded and normalised; arguments without "?"; undefined = none. */
  uri = "/";
  args: string | undefined;
  /** What an upstream is asked with; error pages are asked for with GET. */
  method: string;
  /** It was redirected inside: internal locations may be used. */
  internal = false;
  /** The uri is what the client sent, so that its target can go on as it came. */
  asReceived = true;
  /** Its uri has the prefix of the location that it is in. */
  inLocation = true;
  /** The target had escapes: what goes on is escaped anew. */
  quoted = false;
  /** The rewrite program that runs has changed the uri. */
  uriChanged = false;
  changes = 0;
  phase = 0;
  output: Output;
  /** The status that the client gets whatever the error page gives; 0 = the page's own. */
  errorStatus = 0;
  /** An error page is being made: errors of it have none of their own. */
  inErrorPage = false;
  /** The head that was sent. */
  sentHead = "";
  /** Of Host (or the target), lower case; "" = none was given. Its port as written. */
  host = "";
  hostPort: string | undefined;
  /** What is wrong with the request as a whole: told once its server is known. */
  problem: Failure | null = null;
  /** The location's own path lacks nothing but the slash at the end. */
  redirectBare = false;
  /** What goes to the upstream instead of the client's body. */
  ownBody: Buffer | null = null;
  /** A subrequest's copy of the body, in memory or in its file. */
  givenBody: Buffer | null = null;
  givenFile: BodyFile | null = null;
  /** The body of the client; null = there is none. */
  readonly clientBody: ClientBody | null;
  /** It was too large for a location. */
  bodyRefused = false;
  /** Whether the client waits for 100 was looked at. */
  #expectTested = false;
  /** Lower-case names of fields that the server's rules for heads pass over. */
  oddFields: readonly string[] = NO_NAMES;
  upstreamHead: ResponseHead | null = null;
  upstreamTrailers: readonly HeaderLine[] = [];
  /** host:port of a target made of variables. */
  proxyAuthority: string | undefined;
  proxyScheme: "http" | "https" = "http";
  /** Its host, where that has to be resolved. */
  unresolved: Unresolved | null = null;
  /** Fields that go with whatever status is shown, such as WWW-Authenticate. */
  errorFields: MoreFields = {};
  /** Fields of the response that named another place to take the body from. */
  readonly keptFields: HeaderLine[] = [];
  sentTrailers: HeaderLine[] = [];
  gzipRatio: (() => string | undefined) | null = null;
  /** The cache on its way; null = it has no part in it. */
  cache: CacheRun | null = null;
  /** What it updates in the cache behind the request that it is a clone of. */
  updates: CacheLock | null = null;
  /** Its part of a response that is put together from slices. */
  slice: SlicePart | null = null;
  /** The file that its response is written to as it comes. */
  fill: Fill | null = null;
  cacheStatus: string | undefined;
  cacheKey: string | undefined;
  cacheLastModified: string | undefined;
  cacheEtag: string | undefined;
  remoteUser: string | undefined;
  /** By real-ip. */
  realAddress = "";
  realPort = "";
  limitReqStatus: string | undefined;
  limitConnStatus: string | undefined;
  /** Set by `set $limit_rate` or X-Accel-Limit-Rate. */
  limitRate: string | undefined;
  /** Called when the request has ended. */
  readonly releases: (() => void)[] = [];
  /** Index into exchange.attempts where tries begin that came behind an internal redirect. */
  readonly triesFrom: number[] = [];
  /** Where there was no server to try: behind so many attempts, in which upstream. */
  readonly withoutServer: { readonly at: number; readonly upstream: string }[] = [];
  /** What the documents of the request share; of the main request. */
  ssi: SsiShared | null = null;
  /** X-Accel-Charset of the upstream. */
  accelCharset: string | undefined;
  /** Answers in the place of an error. */
  stub: Buffer | null = null;
  /** Its subrequests at work, and how many there are below the main request. */
  children: Set<ServerRequest> | null = null;
  /** What its location wants behind the response was asked for. */
  followsUp = false;
  readonly features: FeatureFacts = { secureLink: null, visitor: null };
  subrequestsAtWork = 0;
  readonly parent: ServerRequest | null;
  readonly target: OutputTarget | null;
  /** The limits have been met: not a second time behind an internal redirect. */
  limited = false;
  mirrored = false;
  triedFiles = false;
  /** try_files below an alias of a pattern: the uri is put behind it. */
  addUri = false;
  /** Why access is refused was logged already. */
  forbiddenTold = false;
  #subject: RequestSubject | null = null;

  constructor(exchange: Exchange, servers: Servers, server: ServerPlan, sub: SubrequestOf | null = null) {
    this.exchange = exchange;
    this.servers = servers;
    this.server = server;
    this.location = server.base;
    this.method = exchange.method;
    this.parent = sub?.parent ?? null;
    this.target = sub?.target ?? null;
    this.output = new Output(this);
    this.clientBody = exchange.body && sub === null ? new ClientBody(this) : null;
    exchange.plan = server.base.plan;
  }

  get subject(): Subject {
    this.#subject ??= new RequestSubject(this);
    return this.#subject;
  }

  /** The request that the client sent. */
  get main(): ServerRequest {
    let request: ServerRequest = this;
    while (request.parent) request = request.parent;
    return request;
  }

  /** Goes through the phases from where it is. */
  run(): void {
    while (!this.exchange.ended) {
      const phase = PHASES[this.phase++]!;
      if (phase(this) !== GO_ON) return;
    }
  }

  /** What a phase waited for has come; errors of ours end the exchange only. */
  resume(): void {
    if (this.exchange.ended) return;
    try {
      this.run();
    } catch (error) {
      this.exchange.client.onInternalError(error);
    }
  }

  /** The uri was changed by a rewrite: another location. False = too often. */
  countChange(): boolean {
    return ++this.changes <= CHANGES_MAX;
  }

  /** Goes on as another request: what the round before had begun is over. */
  newRound(): void {
    this.internal = true;
    this.inLocation = true;
    this.mirrored = false;
    this.ownBody = null;
    this.unresolved = null;
    this.cache?.end();
    this.cache = null;
    this.slice = null;
    const { exchange } = this;
    if (exchange.attempts.length > (this.triesFrom.at(-1) ?? 0)) this.triesFrom.push(exchange.attempts.length);
    exchange.leaveGroup();
    if (!this.output.begun) this.renewOutput();
  }

  /** What was begun of a response is given up for another one. */
  renewOutput(): void {
    this.output.abandon();
    this.output = new Output(this);
  }

  /** Calls back once the client's body has been read. */
  whenBodyIsWhole(then: () => void, inMemory = false): void {
    this.testExpect();
    if (this.clientBody) this.clientBody.whole(then, inMemory);
    else then();
  }

  /** The body is about to be read (or read and thrown away): a client that waits for it is told to send it. */
  testExpect(): void {
    if (this.#expectTested || this.parent !== null) return;
    this.#expectTested = true;
    if (this.exchange.head.expectContinue) this.exchange.sendContinue();
  }

  /** Nobody has asked for the body, and the response is about to begin. */
  discardBody(): void {
    if (this.parent !== null) return;
    this.#expectTested = true;
    this.clientBody?.discard();
  }

  /** The client has ended its direction. */
  clientEnded(): void {
    const { content } = this.location.settings;
    const { exchange } = this;
    if (content.kind === "proxy" && content.ignoreClientAbort) return;
    // What has begun and costs no upstream goes on: who still reads gets it, and who does not makes a write fail.
    if (exchange.respondedAt > 0 && exchange.attempt === null) return;
    exchange.clientGone();
  }

  /** Where the response goes. */
  get sink(): ResponseSink {
    return this.slice ?? this.output;
  }

  /** It goes on when its client has left, since what it fetches is kept, or the configuration says so. */
  get goesOnAlone(): boolean {
    if (this.fill !== null || this.cache?.goesOnAlone === true) return true;
    const { content } = this.location.settings;
    return this.exchange.respondedAt === 0 && content.kind === "proxy" && content.ignoreClientAbort;
  }

  /** What binds the request to a server of its upstream. */
  get balanceKey(): string {
    return this.servers.balanceKey(this);
  }

  /** The server that a cookie, route or session binds it to; "" = none does. */
  get boundRoute(): string {
    const { group } = this.exchange;
    return group?.config.sticky ? this.servers.sticky.routeFor(this, group) : "";
  }

  /** There was no server to try: that is an entry in the list of tries, too. */
  noServer(): void {
    this.withoutServer.push({ at: this.exchange.attempts.length, upstream: this.exchange.group?.config.name ?? "" });
  }

  /** The host that redirects to ourselves name. */
  hostForRedirect(): string {
    return this.host || this.subject.serverAddress;
  }

  /** Its settings are those of an if-block from here on; without content of its own it leaves that to the last that had. */
  enterBlock(block: LocationPlan): void {
    const { contentBlock } = this;
    this.enter(block);
    this.contentBlock = block.settings.content.kind === "files" ? contentBlock : block;
  }

  /** Its settings are those of this location from here on. */
  enter(location: LocationPlan): void {
    this.contentBlock = null;
    this.location = location;
    this.exchange.plan = location.plan;
  }

  /** An attempt, or something else of ours, has failed before the response began. */
  failed(failure: Failure): void {
    this.exchange.failure ??= failure;
    tellFailure(this, failure);
    if (!this.cache?.takeFailure(failure)) respondFailed(this, failure);
  }

  /** The exchange is over. */
  ended(): void {
    this.servers.sticky.learnAtEnd(this);
    for (const release of this.releases) release();
    this.releases.length = 0;
    this.clientBody?.end();
    this.output.abandon();
    writeLogs(this);
    followUp(this);
  }

  mayKeepAlive(): boolean {
    return this.parent === null && mayKeepAliveOn(this);
  }

  /** What an X-Accel-Redirect leaves of the response that had it; an upstream, or a page of ours, says its own. */
  applyKept(header: ResponseHeader): void {
    const saysItself = header.fromUpstream || this.errorStatus > 0;
    for (const { name, value } of this.keptFields) {
      const lowerName = name.toLowerCase();
      if (lowerName === "set-cookie") header.add(name, value);
      else if (!saysItself || header.get(lowerName) === undefined) header.set(name, value);
    }
  }

  /** A text of the configuration with this request's variables. */
  render(text: Text): string {
    return this.servers.compiler.text(text).render(this.subject);
  }

  /** A line for the error log. */
  log(level: ErrorLevel, text: string): void {
    writeError(this, level, text);
  }
}

const NO_NAMES: readonly string[] = [];
