// Fields that stand in more than one place of goodgate.yaml.
import * as z from "zod/mini";
import { errorOf, isHostName } from "./address.ts";
import type { Problem } from "./config.ts";
import { field, refusal, text } from "./fields.ts";
import { type Form, list, mapped, words } from "./forms.ts";
import type { TlsVersion } from "./servers.ts";

/** The value of a Host field: a name or an address, with or without a port. */
export function hostField(value: string, hint: string): string | Problem {
  const good = isHostName(value.replace(/:\d{1,5}$/, "")) || /^\[[0-9a-f:.]+\](?::\d{1,5})?$/i.test(value);
  return good ? value : errorOf(`"${value}" is not a host`, hint);
}

/** "1.2" or "1.3", in quotes or not, or as OpenSSL writes it. */
export const tlsVersion = z.pipe(
  z.literal(["1.2", "1.3", 1.2, 1.3, "TLSv1.2", "TLSv1.3"], {
    error: () => refusal("expected a TLS version", 'write "1.2" or "1.3"; older ones are broken'),
  }),
  z.transform((version): "TLSv1.2" | "TLSv1.3" => (String(version).endsWith("1.2") ? "TLSv1.2" : "TLSv1.3")),
);

/** Versions of TLS in virtual servers, which may have older ones. */
export const tlsVersions: Form<readonly TlsVersion[]> = list(
  words<TlsVersion>("TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"),
  "a version",
);

/** A version of HTTP/1. */
export const httpMinor: Form<0 | 1> = mapped(
  words("1.0", "1.1"),
  (version) => (version === "1.0" ? 0 : 1),
  (minor) => (minor === 0 ? "1.0" : "1.1"),
);

/** Who sees addresses and errnos, and own pages; of the file (with a default) or of a route. */
export function errorsFields<D extends "loopback" | undefined>(standard: D) {
  const detail = field(
    z.enum(["loopback", "always", "never"]),
    "Who sees addresses and error codes of upstreams in error bodies: clients on this machine, everyone or nobody.",
  );
  return {
    detail: (standard === undefined ? z.optional(detail) : z.prefault(detail, standard)) as D extends undefined
      ? z.ZodMiniOptional<typeof detail>
      : z.ZodMiniPrefault<typeof detail>,
    pages: z.prefault(
      field(
        z.record(z.string(), text),
        "Own HTML pages by status: 502, or 5xx for a class; files are read when the configuration is loaded.",
        { unit: "status: file" },
      ),
      {},
    ),
  };
}

/** The upstream timeouts, each with its words and default. */
export const UPSTREAM_TIMEOUTS = {
  connect: {
    standard: "3s",
    description: "To connect (TCP); connect-timeout after it. Long waits only delay the retry on another endpoint.",
  },
  tls: { standard: "5s", description: "For the TLS handshake; tls-handshake-failed after it." },
  send: { standard: "30s", description: "Between two writes of the request that make progress." },
  head: {
    standard: "30s",
    description: "From the end of the request to the end of the response head; response-timeout after it.",
  },
  "idle-body": {
    standard: "30s",
    description: "Between two reads of the response body; the answer is aborted after it.",
  },
  "tunnel-idle": {
    standard: "5m",
    description: "For an upgraded connection (WebSocket) without a byte in either direction.",
  },
} as const;
