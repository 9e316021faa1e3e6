// What a configuration file says of the chain, whichever program it is for: which hop it sets up, where that listens,
// which pools it forwards to, with which timers, and what in it is a risk. Each value knows its place in the file.
import type { CauseId } from "../../failure/causes.ts";
import type { Ms } from "../../std/units.ts";
import type { InputProblem, Place, Spot } from "../evidence.ts";
import type { SoftwareId } from "../software.ts";
import type { TimerId } from "../timeouts/model.ts";
import type { Platform } from "./platform.ts";

export type ConfigKind =
  | "nginx"
  | "haproxy"
  | "caddyfile"
  | "caddy-json"
  | "traefik"
  | "envoy"
  | "apache"
  | "compose"
  | "kubernetes"
  | "goodgate"
  | "node-source"
  | "package-json"
  | "dockerfile";

export interface ConfigEvidence {
  /** As it was given. */
  readonly file: string;
  /** null = it could not be told what it is. */
  readonly kind: ConfigKind | null;
  /** With what it includes, in order. */
  readonly files: readonly string[];
  readonly hops: readonly ConfiguredHop[];
  readonly findings: readonly Finding[];
  readonly problems: readonly InputProblem[];
  /** What a file of a platform (compose, Kubernetes, an application's source) says beside hops; join.ts compares it. */
  readonly platform?: Platform;
}

/** A program that a configuration sets up. */
export interface ConfiguredHop {
  readonly software: SoftwareId;
  /** Short and unique within the file: "nginx", "web" (a service of compose), "Deployment shop". */
  readonly name: string;
  readonly at: Place;
  readonly listens: readonly Listen[];
  readonly routes: readonly ConfiguredRoute[];
  readonly pools: readonly Pool[];
  /** What holds for the hop as a whole; routes and pools may have their own. */
  readonly timers: readonly ConfiguredTimer[];
  /** Timers that are set to something that is not plain (computed, in another file): their defaults do not hold. */
  readonly timersUnknown?: readonly TimerId[];
  /** Where the program logs, as written; "error" or "access". Files only. */
  readonly logs: readonly { readonly kind: "error" | "access"; readonly file: string; readonly at: Place }[];
}

export interface Listen {
  /** "*", "127.0.0.1", "::", a name. */
  readonly host: string;
  readonly port: number | null;
  readonly socket: string | null;
  readonly tls: boolean;
  /** Hosts that are served there; [] = any. */
  readonly names: readonly string[];
  readonly at: Place;
}

/** Requests for these hosts and paths go to that pool. */
export interface ConfiguredRoute {
  /** [] = any. "*.example.com" and "~…" (a regular expression) as written. */
  readonly hosts: readonly string[];
  /** Ports of the listeners that it belongs to; absent = of all of the hop. */
  readonly ports?: readonly number[];
  readonly path: { readonly kind: "exact" | "prefix" | "pattern"; readonly text: string };
  /** Name of the pool; null = it is answered by the hop itself. */
  readonly pool: string | null;
  /** What the path becomes on its way, where that is plain ("/app/" in place of the prefix); null = it stays. */
  readonly pathBecomes: string | null;
  readonly timers: readonly ConfiguredTimer[];
  readonly at: Place;
}

/** A group of servers behind the hop. */
export interface Pool {
  readonly name: string;
  readonly scheme: "http" | "https" | "h2c" | "fastcgi" | "uwsgi" | "tcp";
  readonly members: readonly Member[];
  /** The Host field that is sent: client = what came in; member = the member's own address; else the text itself. */
  readonly host: "client" | "member" | { readonly text: string };
  /** The name in the ClientHello: null = none is sent. */
  readonly serverName: "client" | "member" | { readonly text: string } | null;
  /** Whether certificates are verified; null = no TLS. */
  readonly verify: boolean | null;
  readonly caFile: string | null;
  readonly httpVersion: "1.0" | "1.1" | "2" | null;
  /** Whether idle connections are kept for reuse. */
  readonly reuses: boolean;
  readonly health: { readonly path: string | null; readonly host: string | null; readonly at: Place } | null;
  readonly timers: readonly ConfiguredTimer[];
  readonly at: Place;
}

export interface Member {
  /** As written: "app:3000", "unix:/run/app.sock". */
  readonly text: string;
  /** null = it is not plain (a variable, a name that only the platform knows). */
  readonly spot: Spot | null;
  readonly backup: boolean;
  readonly down: boolean;
  readonly at: Place;
}

export interface ConfiguredTimer {
  readonly id: TimerId;
  /** The setting in its program's words: "proxy_read_timeout". */
  readonly setting: string;
  /** null = off: it never ends. For counts (tries) the number. */
  readonly value: Ms | null;
  /** As it stands in the file: "60s". */
  readonly text: string;
  readonly at: Place;
}

/** Something that is allowed, and a risk: never a claim that it caused a given failure. */
export interface Finding {
  /** "nginx-variable-no-resolver", "keepalive-order": stable. */
  readonly id: string;
  /** note = right in many places, shown with --verbose only. */
  readonly severity: "risk" | "note";
  /** What it ends in. */
  readonly class: CauseId | null;
  /** What is wrong and what follows, with both values where two are compared. */
  readonly text: string;
  /** What to write instead, with the user's own values. */
  readonly fix: string;
  readonly at: Place | null;
  /** The other file, where two are compared. */
  readonly also: Place | null;
  /** The hop that it is about. */
  readonly hop: string | null;
}
