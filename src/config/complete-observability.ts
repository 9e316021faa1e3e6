// What the file says of console, store, webhooks and traces, made whole: short forms written out, files looked at.
import { type CompleteContext, isOff } from "./complete-context.ts";
import { pairOf, pemFile } from "./complete-tls.ts";
import type { Address } from "./config.ts";
import { resolveBeside } from "./files.ts";
import type { ConsoleAccess, ObservabilityConfig, StoreConfig, TracesConfig, WebhookConfig } from "./observability.ts";
import type { FileConfig } from "./schema.ts";
import { STANDARD_OBSERVABILITY } from "./standards.ts";

/** The console's listener, and everything that is kept and told. */
export function observabilityOf(
  raw: FileConfig,
  context: CompleteContext,
): { readonly console: Address | null; readonly observability: ObservabilityConfig } {
  const { address, access } = consoleOf(raw.console, context);
  return {
    console: address,
    observability: {
      console: access,
      data: raw.data === undefined ? null : resolveBeside(context.file, raw.data),
      store: storeOf(raw.store),
      webhooks: raw.webhooks.map(webhookOf),
      traces: tracesOf(raw.traces),
    },
  };
}

function consoleOf(
  raw: FileConfig["console"],
  context: CompleteContext,
): { readonly address: Address | null; readonly access: ConsoleAccess } {
  const standard = STANDARD_OBSERVABILITY.console;
  if (isOff(raw)) return { address: null, access: standard };
  if ("kind" in raw) return { address: raw, access: standard };
  const beside = (name: string | undefined): string | null =>
    name === undefined ? null : resolveBeside(context.file, name);
  const { tls } = raw;
  return {
    address: raw.address,
    access: {
      tls: tls
        ? {
            ...pairOf(tls, ["console", "tls"], context),
            clientCa:
              tls["client-ca"] === undefined
                ? null
                : pemFile(tls["client-ca"], "CERTIFICATE", ["console", "tls", "client-ca"], context).path,
          }
        : null,
      hosts: raw.hosts,
      tokenFile: beside(raw["token-file"]),
      readTokenFile: beside(raw["read-token-file"]),
      readOnly: raw["read-only"],
    },
  };
}

function storeOf(raw: FileConfig["store"]): StoreConfig | null {
  if (isOff(raw)) return null;
  const standard = STANDARD_OBSERVABILITY.store!;
  if ("kind" in raw) return { ...standard, target: raw };
  return { target: raw.to, forMs: raw.for, bytes: raw.size };
}

function webhookOf(raw: FileConfig["webhooks"][number]): WebhookConfig {
  const { "console-url": consoleUrl, ...rest } = raw;
  return { ...rest, consoleUrl: consoleUrl ?? null };
}

function tracesOf(raw: FileConfig["traces"]): TracesConfig | null {
  if (isOff(raw)) return null;
  const { to, ...rest } = typeof raw === "string" ? { to: raw, headers: {}, sample: 0.01, service: "goodgate" } : raw;
  const url = new URL(to);
  if (url.pathname === "/") url.pathname = "/v1/traces";
  return { url: url.href, ...rest };
}
