// The parts of goodgate.yaml that say what is kept of what happens, who may see it, and who is told: console, data,
// store, webhooks, traces. Secrets need not stand in the file: ${VARIABLES} come from the environment.
import * as z from "zod/mini";
import { errorOf, isHostName, parseAddress } from "./address.ts";
import type { Problem } from "./config.ts";
import { duration, either, field, flag, listOf, mapping, off, percent, size, text, textAs } from "./fields.ts";

const address = textAs('an address such as "127.0.0.1:8502"', parseAddress, { unit: "address" });

const hostName = textAs("a host name", (name) =>
  isHostName(name) ? name.toLowerCase() : errorOf(`"${name}" is not a host name`, 'write "console.example.com"'),
);

const file = (description: string) => z.optional(field(text, description, { unit: "file" }));

const consoleMapping = mapping({
  address: z.prefault(field(address, "Where it listens."), "127.0.0.1:8502"),
  tls: z.optional(
    field(
      mapping({
        cert: field(text, "PEM file of the certificate with its chain.", { unit: "file" }),
        key: field(text, "PEM file of its private key.", { unit: "file" }),
        "client-ca": file("PEM file of CAs: who shows a certificate of one of them needs no token (mTLS)."),
      }),
      "It speaks HTTPS with this certificate.",
    ),
  ),
  hosts: z.prefault(
    field(
      listOf(hostName, "a host name, or a list of them"),
      "Names under which browsers may ask it, besides localhost and its own address (against DNS rebinding).",
    ),
    [],
  ),
  "token-file": file(
    "File that holds the token of those who may change things; else GOODGATE_CONSOLE_TOKEN of the environment.",
  ),
  "read-token-file": file("File that holds the token of those who may only look; else GOODGATE_CONSOLE_READ_TOKEN."),
  "read-only": flag("Nobody may change anything through it.", false),
});

function webAddress(value: string, example: string): string | Problem {
  const url = URL.canParse(value) ? new URL(value) : null;
  if (url && /^https?:$/.test(url.protocol) && url.hostname !== "") return value;
  return errorOf(`"${value}" is not an http:// or https:// address`, `write "${example}"`);
}

const urlAs = (example: string) =>
  textAs(`an address such as "${example}"`, (value) => webAddress(value, example), { unit: "URL" });

const storeTarget = textAs(
  '"sqlite", "memory" or a postgres:// address',
  (value): { kind: "sqlite" } | { kind: "memory" } | { kind: "postgres"; url: string } | Problem => {
    if (value === "sqlite" || value === "memory") return { kind: value };
    const isPostgres = /^postgres(?:ql)?:\/\//.test(value) && URL.canParse(value);
    if (isPostgres) return { kind: "postgres", url: value };
    return errorOf(`"${value}" is no store`, 'write "sqlite", "memory", off or "postgres://user@host/database"');
  },
  { unit: "sqlite, memory or postgres://…" },
);

const storeMapping = mapping({
  to: z.prefault(
    field(storeTarget, "An SQLite file in the data folder, memory, or a PostgreSQL that several gateways may share."),
    "sqlite",
  ),
  for: duration("What is older is deleted.", "30d", { min: 60_000 }),
  size: size("Above this the oldest is deleted.", "512MiB", { min: 1024 * 1024 }),
});

const webhook = mapping({
  url: field(urlAs("https://hooks.example.com/goodgate"), "Where incidents are told, with POST."),
  format: z.prefault(field(z.enum(["json", "slack"]), "Form of the body; slack fits Mattermost, too."), "json"),
  secret: z.prefault(
    field(text, "Key of the signature in X-Goodgate-Signature (HMAC-SHA256); without it there is none."),
    "",
  ),
  on: z.prefault(
    field(
      listOf(z.enum(["opened", "closed"]), '"opened", "closed", or a list of them'),
      "What is told: that an incident began, that it is over.",
    ),
    ["opened", "closed"],
  ),
  severity: z.prefault(
    field(z.enum(["outage", "degraded", "saved", "notice"]), "Incidents that are less severe are not told."),
    "degraded",
  ),
  "console-url": z.optional(
    field(urlAs("https://console.example.com"), "Address of this console as people reach it, for links."),
  ),
});

const tracesMapping = mapping({
  to: field(
    urlAs("http://localhost:4318/v1/traces"),
    "An OTLP/HTTP receiver; where no path is given, /v1/traces is meant.",
  ),
  headers: z.prefault(field(z.record(z.string(), text), "Fields of these requests: a key, a tenant."), {}),
  sample: z.prefault(
    field(
      percent,
      "Share of the requests that are traced where no sampled trace came with them; failed ones always are.",
    ),
    "1%",
  ),
  service: z.prefault(field(text, "Name of the service in the spans (service.name)."), "goodgate"),
});

const consoleForms = either('an address, a mapping with address, or "off"', [off, address, consoleMapping]);

/** The fields of the whole file that these parts are. */
export const observabilityFields = {
  console: z.prefault(
    field(
      consoleForms,
      "Listener of the console and of /metrics, /healthz and /readyz; off closes it. Beyond loopback it needs a token or mTLS.",
    ),
    "127.0.0.1:8502",
  ),
  data: z.optional(
    field(
      text,
      "Folder of what is kept; --data goes before it. Default: goodgate in the user's state folder (XDG_STATE_HOME).",
      { unit: "folder" },
    ),
  ),
  store: z.prefault(
    field(
      either('a mapping with to, for and size, "sqlite", "memory", a postgres:// address, or "off"', [
        off,
        storeMapping,
        storeTarget,
      ]),
      "Where incidents and figures are kept; off keeps nothing, and there are no incidents.",
    ),
    "sqlite",
  ),
  webhooks: z.prefault(field(z.array(webhook), "Who is told of incidents."), []),
  traces: z.prefault(
    field(
      either("a mapping with to, an address, or off", [off, tracesMapping, urlAs("http://localhost:4318/v1/traces")]),
      "OpenTelemetry spans, one per request and one per attempt, sent over OTLP/HTTP.",
    ),
    "off",
  ),
};
