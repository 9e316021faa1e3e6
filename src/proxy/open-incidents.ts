// Incidents that are open now, as far as this process was told: an error response names the one that it belongs to, so
// that whoever is shown the error and whoever is on call speak of the same thing. The first responses of an incident
// come before anybody knows of it; looked at only when a failure is shown.
import type { CauseId } from "../failure/causes.ts";

/** An open incident in brief. */
export interface OpenIncident {
  readonly id: string;
  readonly upstream: string;
  readonly causes: readonly string[];
  /** Endpoints that failed; "" where none was involved. */
  readonly endpoints: readonly string[];
}

/** The open incidents by upstream. */
export class OpenIncidents {
  #byUpstream = new Map<string, OpenIncident[]>();

  /** These and no others are open. */
  set(incidents: readonly OpenIncident[]): void {
    this.#byUpstream = new Map();
    for (const incident of incidents) {
      const same = this.#byUpstream.get(incident.upstream);
      if (same) same.push(incident);
      else this.#byUpstream.set(incident.upstream, [incident]);
    }
  }

  /** The incident that a failure belongs to; null = none is known. One of its endpoint goes before another. */
  of(upstream: string, cause: CauseId, endpoint: string): string | null {
    const fitting = this.#byUpstream.get(upstream)?.filter(({ causes }) => causes.includes(cause));
    if (!fitting || fitting.length === 0) return null;
    return (fitting.find(({ endpoints }) => endpoints.includes(endpoint)) ?? fitting[0]!).id;
  }
}
