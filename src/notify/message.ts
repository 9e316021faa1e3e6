// What a webhook is told, as plain JSON (version 1; fields are added, never renamed or taken away within a version):
//   event     incident.opened, incident.closed, or incidents.summary where many came at once
//   gateway   who says it        incident   the whole incident, as the console's API has it
//   links     where to look on; null where the configuration says no address of the console
import type { WebhookConfig } from "../config/observability.ts";
import type { Incident, Severity } from "../incidents/model.ts";
import type { Ms } from "../std/units.ts";

/** What can be told of an incident. */
export type Told = "opened" | "closed";

/** One thing to tell. */
export interface News {
  readonly kind: Told;
  readonly incident: Incident;
}

/** What a message is made from. */
export type Content =
  | { readonly event: "incident.opened" | "incident.closed"; readonly incident: Incident }
  | {
      readonly event: "incidents.summary";
      readonly news: readonly News[];
      readonly opened: number;
      readonly closed: number;
    };

export interface GatewayName {
  readonly id: string;
  readonly name: string;
}

/** Incidents named in a summary. */
export const SUMMARY_INCIDENTS_MAX = 20;

/** Severities, the gravest first. */
export const SEVERITIES: readonly Severity[] = ["outage", "degraded", "saved", "notice"];

/** The body of a webhook of the format "json". */
export function jsonBody(
  content: Content,
  gateway: GatewayName,
  delivery: string,
  at: Ms,
  consoleUrl: WebhookConfig["consoleUrl"],
): string {
  const head = { version: 1, event: content.event, delivery, at: new Date(at).toISOString(), gateway };
  if (content.event === "incidents.summary") {
    const { opened, closed } = content;
    const incidents = gravestFirst(content.news)
      .slice(0, SUMMARY_INCIDENTS_MAX)
      .map(({ kind, incident }) => ({
        kind,
        id: incident.id,
        severity: incident.severity,
        cause: incident.cause,
        upstream: incident.upstream,
        openedAt: incident.openedAt,
        closedAt: incident.closedAt,
        short: incident.verdict.short,
        link: incidentLink(incident, consoleUrl),
      }));
    return JSON.stringify({ ...head, summary: { opened, closed, incidents } });
  }
  const { incident } = content;
  const links = { incident: incidentLink(incident, consoleUrl), reference: referenceLink(incident, consoleUrl) };
  return JSON.stringify({ ...head, incident, links });
}

/** Of a summary: the gravest incidents first, what opened before what closed. */
export function gravestFirst(news: readonly News[]): News[] {
  const rank = ({ kind, incident }: News): number =>
    SEVERITIES.indexOf(incident.severity) * 2 + (kind === "opened" ? 0 : 1);
  return [...news].sort((a, b) => rank(a) - rank(b));
}

/** The incident in the console; null = its address is not known. */
export function incidentLink(incident: Incident, consoleUrl: string | null): string | null {
  return linkTo(`incidents/${encodeURIComponent(incident.id)}`, consoleUrl);
}

/** The entry of the reference that the verdict names. */
export function referenceLink(incident: Incident, consoleUrl: string | null): string | null {
  return linkTo(`reference/cause/${encodeURIComponent(incident.verdict.entry)}`, consoleUrl);
}

function linkTo(path: string, consoleUrl: string | null): string | null {
  return consoleUrl === null ? null : `${consoleUrl.replace(/\/+$/, "")}/${path}`;
}
