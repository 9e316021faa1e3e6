// An incident as a row of a list: the page, the terminal and the list of the API show the same fields.
// Counts are sums over the incident; the series is for the small picture.
import type { Ms } from "../std/units.ts";
import type { Incident, Severity } from "./model.ts";

/** What lists show of an incident. */
export interface IncidentRow {
  readonly id: string;
  readonly gateway: string;
  readonly openedAt: Ms;
  readonly lastAt: Ms;
  readonly closedAt: Ms | null;
  readonly severity: Severity;
  readonly cause: string;
  readonly upstream: string;
  readonly endpoints: readonly string[];
  readonly sentence: string;
  readonly short: string;
  readonly confidence: string;
  readonly shown: number;
  readonly saved: number;
  readonly failures: number;
  readonly series: Incident["series"];
}

/** The row of an incident; shown includes responses cut off and the upstream's own errors. */
export function incidentRow(incident: Incident): IncidentRow {
  const { counts, verdict } = incident;
  return {
    id: incident.id,
    gateway: incident.gateway,
    openedAt: incident.openedAt,
    lastAt: incident.lastAt,
    closedAt: incident.closedAt,
    severity: incident.severity,
    cause: incident.cause,
    upstream: incident.upstream,
    endpoints: Object.keys(incident.endpoints).filter((label) => label !== ""),
    sentence: verdict.sentence,
    short: verdict.short,
    confidence: verdict.confidence,
    shown: counts.shown + counts.cut + counts.passed,
    saved: counts.held + counts.queued + counts.retried + counts.failedOver,
    failures: counts.failures,
    series: incident.series,
  };
}
