// What a fault is. `how` says by which mechanism it works:
//   accept  – acts on a connection as soon as it is there (a request need not have come)
//   upload  – acts when a request's head was read, its body not
//   request – acts when a whole request was read
//   listen  – is a property of an address (nothing listens, a certificate, a name): it needs an address of its own
// A fault answers with bytes and returns how the connection ends; it never decides anything by chance.
import type { CauseId } from "../failure/causes.ts";
import type { Bytes, Ms } from "../std/units.ts";
import type { LabResponse } from "./answer.ts";
import type { Ending, Peer } from "./peer.ts";
import type { Field, RequestBody } from "./request.ts";

/** Where in an exchange the fault strikes, in order. */
export type Stage =
  | "dns"
  | "listen"
  | "tls"
  | "accept"
  | "upload"
  | "before-head"
  | "head"
  | "body"
  | "upgrade"
  | "after"
  | "idle"
  | "app";

/** What a client must do so that the fault shows; "get" = any request. */
export type Provocation = "get" | "post" | "large-post" | "expect" | "upgrade" | "head" | "two-gets" | "get-then-post";

/** Settings of a fault; each fault has its own defaults. */
export interface FaultOptions {
  /** A pause or a gap. */
  readonly ms?: Ms;
  /** A size. */
  readonly bytes?: Bytes;
  /** Body bytes that are sent (or read) before the fault strikes. */
  readonly after?: Bytes;
  /** A number of things. */
  readonly count?: number;
}

export interface LabRequest {
  readonly method: string;
  readonly target: string;
  /** Target without query, as it came. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly version: string;
  readonly headers: readonly Field[];
  readonly body: RequestBody;
  readonly connectionId: number;
  readonly requestIndexOnConnection: number;
  /** Aborted when the connection is closed. */
  readonly gone: AbortSignal;
  /** First value of a field; the name in lower case. */
  header(name: string): string | undefined;
}

/** What a fault that needs no request works with. */
export interface AcceptScene {
  readonly peer: Peer;
  readonly options: FaultOptions;
  /** Waits for the first bytes of a request (at once where one has been read already). */
  arrival(): Promise<void>;
}

/** What a fault that strikes a request works with. */
export interface RequestScene extends AcceptScene {
  readonly request: LabRequest;
  /** Sends an ordinary response. */
  answer(response: LabResponse): Promise<Ending>;
  /** Resets every connection of the server and listens again after the pause: a process that died. */
  crash(downMs: Ms): void;
}

/** An address where a listener-level fault can be met. */
export interface Opened {
  /** As a gateway's configuration takes it: "127.0.0.1:4000", "unix:app.sock", "missing.invalid:80". */
  readonly address: string;
  close(): Promise<void>;
  /** CA to trust, PEM; only where the fault speaks TLS. */
  readonly ca?: string;
  /** Certificate and key that the fault wants from its client, PEM. */
  readonly client?: { readonly cert: string; readonly key: string };
}

/** What a listener-level fault may use of the lab: its ordinary service, over a socket that the fault prepared. */
export interface ListenScene {
  readonly host: string;
  readonly options: FaultOptions;
  serve(stream: import("node:stream").Duplex, raw: import("node:net").Socket): void;
}

interface Common {
  /** What a gateway in front must name; null = it should cope, and deliver. */
  readonly cause: CauseId | null;
  /** One sentence. */
  readonly description: string;
  readonly stage: Stage;
  readonly provoke: Provocation;
  /** The RFC lets a gateway repair this instead of refusing it. */
  readonly repairable?: boolean;
}

export type Fault = Common &
  (
    | { readonly how: "accept"; readonly run: (scene: AcceptScene) => Promise<Ending> }
    | { readonly how: "upload" | "request"; readonly run: (scene: RequestScene) => Promise<Ending> }
    | { readonly how: "listen"; readonly open: (scene: ListenScene) => Promise<Opened> }
  );

/** A table of faults that keeps its names as types. */
export function faultTable<Name extends string>(table: Record<Name, Fault>): Readonly<Record<Name, Fault>> {
  return table;
}

/** A fault that is bytes and an ending: sent when the whole request was read. */
export function sends(
  cause: CauseId | null,
  stage: Stage,
  description: string,
  bytes: string,
  ending: Ending = "fin",
): Fault {
  return {
    how: "request",
    cause,
    stage,
    description,
    provoke: "get",
    run: async ({ peer }) => {
      await peer.send(bytes);
      await settle(peer, ending);
      return ending;
    },
  };
}

const SETTLE_MS: Ms = 15;

/** Lets bytes arrive before an RST overtakes them. */
export async function settle(peer: Peer, ending: Ending): Promise<void> {
  if (ending === "rst" || ending === "drop") await peer.pause(SETTLE_MS);
}

/** `count` bytes of text that shows where it was cut: numbered lines of 16 bytes. */
export function filler(count: Bytes): Buffer {
  const lines = Math.ceil(count / 16);
  let text = "";
  for (let line = 0; line < lines; line++) text += "line " + String(line).padStart(10, "0") + "\n";
  return Buffer.from(text.slice(0, count), "latin1");
}
