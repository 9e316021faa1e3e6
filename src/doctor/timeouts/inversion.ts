// How an inversion is said: both values with how each is known, both places, and whether the order is certain.
import type { CauseId } from "../../failure/causes.ts";
import { SOFTWARE, softwareOf } from "../software.ts";
import type { ChainHop, HopTimer, Inversion } from "./model.ts";
import { shownValue } from "./values.ts";

/** A hop with one of its timers. */
export interface TimerAt {
  readonly hop: ChainHop;
  readonly timer: HopTimer;
}

/** What a rule says of two timers. */
export interface RuleBreak {
  readonly rule: Inversion["rule"];
  readonly severity: Inversion["severity"];
  readonly class: CauseId | null;
  readonly outer: TimerAt;
  readonly inner: TimerAt;
  readonly text: string;
  readonly fix: string;
  /** The hop that should be changed. */
  readonly about: "outer" | "inner";
}

/** The inversion, with its places; `at` is where the change is made. */
export function inversion({ rule, severity, class: cause, outer, inner, text, fix, about }: RuleBreak): Inversion {
  const [here, there] = about === "outer" ? [outer, inner] : [inner, outer];
  return {
    id: rule,
    severity,
    class: cause,
    text,
    fix,
    at: here.timer.place ?? there.timer.place,
    also: here.timer.place === null ? null : there.timer.place,
    hop: here.hop.name,
    rule,
    between: [outer.hop.name, inner.hop.name],
    outer: outer.timer,
    inner: inner.timer,
    certain: outer.timer.from !== "default" && inner.timer.from !== "default",
  };
}

/** "60s (proxy_read_timeout, default)", "5s (server.keepAliveTimeout, server.js:12)". */
export function withSource(timer: HopTimer): string {
  return `${shownValue(timer)} (${timer.setting}, ${sourceOf(timer)})`;
}

/** How a value is known, in a word or two. */
export function sourceOf({ from, place, confidence }: HopTimer): string {
  switch (from) {
    case "default":
      return confidence === "unsure" ? "default, not sure" : "default";
    case "measured":
      return "measured";
    case "header":
      return "said by Keep-Alive";
    case "what-if":
      return "what if";
    case "config":
      return place === null ? "given" : `${place.file}:${place.line}`;
  }
}

/** The hop in a sentence: the program's name, with the hop's where that says more. */
export function called({ name, software }: ChainHop): string {
  const { name: program } = SOFTWARE[software];
  if (software === "app") return name;
  return softwareOf(name) === software ? program : `${program} (${name})`;
}

/** Whether somebody chose the value, rather than left it. */
export function isChosen({ from }: HopTimer): boolean {
  return from === "config" || from === "what-if";
}
