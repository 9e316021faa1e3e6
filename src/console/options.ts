// What the console is given at its start. Without a backend it is what machines ask (probes, figures, the two lists of
// /api/ and the reference); with one it has the API below /api/v1/ and the page as well.
import type { Address } from "../config/config.ts";
import type { ConsoleAccess } from "../config/observability.ts";
import type { HubOptions } from "./live.ts";
import type { Backend } from "./model.ts";

export interface ConsoleOptions {
  readonly address: Address;
  readonly ready: () => Readiness | Promise<Readiness>;
  /** Prometheus text. */
  readonly metrics: () => string | Promise<string>;
  /** What is answered as JSON, by path: "/api/avoided". */
  readonly api?: Readonly<Record<string, () => unknown>>;
  /** Lets do everything; needed for everything but the probes and the page's own files. Beyond loopback there must be one, or mTLS. */
  readonly token?: string;
  /** Lets see everything and do nothing. */
  readonly readToken?: string;
  /** TLS, further host names, read only; the tokens' files are read by readTokens (credentials.ts). */
  readonly access?: ConsoleAccess;
  /** What the API and the page are made from. */
  readonly backend?: Backend;
  /** Folder of the built page; the package's own where it is absent. */
  readonly pageFolder?: string;
  /** Bounds of the streams of events, where they are not to be the usual ones. */
  readonly live?: HubOptions;
}

/** Whether this gateway should get traffic, and what stands against it. */
export interface Readiness {
  readonly ok: boolean;
  readonly reasons: readonly string[];
}

export interface ConsoleServer {
  /** As listened on: the port is the real one where 0 was asked for. */
  readonly address: Address;
  /** Reads certificate and key again, for connections from now on; throws where they cannot be used, and keeps the old. */
  renewCertificate(): void;
  close(): Promise<void>;
}
