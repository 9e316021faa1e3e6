// How bad a simulation's network and origins are, drawn from its seed: most are calm with something now and then, so that
// rare meetings of two faults are not drowned by failures everywhere.
import type { Dice } from "./dice.ts";
import type { FaultKind, Weather } from "./link.ts";

/** Shares of things that go wrong. */
export interface Climate {
  /** Of connections that meet a fault of the network. */
  readonly faults: number;
  /** Of requests that an origin treats badly. */
  readonly badAnswers: number;
  /** Restarts of each endpoint in the run. */
  readonly restarts: number;
  /** Of clients that leave, stop reading or send slowly. */
  readonly badClients: number;
  /** Of connections whose bytes come in small pieces. */
  readonly splits: number;
  readonly lagMsMax: number;
}

export function climateOf(dice: Dice): Climate {
  const kind = dice.weighted({ calm: 3, mixed: 5, storm: 2 });
  const much = kind === "calm" ? 0.02 : kind === "mixed" ? 0.12 : 0.4;
  return {
    faults: dice.chance(0.3) ? 0 : much * dice.random(),
    badAnswers: dice.chance(0.2) ? 0 : much * dice.random(),
    restarts: dice.chance(0.3) ? 0 : dice.whole(1, kind === "storm" ? 6 : 3),
    badClients: dice.chance(0.3) ? 0 : much * dice.random(),
    splits: dice.pick([0, 0.1, 0.5, 1]),
    lagMsMax: dice.spread(0.2, 80),
  };
}

const CLIENT_FAULTS: Readonly<Record<FaultKind, number>> = { reset: 3, stall: 3, "black-hole": 1, crash: 0 };
const ORIGIN_FAULTS: Readonly<Record<FaultKind, number>> = { reset: 3, stall: 3, "black-hole": 1, crash: 3 };

/** Of clients that have a bad line: what fits into a window takes so long. */
const BAD_LINES = 0.04;
const BAD_LINE = { lagMs: 250, windowBytes: 4_096 };

/** What the network does to one direction of one connection. */
export function weatherOf(dice: Dice, climate: Climate, towards: "client" | "origin"): Weather {
  const lagMs = dice.spread(0.02, climate.lagMsMax);
  const badLine = towards === "client" && dice.chance(BAD_LINES);
  const faulty = dice.chance(climate.faults / 2);
  const kind = dice.weighted(towards === "client" ? CLIENT_FAULTS : ORIGIN_FAULTS);
  return {
    lagMs,
    gapMs: dice.spread(0.01, 3),
    windowBytes: dice.pick([2_048, 16_384, 65_536, 65_536, 262_144, 262_144]),
    splits: dice.chance(climate.splits) ? dice.random() : 0,
    ...(badLine ? BAD_LINE : {}),
    slow: badLine,
    fault: faulty ? { atByte: dice.spreadWhole(1, 30_000) - 1, kind, forMs: dice.spread(10, 8_000) } : null,
  };
}
