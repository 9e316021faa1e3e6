// What the content of one request is found by: plain facts of the request, the settings of its location, and functions
// for what costs something or belongs to others. The data path makes one for each request that files may answer.
import type { ErrorLevel, LocationSettings, Text } from "../config/servers.ts";
import { type FileProblem, isAbsent, problemStatus } from "./file-problem.ts";
import type { FileStore } from "./files.ts";
import type { SymlinkRules } from "./symlinks.ts";

export interface ContentRequest {
  readonly method: string;
  /** Decoded and normalised, as it is now (after rewrites and try_files). */
  readonly uri: string;
  /** Without its "?"; "" = none. */
  readonly args: string;
  /** The uri as a file (mapToPath), and where in it the request begins. */
  readonly path: string;
  readonly rootLength: number;
  readonly settings: ContentSettings;
  readonly symlinks: SymlinkRules;
  readonly store: FileStore;
  /** A text of the configuration with the request's variables. */
  readonly render: (text: Text) => string;
  /** Whether the client may be sent gzip, by Accept-Encoding and the location's GzipRules. */
  readonly acceptsGzip: () => boolean;
  /** A line for the error log, without what the log adds about the request. */
  readonly report: (level: ErrorLevel, text: string) => void;
  /** From 0 up to 1. */
  readonly random: () => number;
}

/** What content looks at of a location's settings. */
export type ContentSettings = Pick<
  LocationSettings,
  "content" | "index" | "autoindex" | "types" | "filters" | "logNotFound"
> & { readonly response: Pick<LocationSettings["response"], "etag"> };

/** A status that the engine answers with its page, or the location's error page. */
export interface StatusOutcome {
  readonly kind: "status";
  readonly status: number;
}

export function answer(status: number): StatusOutcome {
  return { kind: "status", status };
}

/** Answers for a file that cannot be used, and logs it. */
export function answerProblem(problem: FileProblem, { settings, report }: ContentRequest): StatusOutcome {
  const { status, level } = problemStatus(problem);
  if (!isAbsent(problem) || settings.logNotFound) report(level, problem.problem);
  return answer(status);
}
