// What people do to endpoints while the gateway runs: drain, enable, a weight, a check now.
//
// - What was said stays with the endpoint (Standing.orders): a reload keeps it as long as the configuration has an
//   endpoint with that label. With several processes each does the same by itself.
// - drain: no new requests; those in flight end, and a session that a cookie binds to it goes on there. disable: nothing
//   goes there, and nobody checks it. Both close idle connections, since an application that ends waits for them.
// - enable takes back what was said and forgets what it was ejected for. Where nothing listened, or its checks fail, it
//   is looked at anew at once, by a connection of ours: a visitor's request is no probe.
// - The last endpoint that can be used may be taken out; the answer says what requests get then.
import { suggest } from "../config/suggest.ts";
import type { Ms } from "../std/units.ts";
import { AWAY, DISABLED, DOWN, DRAINING, EJECTED, type Endpoint, GONE, WITHDRAWN } from "./endpoint.ts";
import type { UpstreamGroup } from "./group.ts";
import type { CheckResult } from "./health-check.ts";

/** What somebody can do to an endpoint. */
export type EndpointAction =
  /** No new requests; those in flight end. */
  | { readonly do: "drain"; readonly upstream: string; readonly endpoint: string }
  | { readonly do: "disable"; readonly upstream: string; readonly endpoint: string }
  /** Takes back drain, disable and a weight; lets an ejected one in again. */
  | { readonly do: "enable"; readonly upstream: string; readonly endpoint: string }
  /** 0 to 1000; 0 = none. */
  | { readonly do: "weight"; readonly upstream: string; readonly endpoint: string; readonly weight: number }
  /** Checks it at once, by its health check or a connect. */
  | { readonly do: "check"; readonly upstream: string; readonly endpoint: string };

export interface ActionResult {
  readonly ok: boolean;
  readonly said: string;
}

const WEIGHT_MAX = 1000;
/** Of names and what was asked for, in an answer. */
const NAMES_SHOWN = 10;
const WORD_MAX = 80;

/** Finds the upstream that an action is about among `groups`, and does it. */
export async function act(groups: ReadonlyMap<string, UpstreamGroup>, action: EndpointAction): Promise<ActionResult> {
  const group = groups.get(action.upstream);
  if (group) return administer(group, action);
  return no(`There is no upstream ${quoted(action.upstream)}: ${whatThereIs(action.upstream, [...groups.keys()])}`);
}

/** Does to an endpoint of the upstream what somebody asked for. */
export async function administer(asked: UpstreamGroup, action: EndpointAction): Promise<ActionResult> {
  const group = asked.newest;
  // An address may be there twice: it is one process, and what is said is said of both.
  const found = group.endpoints.filter(({ label }) => label === action.endpoint);
  const [first] = found;
  if (!first) {
    const labels = group.endpoints.map(({ label }) => label);
    const hint = whatThereIs(action.endpoint, labels);
    return no(`The upstream ${group.config.name} has no endpoint ${quoted(action.endpoint)}: ${hint}`);
  }
  switch (action.do) {
    case "drain":
    case "disable":
      return withdraw(group, found, action.do);
    case "enable":
      return enable(group, found);
    case "weight":
      return weigh(group, found, action.weight);
    case "check":
      return check(group, first);
    default:
      return no(
        `An endpoint cannot be told to ${quoted(String((action as { do: unknown }).do))}: known are drain, disable, enable, weight and check.`,
      );
  }
}

function withdraw(group: UpstreamGroup, found: readonly Endpoint[], how: "drain" | "disable"): ActionResult {
  const [{ label }] = found as [Endpoint];
  for (const { standing } of found) {
    standing.orders.drained = how === "drain";
    standing.orders.disabled = how === "disable";
  }
  obey(group, found);
  const inFlight = found.reduce((sum, { active }) => sum + active, 0);
  const flight = inFlight === 0 ? "none is in flight" : `${inFlight} in flight will end`;
  const what =
    how === "drain"
      ? `${label} is drained: it gets no new requests; ${flight}.`
      : `${label} is disabled: it gets no requests and is not checked; ${flight}.`;
  return yes(what + remainder(group));
}

function enable(group: UpstreamGroup, found: readonly Endpoint[]): ActionResult {
  const [first] = found as [Endpoint];
  const before = first.standing.out;
  for (const { standing } of found) Object.assign(standing.orders, { drained: false, disabled: false, weight: null });
  obey(group, found);
  for (const endpoint of found) {
    group.peers?.readmit(endpoint);
    if ((endpoint.standing.out & EJECTED) !== 0) group.judge.readmit(endpoint);
    if (!group.peers) group.watch.readmit(endpoint, before);
  }
  group.recount();
  const { label, config, standing } = first;
  if (config.down) return no(`${label} is set to down in the configuration: it is used when that changes.`);
  const gone = (standing.out & GONE) !== 0 ? "nothing listened there; it is used as soon as a connection succeeds" : "";
  const down = (standing.out & DOWN) !== 0 ? "its checks failed; it is used as soon as they succeed" : "";
  const but = gone || down;
  return yes(but ? `${label} is enabled, but ${but}.` : `${label} is enabled, with the weight ${config.weight}.`);
}

