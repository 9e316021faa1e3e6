// What is kept of what happens, who may see it, and who is told: the console, the store, webhooks, traces.
import type { Bytes, Ms } from "../std/units.ts";

export interface ObservabilityConfig {
  readonly console: ConsoleAccess;
  /** Folder of what is kept; null = the user's state folder, or --data. */
  readonly data: string | null;
  /** null = nothing is kept, and there are no incidents. */
  readonly store: StoreConfig | null;
  readonly webhooks: readonly WebhookConfig[];
  readonly traces: TracesConfig | null;
}

/** How the console is guarded, beside its address. Tokens come from the environment or from files, never from here. */
export interface ConsoleAccess {
  /** PEM files; `clientCa` = who shows a certificate of it needs no token (mTLS). */
  readonly tls: { readonly cert: string; readonly key: string; readonly clientCa: string | null } | null;
  /** Host names under which it may be asked, besides its own address and those of loopback. */
  readonly hosts: readonly string[];
  /** Files that hold a token; null = GOODGATE_CONSOLE_TOKEN, GOODGATE_CONSOLE_READ_TOKEN. */
  readonly tokenFile: string | null;
  readonly readTokenFile: string | null;
  /** Nobody may change anything through it. */
  readonly readOnly: boolean;
}

export interface StoreConfig {
  readonly target:
    | { readonly kind: "sqlite" }
    | { readonly kind: "memory" }
    | { readonly kind: "postgres"; readonly url: string };
  readonly forMs: Ms;
  readonly bytes: Bytes;
}

export interface WebhookConfig {
  readonly url: string;
  readonly format: "json" | "slack";
  /** HMAC-SHA256 key of its signature; "" = unsigned. */
  readonly secret: string;
  readonly on: readonly ("opened" | "closed")[];
  /** Incidents below this are not told of. */
  readonly severity: "outage" | "degraded" | "saved" | "notice";
  /** Where the console is reached, for links; null = no links. */
  readonly consoleUrl: string | null;
}

/** OpenTelemetry spans over OTLP/HTTP (JSON). */
export interface TracesConfig {
  /** "http://collector:4318/v1/traces" */
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Share (0 to 1) of requests without a sampled parent that are traced; those that fail are always sent. */
  readonly sample: number;
  /** Service name in the resource. */
  readonly service: string;
}
