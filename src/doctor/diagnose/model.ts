// What doctor concludes. A class is proven only with its evidence; a healthy site gets no invented problem.
import type { CauseId } from "../../failure/causes.ts";
import type { PseudoClass } from "../../knowledge/entry.ts";
import type { Finding } from "../configs/model.ts";
import type { Evidence, NotTested } from "../evidence.ts";
import type { HopKind, SoftwareId } from "../software.ts";

/** A class of the failure table, or what only doctor can see. */
export type FaultClass = CauseId | Exclude<PseudoClass, "not-an-error"> | "redirect-loop";

export type Certainty = "proven" | "likely" | "possible";

/** A part of the chain, outermost first. */
export interface Hop {
  /** "client", "dns", "edge", "gateway", "origin-1", "endpoint app 127.0.0.1:3000". */
  readonly id: string;
  readonly kind: HopKind | "dns";
  /** "nginx (config/nginx.conf)", "Cloudflare", "app 127.0.0.1:3000". */
  readonly name: string;
  readonly software: SoftwareId | null;
  readonly address: string | null;
  /** good = answered as it should; bad = the fault is here; behind = could not be looked at since an outer hop fails; unknown = not tested. */
  readonly mark: "good" | "bad" | "warn" | "behind" | "unknown";
  /** "502 in 12 ms", "connection refused", "3 of 3 members answer". */
  readonly said: string;
}

/** One answer to "what is wrong". */
export interface Verdict {
  readonly class: FaultClass;
  readonly certainty: Certainty;
  /** Id of the hop at fault; the hop before it is the one that noticed. */
  readonly hop: string;
  readonly hopName: string;
  /** Address of the failing connection, where it has one. */
  readonly address: string | null;
  /** One sentence a person reads first. */
  readonly headline: string;
  /** What was seen that says so, strongest first. */
  readonly reasons: readonly Reason[];
  /** When it began, as far as it can be told. */
  readonly since: { readonly atMs: number; readonly how: string } | null;
  /** always, or sometimes: "3 of 10 requests". */
  readonly rate: string;
  readonly fixes: readonly Fix[];
  /** What would settle it; null = it is proven. */
  readonly settles: NextCheck | null;
  /** Page of the reference. */
  readonly entry: string | null;
}

export interface Reason {
  readonly text: string;
  /** Where the evidence stands: "probe url", "log error.log:120", "config nginx.conf:14", "local". */
  readonly source: string;
}

export interface Fix {
  readonly text: string;
  /** With the user's own values; null = nothing to run. */
  readonly command: string | null;
  /** A piece of configuration, and its language. */
  readonly config: { readonly language: string; readonly text: string; readonly file: string | null } | null;
}

export interface NextCheck {
  readonly text: string;
  readonly command: string | null;
}

export interface Excluded {
  readonly class: FaultClass | null;
  readonly what: string;
  readonly because: string;
}

export interface Diagnosis {
  /** fault = a verdict; healthy = no fault found; unknown = something fails and nothing tells what. */
  readonly outcome: "fault" | "healthy" | "unknown";
  /** One line for the top. */
  readonly summary: string;
  readonly verdict: Verdict | null;
  /** Others that fit, strongest first. */
  readonly alternatives: readonly Verdict[];
  readonly chain: readonly Hop[];
  /** Allowed, but a risk; apart from the verdict. */
  readonly risks: readonly Finding[];
  readonly excluded: readonly Excluded[];
  readonly notTested: readonly NotTested[];
  readonly nextCheck: NextCheck | null;
  /** What was tested, in words. */
  readonly tested: readonly string[];
}

/** What goes to the terminal, to --json, --html and --markdown. */
export interface DoctorReport {
  readonly version: string;
  readonly diagnosis: Diagnosis;
  readonly evidence: Evidence;
}
