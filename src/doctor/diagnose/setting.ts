// What cases are put into words with.
import type { Evidence } from "../evidence.ts";
import type { TargetState } from "./judge.ts";

/** What a verdict is made of besides its case. */
export interface Setting {
  readonly evidence: Evidence;
  readonly url: TargetState | null;
  readonly states: readonly TargetState[];
}

/** The site's name, for commands. */
export function hostFact({ targets }: Evidence): { host?: string } {
  const host = targets.find(({ target }) => target.role === "url")?.target.host;
  return host === undefined ? {} : { host };
}
