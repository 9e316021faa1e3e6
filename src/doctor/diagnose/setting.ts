// What cases are put into words with.
import type { Facts, NextStep } from "../../explain/explanation.ts";
import { nextStep } from "../../explain/next-step.ts";
import { targetOf } from "../../explain/target.ts";
import type { EntryClass } from "../../knowledge/entry.ts";
import type { Evidence } from "../evidence.ts";
import { spotText } from "../options.ts";
import type { TargetState } from "./judge.ts";
import type { FaultClass } from "./model.ts";

/** What a verdict is made of besides its case. */
export interface Setting {
  readonly evidence: Evidence;
  readonly url: TargetState | null;
  readonly states: readonly TargetState[];
}

/** The step of the reference; where it is to ask the address itself again, that is filled in as it was asked. */
export function stepFor(of: FaultClass, address: string | null, evidence: Evidence): NextStep {
  const facts = factsFor(address, evidence);
  const step = nextStep(of as EntryClass, facts);
  if (of !== "status-only-502" || step.command === null) return step;
  const asked = targetOf(facts);
  return asked.known ? { ...step, command: step.command.replace(/'https:[^']*'/, curlOf(asked)) } : step;
}

const curlOf = ({ url, site, host }: ReturnType<typeof targetOf>): string =>
  `${site === null || site === host ? "" : `-H 'Host: ${site}' `}'${url}'`;

/** What commands are filled with: the address that failed (else the one that was asked), the site's name, the path. */
export function factsFor(address: string | null, { targets }: Evidence): Facts {
  const asked = targets.find(({ target: { role } }) => role === "url")?.target;
  const own = targets.find(({ target }) => address !== null && spotText(target.spot) === address)?.target ?? asked;
  if (!own) return address === null ? {} : { upstream: address };
  const at = address ?? spotText(own.spot);
  const upstream = at.startsWith("unix:") ? at : `${own.scheme}://${at}${own.path}`;
  return { upstream, host: own.host, path: own.path };
}
