// What happens to endpoints and upstreams, apart from requests: told to the log, the metrics and later incidents.
// A closed union; instants are monotonic.
import type { CauseId } from "../failure/causes.ts";
import type { Ms } from "../std/units.ts";

interface Happened {
  readonly at: Ms;
  readonly upstream: string;
}

interface OfEndpoint extends Happened {
  readonly endpoint: string;
}

/** One thing that changed. */
export type UpstreamEvent =
  /** Nothing listens there: it is left alone until a connection succeeds. */
  | (OfEndpoint & { readonly kind: "endpoint-gone"; readonly cause: CauseId; readonly detail: string })
  /** It accepts connections again. */
  | (OfEndpoint & { readonly kind: "endpoint-back"; readonly awayMs: Ms })
  /** Active checks have taken it out of use, or back. */
  | (OfEndpoint & { readonly kind: "health-down"; readonly cause: CauseId | null; readonly detail: string })
  | (OfEndpoint & { readonly kind: "health-up"; readonly downMs: Ms })
  /** Failures of requests have taken it out; it has come back whole. */
  | (OfEndpoint & {
      readonly kind: "ejected";
      readonly forMs: Ms;
      readonly cause: CauseId | null;
      readonly detail: string;
    })
  | (OfEndpoint & { readonly kind: "returned" })
  /** Failures follow a request over several endpoints: they do not count against these. */
  | (Happened & { readonly kind: "poison-request"; readonly request: string; readonly detail: string })
  /** The idle timer of an endpoint became known, or changed. */
  | (OfEndpoint & { readonly kind: "keepalive-learnt"; readonly limitMs: Ms; readonly from: "hint" | "closes" })
  | (Happened & { readonly kind: "breaker-opened"; readonly forMs: Ms; readonly cause: CauseId | null })
  | (Happened & { readonly kind: "breaker-closed" })
  /** No endpoint can be used; from `held` on requests wait, or fail. */
  | (Happened & { readonly kind: "outage-begun"; readonly held: boolean; readonly detail: string })
  | (Happened & { readonly kind: "outage-ended"; readonly lastedMs: Ms; readonly heldRequests: number });

/** Takes events; never throws, never waits. */
export type OnUpstreamEvent = (event: UpstreamEvent) => void;
