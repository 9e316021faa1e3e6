// Servers whose names are resolved at run time: each name is asked for when its upstream starts and again whenever the
// answer has run out, and what comes takes the place of the endpoints that the last answer gave. A name that does not
// exist any more, or has no addresses, has no endpoints; where DNS itself fails, the last answer stays.
import { isIP } from "node:net";
import type { EndpointConfig } from "../config/config.ts";
import type { ResolverConfig } from "../config/servers.ts";
import { beginEvent, eventTime, Timed, wheel } from "../std/clock.ts";
import type { Ms } from "../std/units.ts";
import { reportInternal } from "./health-check.ts";
import { type FoundAddress, nameToResolve } from "./server-names.ts";

/** A DNS answer; the shortest TTL holds for all of it. Rejects with a code of node:dns. */
export type NameQuery = (
  host: string,
  service: string,
) => Promise<readonly (FoundAddress & { readonly ttl: number })[]>;

/** How long "there is none" is believed where the resolver's configuration does not say. */
const NONE_KEPT_MS: Ms = 10_000;
const RETRY_LEAST_MS: Ms = 1_000;
/** The name does not exist, or has no address. */
const NO_ADDRESSES: ReadonlySet<unknown> = new Set(["ENOTFOUND", "ENODATA"]);

/** The names of one upstream. */
export class NameWatch {
  readonly #names: readonly NameTimer[];

  constructor(
    servers: readonly EndpointConfig[],
    resolver: ResolverConfig,
    query: NameQuery,
    onAddresses: (server: EndpointConfig, found: readonly FoundAddress[]) => void,
  ) {
    this.#names = servers
      .filter((server) => server.resolve === "at-run-time" && nameToResolve(server) !== null)
      .map((server) => new NameTimer(server, resolver, query, onAddresses));
  }

  start(): void {
    for (const name of this.#names) name.onDeadline();
  }

  stop(): void {
    for (const name of this.#names) name.stop();
  }
}

class NameTimer extends Timed {
  readonly #server: EndpointConfig;
  readonly #resolver: ResolverConfig;
  readonly #query: NameQuery;
  readonly #onAddresses: (server: EndpointConfig, found: readonly FoundAddress[]) => void;
  #stopped = false;

  constructor(
    server: EndpointConfig,
    resolver: ResolverConfig,
    query: NameQuery,
    onAddresses: (server: EndpointConfig, found: readonly FoundAddress[]) => void,
  ) {
    super();
    this.#server = server;
    this.#resolver = resolver;
    this.#query = query;
    this.#onAddresses = onAddresses;
  }

  stop(): void {
    this.#stopped = true;
    wheel.remove(this);
  }

  override onDeadline(): void {
    const host = nameToResolve(this.#server)!;
    this.#query(host, this.#server.service)
      .then(
        (answer) => this.#answered(answer),
        (error: unknown) => this.#failed(error),
      )
      .catch(reportInternal);
  }

  #answered(answer: Awaited<ReturnType<NameQuery>>): void {
    beginEvent();
    const { ipv4, ipv6, validMs } = this.#resolver;
    const found = answer.filter(({ address }) => (isIP(address) === 6 ? ipv6 : ipv4));
    const ttlMs = found.length === 0 ? NONE_KEPT_MS : 1000 * Math.min(...found.map(({ ttl }) => ttl));
    this.#tell(found, (validMs || ttlMs) + 1000);
  }

  #failed(error: unknown): void {
    beginEvent();
    const { validMs, timeoutMs } = this.#resolver;
    if (NO_ADDRESSES.has((error as NodeJS.ErrnoException).code)) this.#tell([], (validMs || NONE_KEPT_MS) + 1000);
    else this.#again(Math.max(timeoutMs, RETRY_LEAST_MS));
  }

  #tell(found: readonly FoundAddress[], keptMs: Ms): void {
    this.#again(keptMs);
    if (!this.#stopped) this.#onAddresses(this.#server, found);
  }

  #again(inMs: Ms): void {
    if (!this.#stopped) wheel.set(this, eventTime() + inMs);
  }
}