function weigh(group: UpstreamGroup, found: readonly Endpoint[], weight: number): ActionResult {
  if (!Number.isInteger(weight) || weight < 0 || weight > WEIGHT_MAX)
    return no(`The weight ${quoted(String(weight))} is not a whole number from 0 to ${WEIGHT_MAX}.`);
  const [{ label, config, standing }] = found as [Endpoint];
  const before = standing.orders.weight ?? config.weight;
  for (const endpoint of found) endpoint.standing.orders.weight = weight;
  obey(group, found);
  if (weight === 0) return yes(`${label} has the weight 0: it gets no new requests.${remainder(group)}`);
  const tier = group.endpoints.filter(
    (one) => one.config.backup === config.backup && !one.config.down && (one.label === label || !isWithdrawn(one)),
  );
  const total = tier.reduce((sum, endpoint) => sum + endpoint.weight, 0);
  const share = Math.round((100 * weight) / Math.max(1, total));
  const still = byWord(found[0]!);
  return yes(`${label} has the weight ${weight} (it was ${before}): ${share} % of ${group.config.name}.${still}`);
}

const isWithdrawn = ({ standing }: Endpoint): boolean => (standing.out & WITHDRAWN) !== 0;

/** A weight does not bring back what was taken out. */
function byWord({ orders }: Endpoint): string {
  if (orders.disabled) return " It stays disabled.";
  return orders.drained ? " It stays drained." : "";
}

/** What was said becomes what is. */
function obey(group: UpstreamGroup, found: readonly Endpoint[]): void {
  for (const endpoint of found) {
    const { standing } = endpoint;
    const { drained, disabled, weight } = standing.orders;
    standing.out &= ~(DRAINING | DISABLED);
    if (disabled) standing.out |= DISABLED;
    else if (drained || weight === 0) standing.out |= DRAINING;
    else standing.withdrawnSince = 0;
    if (disabled || drained || weight === 0) {
      standing.withdrawnSince ||= group.clock();
      endpoint.pool.closeIdle();
    }
    if (disabled) group.watch.forget(endpoint);
  }
  group.rebalance();
  group.recount();
}

/** What is left of the upstream, where that matters. */
function remainder(group: UpstreamGroup): string {
  const { config } = group;
  const left = group.endpoints.filter((endpoint) => isUsable(group, endpoint));
  if (left.length > 1) return "";
  if (left.length === 1 && group.endpoints.length > 2) return ` ${left[0]!.label} alone takes the requests now.`;
  if (left.length === 1) return "";
  const held = !group.peers && config.hold && group.worked ? config.hold.forMs : 0;
  const then = held > 0 ? `requests wait for up to ${seconds(held)}, then fail` : "its requests fail";
  return ` That was the last usable endpoint of ${config.name}: ${then} until one is enabled.`;
}

function isUsable({ peers }: UpstreamGroup, endpoint: Endpoint): boolean {
  if (endpoint.config.down || (endpoint.standing.out & AWAY) !== 0) return false;
  return peers === null || peers.whyOut(endpoint) === null;
}

function check(group: UpstreamGroup, endpoint: Endpoint): Promise<ActionResult> {
  return new Promise((resolve) => {
    group.watch.checkNow(endpoint, (result) => resolve(said(group, endpoint, result)));
  });
}

function said({ config }: UpstreamGroup, endpoint: Endpoint, result: CheckResult | null): ActionResult {
  const { label, standing } = endpoint;
  if (!result) return no(`${label} cannot be checked now: the configuration has just been replaced. Ask again.`);
  const { health } = config;
  const took = `after ${Math.max(1, Math.round(result.tookMs))} ms`;
  const asked = health?.kind === "http" ? `its check (GET ${health.path})` : null;
  if (!result.good) {
    const why = result.detail.replace(/\.$/, "");
    return no(asked ? `${label} fails ${asked}, ${took}: ${why}.` : `${label} cannot be connected to: ${why}.`);
  }
  const still = (standing.out & DOWN) !== 0 ? ` It is used after ${health?.rise ?? 1} good checks in a row.` : "";
  return yes(`${label} ${asked ? `answers ${asked}` : "accepts connections"}, ${took}.${still}`);
}

function seconds(ms: Ms): string {
  return ms % 1000 === 0 ? `${ms / 1000} s` : `${ms} ms`;
}

/** What was probably meant, or what there is, as far as it reads well. */
function whatThereIs(word: string, names: readonly string[]): string {
  const meant = suggest(word.slice(0, WORD_MAX), names);
  if (meant !== undefined) return `did you mean ${meant}?`;
  if (names.length === 0) return "there are none.";
  const more = names.length - NAMES_SHOWN;
  return `there are ${names.slice(0, NAMES_SHOWN).join(", ")}${more > 0 ? ` and ${more} more` : ""}.`;
}

/** What came from outside, bounded. */
function quoted(text: string): string {
  return JSON.stringify(text.length > WORD_MAX ? `${text.slice(0, WORD_MAX - 1)}…` : text);
}

const yes = (said: string): ActionResult => ({ ok: true, said });
const no = (said: string): ActionResult => ({ ok: false, said });
