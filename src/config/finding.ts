// What the checks (checks*.ts) hand back, and what they share.
import type { CauseId } from "../failure/causes.ts";
import type { Ms } from "../std/units.ts";
import type { Problem } from "./config.ts";
import type { Path } from "./document.ts";

/** A problem and what it is about. */
export interface Finding {
  readonly problem: Problem;
  readonly path: Path;
  readonly which: "value" | "key";
}

/** Takes a finding. */
export type Add = (problem: Problem, path: Path, which?: "value" | "key") => void;

/** Whether a setting stands in the file, rather than being a default. */
export type IsWritten = (path: Path) => boolean;

/** Where balancers and proxies before us give up or close idle connections: AWS ALB, nginx. */
export const FRONT_MS: Ms = 60_000;

/** A setting that is allowed, and a risk; `cause` is the failure that it ends in. */
export function warning(message: string, hint: string, cause?: CauseId): Problem {
  return cause === undefined ? { severity: "warning", message, hint } : { severity: "warning", message, hint, cause };
}
