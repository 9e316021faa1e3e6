// The table of defaults: program → settings → which waits they limit, and how well that is known. The only list of them
// that doctor has. Values are those of current releases; what older ones did stands in the row's note.
import type { SoftwareId } from "../software.ts";
import { type DefaultRow, hopTimersOf } from "./default-row.ts";
import { APP_DEFAULTS } from "./defaults-apps.ts";
import { CLOUD_DEFAULTS } from "./defaults-cloud.ts";
import { GATEWAY_DEFAULTS } from "./defaults-gateways.ts";
import type { HopTimer } from "./model.ts";

export type { DefaultRow } from "./default-row.ts";

/** All rows: cloud, gateways, applications. */
export const DEFAULTS: readonly DefaultRow[] = [...CLOUD_DEFAULTS, ...GATEWAY_DEFAULTS, ...APP_DEFAULTS];

const rows = new Map<SoftwareId, DefaultRow[]>();
for (const each of DEFAULTS) {
  if (each.software === null) continue;
  const before = rows.get(each.software);
  if (before) before.push(each);
  else rows.set(each.software, [each]);
}

/** The rows of a program, in the order in which they hold; [] = none is known. */
export function defaultsOf(software: SoftwareId): readonly DefaultRow[] {
  return rows.get(software) ?? [];
}

/** The timers of a hop that nobody configured. */
export function defaultTimers(software: SoftwareId): readonly HopTimer[] {
  return defaultsOf(software).flatMap(hopTimersOf);
}
