// What cases are put into words with.
import type { Facts } from "../../explain/explanation.ts";
import type { Evidence } from "../evidence.ts";
import { spotText } from "../options.ts";
import type { TargetState } from "./judge.ts";

/** What a verdict is made of besides its case. */
export interface Setting {
  readonly evidence: Evidence;
  readonly url: TargetState | null;
  readonly states: readonly TargetState[];
}

/** What commands are filled with: the address that failed (else the one that was asked), the site's name, the path. */
export function factsFor(address: string | null, { targets }: Evidence): Facts {
  const asked = targets.find(({ target: { role } }) => role === "url")?.target;
  const own = targets.find(({ target }) => address !== null && spotText(target.spot) === address)?.target ?? asked;
  if (!own) return address === null ? {} : { upstream: address };
  const at = address ?? spotText(own.spot);
  const upstream = at.startsWith("unix:") ? at : `${own.scheme}://${at}${own.path}`;
  return { upstream, host: own.host, path: own.path };
}
