// What people do to endpoints while the gateway runs: drain, enable, a weight, a check now.
/** What somebody can do to an endpoint. */
export type EndpointAction =
  /** No new requests; those in flight end. */
  | { readonly do: "drain"; readonly upstream: string; readonly endpoint: string }
  | { readonly do: "disable"; readonly upstream: string; readonly endpoint: string }
  /** Takes back drain, disable and a weight; lets an ejected one in again. */
  | { readonly do: "enable"; readonly upstream: string; readonly endpoint: string }
  /** 0 to 1000; 0 = none. */
  | { readonly do: "weight"; readonly upstream: string; readonly endpoint: string; readonly weight: number }
  /** Checks it at once, by its health check or a connect. */
  | { readonly do: "check"; readonly upstream: string; readonly endpoint: string };

export interface ActionResult {
  readonly ok: boolean;
  readonly said: string;
}
