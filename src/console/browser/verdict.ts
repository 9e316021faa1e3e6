// How things are, in one word and one sentence: for the header and above the picture. The worst open incident speaks;
// without one, members that are out of use; without those all is well. An upstream that is away goes before what is degraded. Never green where the figures are old.
import type { IncidentRow, Now } from "../model.ts";
import { lasting, perSecond, plural } from "./format.ts";
import type { Look } from "./ui/tone.ts";

export interface StateOfThings extends Look {
  readonly sentence: string;
  /** Where to read on; null = nowhere. */
  readonly href: string | null;
}

/** `now` = the newest figures. */
export function stateOf(now: Now): StateOfThings {
  const worst = now.incidents[0];
  if (!now.gateway.ready) {
    const why = now.gateway.reasons.join("; ");
    const sentence = `The gateway is not ready${why === "" ? "" : `: ${why}`}.`;
    return { tone: "bad", shape: "cross", word: "Not ready", sentence, href: worst ? hrefOf(worst) : null };
  }
  // Nothing answers at all: no incident of a part says more, save the outage itself.
  const away = awayOf(now);
  if (away && worst?.severity !== "outage") return away;
  if (worst && HURTS.has(worst.severity)) return ofIncident(worst);
  const errors = errorsOf(now);
  if (errors) return errors;
  if (worst && worst.severity !== "notice") return ofIncident(worst);
  const out = now.upstreams.flatMap(({ endpoints }) => endpoints).filter(({ state }) => BROKEN.has(state)).length;
  if (out > 0) {
    const sentence = `${plural(out, "endpoint")} cannot be used; no visitor is shown an error.`;
    return { tone: "warn", shape: "triangle", word: "Attention", sentence, href: "/upstreams" };
  }
  if (worst) return ofIncident(worst);
  return { tone: "good", shape: "disc", word: "All well", sentence: "All is well.", href: null };
}

/** An upstream without an endpoint that can be used: known at once, before an incident has words for it. */
function awayOf({ upstreams, at }: Now): StateOfThings | null {
  const away = upstreams.find(({ awaySince }) => awaySince !== null);
  if (!away) return null;
  const { name, held, awaySince } = away;
  const waits = held > 0 ? `; ${plural(held, "request")} wait${held === 1 ? "s" : ""} for it` : "";
  const sentence = `${name} is away for ${lasting(at - (awaySince ?? at))}: none of its endpoints can be used${waits}.`;
  const href = `/upstreams?upstream=${encodeURIComponent(name)}`;
  return { tone: "bad", shape: "cross", word: "Away", sentence, href };
}

/** Errors of these seconds that are no incident yet. */
function errorsOf({ all }: Now): StateOfThings | null {
  if (all.shownPerSecond <= SOME) return null;
  const sentence = `${perSecond(all.shownPerSecond)} gateway errors are shown to visitors.`;
  return { tone: "bad", shape: "triangle", word: "Errors", sentence, href: "/traffic" };
}

const SOME = 0.005;
const HURTS: ReadonlySet<string> = new Set(["outage", "degraded"]);
const BROKEN: ReadonlySet<string> = new Set(["gone", "unhealthy", "ejected"]);

function ofIncident(row: IncidentRow): StateOfThings {
  const look = SEVERITIES[row.severity];
  return { ...look, sentence: row.sentence, href: hrefOf(row) };
}

const hrefOf = (row: IncidentRow): string => `/incidents/${encodeURIComponent(row.id)}`;

const SEVERITIES: Readonly<Record<IncidentRow["severity"], Look>> = {
  outage: { tone: "bad", shape: "cross", word: "Outage" },
  degraded: { tone: "bad", shape: "triangle", word: "Degraded" },
  saved: { tone: "warn", shape: "star", word: "Saving" },
  notice: { tone: "good", shape: "disc", word: "All well" },
};
