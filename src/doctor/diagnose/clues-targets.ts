// Clues of the probes: of the address itself, and of origins and members of pools behind it.
import { CAUSES, isCauseId } from "../../failure/causes.ts";
import { span } from "../../failure/words.ts";
import type { Evidence, Leg } from "../evidence.ts";
import { spotText } from "../options.ts";
import { behind, type Clue } from "./clue.ts";
import type { Symptom, TargetState } from "./judge.ts";
import type { Certainty } from "./model.ts";

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
      if (each.class === "keepalive-race" || isTls(each)) clues.push(clueOf(state, each));
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

/** From another machine or container a name or a loopback address is not what the gateway sees. */
function trusted(clue: Clue, { seen: { target } }: TargetState, { local }: Evidence): Clue {
  if (target.role !== "endpoint" || clue.certainty !== "proven") return clue;
  const contained = local?.gateways.some(({ container }) => container !== null) ?? false;
  const name = isCauseId(clue.class) && CAUSES[clue.class].phase === "dns";
  if (!contained && (local?.gatewayHere.certain || !name)) return clue;
  return { ...clue, certainty: "likely" };
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

/** What the gateway's own limits and a member's answer make together, where the member by itself is good. */
export function fitClues(url: TargetState, inner: readonly TargetState[], evidence: Evidence): Clue[] {
  const { response, symptom } = url;
  if (symptom?.where !== "behind" || !response) return [];
  const maker = response.page?.madeBy ?? evidence.way[0]?.software ?? null;
  const clues: Clue[] = [];
  for (const { seen, condition, response: own } of inner) {
    if (condition !== "good" || !own) continue;
    const limit = maker === "nginx" ? 4_096 : maker === "haproxy" ? 15_360 : null;
    if (limit !== null && own.headBytes > limit && response.status === GATEWAY_ERROR)
      clues.push(
        togetherClue(
          seen.target.id,
          spotText(seen.target.spot),
          seen.target.depth,
          "response-header-too-large",
          "likely",
          `the head of its response has ${own.headBytes.toLocaleString("en")} bytes, and ${maker === "nginx" ? "nginx's proxy_buffer_size takes 4 or 8 KiB unless it is set" : "HAProxy's buffer takes about 15 KiB unless tune.bufsize is set"}`,
        ),
      );
    const timer = responseTimer(evidence);
    const slow = own.timings.headMs;
    if (timer && slow !== null && slow > timer.value && isTimeout(response.status))
      clues.push(
        togetherClue(
          seen.target.id,
          spotText(seen.target.spot),
          seen.target.depth,
          "response-timeout",
          "proven",
          `it answers after ${span(slow)}, and the gateway waits ${span(timer.value)} (${timer.setting}, ${timer.at.file}:${timer.at.line})`,
        ),
      );
  }
  return clues;
}

/** 502, by its row of the table. */
const GATEWAY_ERROR = CAUSES["closed-before-response"].status;
const isTimeout = (status: number | null): boolean =>
  status === CAUSES["response-timeout"].status || status === GATEWAY_ERROR;

function togetherClue(
  hop: string,
  address: string,
  depth: number,
  of: Clue["class"],
  certainty: Certainty,
  text: string,
): Clue {
  return {
    from: "timing",
    class: of,
    certainty,
    hop,
    address,
    depth,
    reason: { text: `${hop}: ${text}`, source: `probe ${hop}` },
  };
}

interface WrittenTimer {
  readonly value: number;
  readonly setting: string;
  readonly at: { readonly file: string; readonly line: number };
}

/** How long the gateway of the way waits for an answer, as it is written: the nearest to the route. */
export function responseTimer({ way, configs }: Evidence): WrittenTimer | null {
  const leg = way[0];
  if (!leg) return null;
  const hop = configs.flatMap(({ hops }) => hops).find(({ name }) => name === leg.hop);
  for (const timers of [leg.route?.timers, leg.pool?.timers, hop?.timers]) {
    const timer = timers?.find(({ id, value }) => id === "response" && value !== null);
    if (timer && timer.value !== null)
      return { value: timer.value, setting: `${timer.setting} ${timer.text}`, at: timer.at };
  }
  return null;
}

/** A gateway's answer that came when one of its timers ran out: which, by its written value or a known default. */
export function timingClues(url: TargetState, evidence: Evidence): Clue[] {
  const { response, symptom } = url;
  if (symptom?.where !== "behind" || symptom.class !== "status-only-502" || !response) return [];
  const took = response.timings.headMs;
  if (took === null || response.status !== CAUSES["response-timeout"].status) return [];
  const timer = responseTimer(evidence);
  if (timer && Math.abs(took - timer.value) < Math.max(250, timer.value * 0.05))
    return [
      togetherClue(
        behind("url"),
        "",
        0.5,
        "response-timeout",
        "likely",
        `the gateway gave up after ${span(took)}: ${timer.setting} (${timer.at.file}:${timer.at.line})`,
      ),
    ];
  if (took < 500) return [];
  return [
    togetherClue(behind("url"), "", 0.5, "response-timeout", "possible", `the gateway gave up after ${span(took)}`),
  ];
}
