// THE table of faults: everything that an upstream can do wrong here, with the cause that a gateway in front of it
// must name. Tests hold it against failure/causes.ts in both directions.
import type { Fault, FaultOptions } from "./fault.ts";
import { BODY_FAULTS } from "./faults-body.ts";
import { CONNECTION_FAULTS } from "./faults-connection.ts";
import { HEAD_FAULTS } from "./faults-head.ts";
import { LISTEN_FAULTS } from "./faults-listen.ts";

const table = { ...LISTEN_FAULTS, ...CONNECTION_FAULTS, ...HEAD_FAULTS, ...BODY_FAULTS };

export type FaultName = keyof typeof table;

/** Name → fault, in the order of an exchange. */
export const FAULTS: Readonly<Record<FaultName, Fault>> = table;

/** All names. */
export const FAULT_NAMES = Object.keys(table) as FaultName[];

/** Whether the lab knows the name. */
export function isFaultName(name: string): name is FaultName {
  return Object.hasOwn(table, name);
}

/** A fault that was asked for, with its settings. */
export interface FaultCall {
  readonly name: FaultName;
  readonly options: FaultOptions;
}

const OPTION_NAMES = ["ms", "bytes", "after", "count"] as const;
const OPTION_MAX = 2 ** 40;

/** Reads settings from pairs; what is no whole number is left out. */
export function readOptions(get: (name: string) => string | null | undefined): FaultOptions {
  const options: { -readonly [Name in keyof FaultOptions]: number } = {};
  for (const name of OPTION_NAMES) {
    const text = get(name);
    if (text && /^\d{1,13}$/.test(text) && Number(text) <= OPTION_MAX) options[name] = Number(text);
  }
  return options;
}

/** Reads "NAME; ms=100; after=5", the value of X-Lab-Fault. null = no such fault. */
export function readFaultField(value: string): FaultCall | null {
  const [name = "", ...pairs] = value.split(";").map((part) => part.trim());
  if (!isFaultName(name)) return null;
  const settings = new Map(pairs.map((pair) => pair.split("=", 2) as [string, string | undefined]));
  return { name, options: readOptions((key) => settings.get(key)) };
}
