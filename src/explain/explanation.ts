// What explain says of a text: one value for the terminal, the site, the console and --json.
import type { CauseId } from "../failure/causes.ts";
import type { EntryClass } from "../knowledge/entry.ts";
import type { Ms } from "../std/units.ts";

/** proven = the text itself says it; likely = the usual meaning of what it says; possible = among several; none = not said. */
export type Confidence = "proven" | "likely" | "possible" | "none";

/** Half-open range of UTF-16 offsets in the input as it was pasted. */
export type Range = readonly [start: number, end: number];

/** What was read from the text; absent = it does not say. Addresses and ids are as printed. */
export interface Facts {
  /** The program that wrote the line ("nginx", "haproxy", "envoy", "node"). */
  readonly software?: string;
  readonly version?: string;
  /** Which format was recognised ("nginx-error", "haproxy-http"). */
  readonly format?: string;
  readonly time?: string;
  readonly level?: string;
  readonly upstream?: string;
  readonly upstreamName?: string;
  readonly client?: string;
  readonly server?: string;
  readonly host?: string;
  readonly method?: string;
  readonly path?: string;
  /** What the client got. */
  readonly status?: number;
  /** What the upstream answered. */
  readonly upstreamStatus?: number;
  readonly errno?: string;
  readonly phase?: string;
  /** Which side of the gateway it is about. */
  readonly side?: "client" | "upstream";
  /** HAProxy's termination state, Envoy's flags. */
  readonly terminationState?: string;
  readonly flags?: readonly string[];
  readonly requestId?: string;
  readonly pid?: number;
  /** By the name that the format gives them. */
  readonly durations?: Readonly<Record<string, Ms>>;
  readonly bytes?: number;
  /** The cause that a Goodgate named which wrote the line: proven, it is a class of the failure table. */
  readonly cause?: CauseId;
}

/** Another class that the text may stand for. */
export interface Alternative {
  readonly class: EntryClass;
  readonly entry: string;
  readonly title: string;
  /** What to look at to tell it from the answer. */
  readonly separates: string;
}

export interface NextStep {
  readonly text: string;
  /** With the user's own addresses; null where there is nothing to run. */
  readonly command: string | null;
}

export interface Explanation {
  readonly input: string;
  readonly class: EntryClass | null;
  readonly confidence: Confidence;
  /** Address of the page below the reference: "/cause/connect-refused"; of a generated page "/generated/HASH". */
  readonly entry: string;
  readonly title: string;
  /** One or two sentences, with what the text says of this case. */
  readonly summary: string;
  readonly facts: Facts;
  /** The words that decided. */
  readonly decisive: readonly Range[];
  /** Why the answer is this one, in words. */
  readonly reasons: readonly string[];
  /** What would settle it; null where it is proven. */
  readonly settles: string | null;
  readonly next: NextStep;
  readonly alternatives: readonly Alternative[];
  readonly generated: boolean;
  /** The line with its changing parts masked: equal lines have equal templates. */
  readonly template: string;
  /** Present where generated. */
  readonly page: GeneratedPage | null;
}

/** Composed from what was recognised; not in the reference, and says so. */
export interface GeneratedPage {
  readonly title: string;
  /** What was recognised, what is known about it, what stays open. */
  readonly sections: readonly {
    readonly heading: string;
    readonly paragraphs: readonly string[];
    readonly steps: readonly NextStep[];
  }[];
}
