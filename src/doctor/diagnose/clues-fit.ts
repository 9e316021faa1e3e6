// Clues of what does not fit together: a member that answers well by itself, and a gateway's limit that it passes; an
// answer that came just when one of the gateway's timers ran out.
import { CAUSES } from "../../failure/causes.ts";
import { span } from "../../failure/words.ts";
import type { ConfiguredTimer } from "../configs/model.ts";
import type { Evidence, HttpTry, Leg } from "../evidence.ts";
import { spotText } from "../options.ts";
import type { SoftwareId } from "../software.ts";
import { timersFired } from "../timeouts/fired.ts";
import { behind, type Clue } from "./clue.ts";
import type { TargetState } from "./judge.ts";
import type { Certainty, FaultClass } from "./model.ts";

/** How much of a response's head a gateway takes unless it is told otherwise, and which setting says so. */
const HEAD_LIMITS: Partial<Record<SoftwareId, readonly [bytes: number, words: string]>> = {
  nginx: [4_096, "nginx's proxy_buffer_size takes 4 or 8 KiB unless it is set"],
  haproxy: [15_360, "HAProxy's buffer takes about 15 KiB unless tune.bufsize is set"],
};

/** What the gateways' limits and their members' answers make together. */
export function fitClues(url: TargetState, inner: readonly TargetState[], evidence: Evidence): Clue[] {
  const { response, symptom } = url;
  if (symptom?.where !== "behind" || !response) return [];
  return inner.flatMap((state) => {
    const own = state.response;
    if (state.condition !== "good" || !own) return [];
    const leg = evidence.way.find(({ targets }) => targets.includes(state.seen.target.id)) ?? null;
    const maker = leg?.software ?? response.page?.madeBy ?? null;
    return [tooLarge(state, own, maker, response), tooSlow(state, own, leg, response, evidence)].filter(
      (clue) => clue !== null,
    );
  });
}

function tooLarge(state: TargetState, own: HttpTry, maker: SoftwareId | null, response: HttpTry): Clue | null {
  const limit = maker === null ? undefined : HEAD_LIMITS[maker];
  if (!limit || own.headBytes <= limit[0] || response.status !== BAD_GATEWAY) return null;
  const text = `the head of its response has ${own.headBytes.toLocaleString("en")} bytes, and ${limit[1]}`;
  return clueAt(state, "response-header-too-large", "likely", text);
}

function tooSlow(
  state: TargetState,
  own: HttpTry,
  leg: Leg | null,
  response: HttpTry,
  evidence: Evidence,
): Clue | null {
  const timer = responseTimer(leg ?? evidence.way[0] ?? null, evidence);
  const took = own.timings.headMs;
  if (!timer || took === null || took <= timer.ms || !isTimeout(response.status)) return null;
  return clueAt(
    state,
    "response-timeout",
    "proven",
    `it answers after ${span(took)}, and the gateway waits ${timer.words}`,
  );
}

const BAD_GATEWAY = CAUSES["closed-before-response"].status;
const isTimeout = (status: number | null): boolean =>
  status === CAUSES["response-timeout"].status || status === BAD_GATEWAY;

function clueAt({ seen: { target } }: TargetState, of: FaultClass, certainty: Certainty, text: string): Clue {
  return {
    from: "timing",
    class: of,
    certainty,
    hop: target.id,
    address: spotText(target.spot),
    depth: target.depth,
    reason: { text: `${target.id}: ${text}`, source: `probe ${target.id}` },
  };
}

/** An answer of a gateway that came when one of its timers ran out, or at least long after the request. */
export function timingClues(url: TargetState, evidence: Evidence): Clue[] {
  const { response, symptom } = url;
  const cut = response && symptom?.class === "response-truncated" ? cutClue(response, evidence) : null;
  if (cut) return [cut];
  const took = response?.timings.headMs ?? null;
  if (symptom?.where !== "behind" || symptom.class !== "status-only-502" || !response || took === null) return [];
  if (response.status !== CAUSES["response-timeout"].status) return [];
  const timer = evidence.way
    .map((leg) => responseTimer(leg, evidence))
    .find((each) => each !== null && Math.abs(took - each.ms) < Math.max(250, each.ms * 0.05));
  if (!timer && took < LONG_MS) return [];
  const words = timer ? `, as its timer says: ${timer.words}` : limiters(took, evidence, response);
  return [
    {
      from: "timing",
      class: "response-timeout",
      certainty: timer ? "likely" : "possible",
      hop: behind("url"),
      address: null,
      depth: 0.5,
      reason: { text: `the gateway gave up after ${span(took)}${words}`, source: "probe url" },
    },
  ];
}

/** A body that a gateway cut when its timer ran out: what it waited for had stalled. */
function cutClue({ timings: { headMs, bodyMs } }: HttpTry, evidence: Evidence): Clue | null {
  // nginx sends a small beginning only as it ends: the silence may lie before the head as well.
  const silentMs = (headMs ?? 0) + (bodyMs ?? 0);
  const timer = evidence.way
    .map((leg) => responseTimer(leg, evidence))
    .find((each) => each !== null && silentMs > each.ms - 100 && silentMs < each.ms + Math.max(400, each.ms * 0.1));
  if (!timer) return null;
  const members = evidence.way.flatMap(({ targets }) => targets);
  const member =
    members.length === 1 ? evidence.targets.find(({ target: { id } }) => id === members[0])?.target : undefined;
  return {
    from: "timing",
    class: "response-body-timeout",
    certainty: "likely",
    hop: member?.id ?? behind("url"),
    address: member ? spotText(member.spot) : null,
    depth: member?.depth ?? 0.5,
    reason: {
      text: `the answer was cut after ${span(silentMs)}, as the gateway's timer says: ${timer.words}`,
      source: "probe url",
    },
  };
}

const LIMITERS_MAX = 4;

/** Whose timer it may have been, by its length: of the chain that is known, else of the programs that left their mark. */
function limiters(took: number, { chain }: Evidence, { page }: HttpTry): string {
  const fired = timersFired(took, chain);
  const own = fired.filter(({ inChain }) => inChain);
  const passed = [page?.madeBy, ...(page?.passed ?? []).map(({ software }) => software)];
  const shown = (own.length > 0 ? own : fired.filter(({ software }) => passed.includes(software))).slice(
    0,
    LIMITERS_MAX,
  );
  if (shown.length === 0) return "";
  return `, which is the length of ${shown.map(({ name, timer }) => `${name}'s ${timer.setting}`).join(" or of ")}`;
}

const LONG_MS = 500;

/** How long a gateway waits for an answer, as it is written: nearest to the route first. */
function responseTimer(leg: Leg | null, { configs }: Evidence): { readonly ms: number; readonly words: string } | null {
  if (!leg) return null;
  const hop = configs
    .flatMap(({ hops }) => hops)
    .find(({ name, listens }) => name === leg.hop && listens[0]?.at.file === leg.listens[0]?.at.file);
  for (const timers of [leg.route?.timers, leg.pool?.timers, hop?.timers]) {
    const timer = timers?.find(({ id, value }) => id === "response" && value !== null);
    if (timer?.value != null) return { ms: timer.value, words: wordsOf(timer, timer.value) };
  }
  return null;
}

const wordsOf = ({ setting, text, at }: ConfiguredTimer, ms: number): string =>
  `${span(ms)} (${setting} ${text}, ${at.file}:${at.line})`;
