// Sticky upstreams on the data path: what a request says of the server that it is bound to, what a response sets.
import type { StickyConfig } from "../../config/config.ts";
import type { UpstreamGroup } from "../../upstream/group.ts";
import { boundRoute, firstValue, stickySetCookie } from "../../upstream/sticky.ts";
import { wallMs } from "../date.ts";
import type { Compiler } from "./compiler.ts";
import type { ServerRequest } from "./request.ts";

export class Sticky {
  readonly #compiler: Compiler;

  constructor(compiler: Compiler) {
    this.#compiler = compiler;
  }

  /** The route of the server that the request is bound to; "" = it is bound to none. */
  routeFor(request: ServerRequest, group: UpstreamGroup): string {
    const { sticky } = group.config;
    return sticky ? boundRoute(sticky, group.sessions, this.#lookedUp(request, sticky)) : "";
  }

  #lookedUp(request: ServerRequest, sticky: StickyConfig): readonly string[] {
    if (sticky.kind === "cookie") return [request.subject.cookie(sticky.name) ?? ""];
    return this.#render(request, sticky.lookup);
  }

  #render(request: ServerRequest, texts: readonly string[]): string[] {
    return texts.map((text) => this.#compiler.text(text).render(request.subject));
  }

  /** The Set-Cookie that binds the client to the server that was asked last; null = none. */
  setCookie(request: ServerRequest): string | null {
    const { group, attempts } = request.exchange;
    const sticky = group?.config.sticky;
    const last = attempts.at(-1);
    if (!group?.peers || sticky?.kind !== "cookie" || !last) return null;
    const render = (text: string | null): string | null => (text === null ? null : this.#render(request, [text])[0]!);
    const rendered = { domain: render(sticky.domain), sameSite: render(sticky.sameSite) };
    return stickySetCookie(sticky, group.peers.routeOf(last.target), rendered, new Date(wallMs()));
  }

  learnAtHead(request: ServerRequest): void {
    const sticky = request.exchange.group?.config.sticky;
    if (sticky?.kind === "learn" && sticky.afterHead) this.#learn(request);
  }

  /** The response is whole. */
  learnAtEnd(request: ServerRequest): void {
    const sticky = request.exchange.group?.config.sticky;
    if (sticky?.kind === "learn" && !sticky.afterHead && !request.exchange.aborted) this.#learn(request);
  }

  #learn(request: ServerRequest): void {
    const { group, attempts } = request.exchange;
    const sticky = group?.config.sticky;
    const last = attempts.at(-1);
    if (!group?.peers || sticky?.kind !== "learn" || !last || last.headAt === 0) return;
    const created = firstValue(this.#render(request, sticky.create));
    group.sessions?.learn(created, firstValue(this.#render(request, sticky.lookup)), group.peers.routeOf(last.target));
  }
}
