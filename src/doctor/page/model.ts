// Which program made a response: recognised by its body and its fields.
import type { CauseId } from "../../failure/causes.ts";
import type { SoftwareId } from "../software.ts";

/** What a response tells of who made it. */
export interface PageMaker {
  /** Who made this response (an error page has its maker's marks); null = nothing tells. */
  readonly madeBy: SoftwareId | null;
  /** proven = text or fields that only this program makes; likely = what it usually makes and others can; possible = a bare status with its Server field. */
  readonly certainty: "proven" | "likely" | "possible";
  /** Whether the program made an error of its own (a gateway's page), rather than passing on what came from within. */
  readonly ownError: boolean;
  /**
   * What the page itself says of the cause ("error 522", "upstream connect error … reset reason: connection failure"),
   * where its words mean just this one; null = only a status, or words that fit several: then `stated` has them.
   */
  readonly cause: CauseId | null;
  /** With its certainty and what else it fits; absent or null = only a status. */
  readonly stated?: StatedCause | null;
  /** Why, in words: "the body is nginx's 502 page", "Server: cloudflare and CF-RAY". */
  readonly reasons: readonly string[];
  /** Hops that left their mark on the response, outermost first, the maker included. */
  readonly passed: readonly PassedHop[];
}

/**
 * What a response says of the cause, in full. `causes`: all that its words fit, the likeliest first. proven = they mean
 * this one class, which then is PageMaker.cause; likely = their usual meaning; possible = they fit several, none much
 * more than the others.
 */
export interface StatedCause {
  readonly certainty: "proven" | "likely" | "possible";
  readonly causes: readonly CauseId[];
  /** The words: "error code: 521", "reset reason: overflow", "Proxy-Status: edge; error=connection_refused". */
  readonly text: string;
  /** The hop that says so, as it names itself, where that is not the maker itself. */
  readonly hop: string | null;
}

/** A hop that a response passed. */
export interface PassedHop {
  readonly software: SoftwareId;
  /** "Via: 1.1 varnish", "CF-RAY: …-FRA". */
  readonly mark: string;
  /** The pseudonym in Via or Proxy-Status, a POP, a request id, where there is one. */
  readonly name: string | null;
}
