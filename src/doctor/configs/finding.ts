// A finding with what is the same in most of them left out.
import type { Place } from "../evidence.ts";
import type { ConfiguredTimer, Finding } from "./model.ts";

type Said = Pick<Finding, "id" | "class" | "text" | "fix"> & Partial<Finding> & { readonly at: Place | null };

/** A risk. */
export function risk(said: Said): Finding {
  return { severity: "risk", also: null, hop: null, ...said };
}

/** Right in many places: shown when asked for. */
export function note(said: Said): Finding {
  return { severity: "note", also: null, hop: null, ...said };
}

/** A timer as a list of one, or none where the value is not known. */
export function timers(
  id: ConfiguredTimer["id"],
  setting: string,
  value: number | null | undefined,
  text: string,
  at: Place | undefined,
): ConfiguredTimer[] {
  return value === undefined || at === undefined ? [] : [{ id, setting, value, text, at }];
}

/** 0 and less stand for "off" in most programs. */
export function offAtZero(value: number | undefined): number | null | undefined {
  return value !== undefined && value <= 0 ? null : value;
}

/** A host that is reached beyond this installation: a name with dots that no private network uses. */
export function isPublicName(host: string): boolean {
  if (!/^[\w-]+(?:\.[\w-]+)*\.[a-z][a-z-]*$/i.test(host)) return false;
  return !/\.(?:local|localhost|internal|lan|home|intranet|corp|svc|test|docker|consul|private|arpa|localdomain)$/i.test(
    host,
  );
}

/** The name as a host that is this very machine. */
export function isLoopback(host: string): boolean {
  return /^(?:127(?:\.\d{1,3}){3}|\[?::1\]?|localhost)$/i.test(host);
}
