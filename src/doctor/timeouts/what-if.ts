// --what-if HOP.SETTING=VALUE: what a change would make of the chain. A change to the value that already holds changes
// nothing, also not how the value is known. What cannot be read is a problem, and the other changes still apply.
import { suggest } from "../../config/suggest.ts";
import type { InputProblem } from "../evidence.ts";
import { softwareOf } from "../software.ts";
import { knownTimer, type Link, timerOf, withTimer } from "./link.ts";
import type { ChainHop, Inversion, TimeoutChain, TimerId } from "./model.ts";
import { problemOf } from "./problems.ts";
import { findSetting } from "./settings.ts";
import { readValue, shownValue } from "./values.ts";

const CHANGES_MAX = 50;
type WhatIf = NonNullable<TimeoutChain["whatIf"]>;
type Change = WhatIf["changes"][number];

/** The links after the changes, and each change with what it was before. */
export function applyChanges(links: readonly Link[], whatIf: readonly string[]) {
  const problems: InputProblem[] = [];
  const changes: Change[] = [];
  let now = links;
  for (const text of whatIf.slice(0, CHANGES_MAX)) {
    const read = applyOne(now, text);
    if ("problem" in read) problems.push(read.problem);
    else {
      now = read.links;
      changes.push(read.change);
    }
  }
  if (whatIf.length > CHANGES_MAX) {
    const text = `only the first ${CHANGES_MAX} changes are applied`;
    problems.push(problemOf("--what-if", whatIf[CHANGES_MAX] ?? "", text, "ask in several runs"));
  }
  return { links: now, changes, problems };
}

function applyOne(
  links: readonly Link[],
  text: string,
): { readonly links: readonly Link[]; readonly change: Change } | { readonly problem: InputProblem } {
  const fail = (wrong: string, next: string) => ({ problem: problemOf("--what-if", text, wrong, next) });
  const at = text.indexOf("=");
  const found = at < 0 ? null : hopOf(links, text.slice(0, at));
  if (at < 0) return fail("there is no value in it", "write HOP.SETTING=VALUE, as in nginx.proxy_read_timeout=30s");
  if (found === null || "wrong" in found) return fail(found?.wrong ?? "", found?.next ?? "");
  const { link, word } = found;
  const setting = findSetting(link.hop, word);
  if ("wrong" in setting) return fail(setting.wrong, setting.next);
  let hop: ChainHop = link.hop;
  const id = setting.ids.includes("response") ? "response" : (setting.ids[0] ?? "response");
  const before = shownAll(hop, id, setting.setting);
  for (const each of setting.ids) {
    const value = readValue(text.slice(at + 1), each, hop.software);
    if ("wrong" in value) return fail(value.wrong, value.next);
    const old = hop.timers.filter((timer) => timer.id === each && timer.setting === setting.setting);
    if (old.length === 1 && old[0]?.value === value.value) continue;
    const place = old[0]?.place ?? null;
    const timer = { id: each, setting: setting.setting, value: value.value, from: "what-if", place } as const;
    hop = withTimer(hop, knownTimer(hop.software, timer));
  }
  const after = shownAll(hop, id, setting.setting);
  const change = { hop: hop.name, setting: setting.setting, before, after };
  // Who asks for how long connections are reused asks that they are.
  const asks = hop !== link.hop && setting.ids.includes("upstream-idle") && link.reuse === "no";
  const changed: Link = { ...link, hop, reuse: asks ? "yes" : link.reuse };
  return { links: links.map((each) => (each === link ? changed : each)), change };
}

/** "60s", "60s, 300s" where places have values of their own; of another setting for the same wait where that holds. */
function shownAll(hop: ChainHop, id: TimerId, setting: string): string {
  const own = hop.timers.filter((timer) => timer.id === id && timer.setting === setting);
  const other = timerOf(hop, id);
  const all = own.length > 0 ? own : other ? [other] : [];
  return all.length === 0 ? "not set" : [...new Set(all.map(shownValue))].join(", ");
}

/** The hop that "nginx-2.proxy_read_timeout" begins with; names may have dots, so the longest that fits. */
function hopOf(
  links: readonly Link[],
  left: string,
): { readonly link: Link; readonly word: string } | { readonly wrong: string; readonly next: string } {
  const dots = [...left.matchAll(/\./g)].map(({ index }) => index).reverse();
  const names = links.map(({ hop }) => hop.name).join(", ");
  if (dots.length === 0)
    return { wrong: "it names no hop and setting", next: `write HOP.SETTING=VALUE; hops: ${names}` };
  for (const dot of dots) {
    const name = left.slice(0, dot).trim().toLowerCase();
    const software = softwareOf(name);
    const exact = links.find(({ hop }) => hop.name.toLowerCase() === name);
    const same = links.filter(({ hop }) => hop.software === software);
    const link = exact ?? (same.length === 1 ? same[0] : undefined);
    if (link) return { link, word: left.slice(dot + 1).trim() };
    if (same.length > 1) {
      return {
        wrong: `"${name}" could be several hops`,
        next: `write one of ${same.map(({ hop }) => hop.name).join(", ")}`,
      };
    }
  }
  const word = left.slice(0, dots.at(-1)).trim();
  const near = suggest(
    word,
    links.map(({ hop }) => hop.name),
  );
  const hint = near === undefined ? "" : `did you mean "${near}"? `;
  return { wrong: `there is no hop "${word}" in the chain`, next: `${hint}hops: ${names || "none"}` };
}

/** Which inversions a change solves, and which it makes; one that turns from a note into a risk is made. */
export function compareInversions(
  before: readonly Inversion[],
  after: readonly Inversion[],
): Pick<WhatIf, "solved" | "created"> {
  const known = new Map(before.map((each) => [keyOf(each), each]));
  const left = new Map(after.map((each) => [keyOf(each), each]));
  return {
    solved: before.filter((each) => rank(left.get(keyOf(each))) < rank(each)),
    created: after.filter((each) => rank(known.get(keyOf(each))) < rank(each)),
  };
}

function keyOf({ rule, between, outer, inner }: Inversion): string {
  return [rule, ...between, outer.id, inner.id].join("|");
}

function rank(inversion: Inversion | undefined): number {
  if (inversion === undefined) return 0;
  return inversion.severity === "risk" ? 2 : 1;
}
