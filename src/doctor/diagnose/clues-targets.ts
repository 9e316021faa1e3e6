// Clues of the probes: of the address itself, and of origins and members of pools behind it.
import { CAUSES, isCauseId } from "../../failure/causes.ts";
import type { Evidence, Leg } from "../evidence.ts";
import { spotText } from "../options.ts";
import { behind, type Clue } from "./clue.ts";
import type { TargetState } from "./judge.ts";
import type { Symptom } from "./symptom.ts";

/** What the address itself shows. */
export function urlClues(url: TargetState): Clue[] {
  const { symptom } = url;
  return [...(symptom ? [clueOf(url, symptom)] : []), ...url.besides.map((each) => clueOf(url, each))];
}

/** What targets behind it show: members that fail as their gateway would see it. */
export function innerClues(states: readonly TargetState[], evidence: Evidence): Clue[] {
  return states.flatMap((state) => {
    const clues: Clue[] = [];
    if (state.symptom) clues.push(trusted(clueOf(state, state.symptom), state, evidence));
    for (const each of state.besides) {
      // A gateway speaks HTTP/1.1 to its members, and uncompressed is what it asked for.
      if (each.class === "keepalive-race" || each.response?.what === "encoded" || isTls(each))
        clues.push(clueOf(state, each));
    }
    const health = healthClue(state);
    if (health) clues.push(health);
    return clues;
  });
}

const isTls = ({ class: of }: Symptom): boolean => isCauseId(of) && CAUSES[of].phase === "tls";

function clueOf({ seen: { target } }: TargetState, symptom: Symptom): Clue {
  const { class: of, certainty, where, text, address } = symptom;
  const dns = isCauseId(of) && CAUSES[of].phase === "dns";
  const from = where === "behind" ? (of === "status-only-502" ? "status" : "page") : "probe";
  // An answer of the application may come from any hop behind this one; of a member itself, from it.
  const passed = of === "upstream-error-passthrough" && target.role === "url";
  return {
    from,
    class: of,
    certainty,
    hop: dns && target.role === "url" ? "dns" : where === "behind" || passed ? behind(target.id) : target.id,
    address: where === "behind" ? null : (address ?? spotText(target.spot)),
    depth: target.depth + (where === "behind" || passed ? 0.5 : 0),
    reason: { text: `${shown(target.id)}: ${text}`, source: `probe ${target.id}` },
  };
}

const shown = (id: string): string => (id === "url" ? "the address itself" : id);

/** From another machine or container an address means something else than to the gateway. */
function trusted(clue: Clue, { seen: { target } }: TargetState, { local }: Evidence): Clue {
  if (target.role !== "endpoint" || clue.certainty !== "proven") return clue;
  const contained = local?.gateways.some(({ container }) => container !== null) ?? false;
  return !contained && local?.gatewayHere.certain ? clue : { ...clue, certainty: "likely" };
}

/** The path that checks ask for fails where the path of visitors works: the check takes the member out, not the fault. */
function healthClue({ seen, condition }: TargetState): Clue | null {
  const health = seen.http.find(({ what }) => what === "health");
  if (!health || condition !== "good") return null;
  const bad = health.failure !== null || (health.status !== null && health.status >= 400);
  if (!bad) return null;
  const { target } = seen;
  const said = health.failure ? health.failure.cause : `status ${health.status}`;
  return {
    from: "probe",
    class: "no-healthy-upstream",
    certainty: "likely",
    hop: target.id,
    address: spotText(target.spot),
    depth: target.depth,
    reason: {
      text: `${target.id}: its health path ${target.pool?.healthPath ?? ""} gives ${said}, while ${target.path} is answered: the check takes it out`,
      source: `probe ${target.id}`,
    },
  };
}

// ── Several together ────────────────────────────────────────────────────────────────────────────────────────────

/** A pool that leads back to its own gateway. */
export function loopClues(way: readonly Leg[], url: TargetState | null): Clue[] {
  const leg = way.find(({ loop }) => loop);
  const failing = url !== null && url.condition !== "good";
  const vias = url ? repeatedVia(url) : null;
  const clues: Clue[] = [];
  if (leg)
    clues.push({
      from: "config",
      class: "proxy-loop",
      certainty: failing ? "proven" : "likely",
      hop: url?.seen.target.id ?? leg.hop,
      address: null,
      depth: 0,
      reason: {
        text: `${leg.hop} forwards this request to an address that it listens on itself (pool ${leg.pool?.name ?? ""})`,
        source: leg.pool ? `config ${leg.pool.at.file}:${leg.pool.at.line}` : "config",
      },
    });
  if (vias)
    clues.push({
      from: "page",
      class: "proxy-loop",
      certainty: "proven",
      hop: "url",
      address: null,
      depth: 0,
      reason: { text: `Via names ${vias} more than once: the request came back to it`, source: "probe url" },
    });
  return clues;
}

function repeatedVia({ condition, response }: TargetState): string | null {
  if (condition === "good" || !response) return null;
  const names = response.fields
    .filter(([name]) => name.toLowerCase() === "via")
    .flatMap(([, value]) => value.split(","))
    .map((member) => member.trim().split(/\s+/)[1])
    .filter((name): name is string => name !== undefined);
  // A pseudonym that many programs use ("varnish", "google") is no loop: only one with a name of its own is.
  return names.find((name, index) => names.indexOf(name) !== index && /[-.:\d]/.test(name)) ?? null;
}

/** A 404 that a gateway gives itself, while its configuration forwards other hosts and paths. */
export function routeClues({ response, seen }: TargetState, { way, configs }: Evidence): Clue[] {
  const [leg] = way;
  if (!leg || leg.pool !== null || !response?.page?.ownError || response.status !== CAUSES["route-not-found"].status)
    return [];
  const hop = configs
    .flatMap(({ hops }) => hops)
    .find(({ name, listens }) => name === leg.hop && listens.some(({ at }) => at.file === leg.listens[0]?.at.file));
  if (!hop?.routes.some(({ pool }) => pool !== null)) return [];
  const { host, path } = seen.target;
  const at = leg.route ? ` (${leg.route.at.file}:${leg.route.at.line})` : "";
  return [
    {
      from: "config",
      class: "route-not-found",
      certainty: "likely",
      hop: "url",
      address: null,
      depth: 0,
      reason: {
        text: `${leg.hop} answers ${host}${path} itself${at} and forwards other hosts or paths: the name or the path may be none that it knows`,
        source: leg.route ? `config ${leg.route.at.file}:${leg.route.at.line}` : "config",
      },
    },
  ];
}
