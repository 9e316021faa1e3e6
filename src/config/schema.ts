// goodgate.yaml as one table of fields: from it come the types, the validation, the defaults, the JSON Schema for
// editors and the reference page. A field is added here (or in schema-upstream.ts, schema-resilience.ts,
// schema-route.ts, schema-observability.ts) and in complete.ts or complete-upstream.ts, which make the program's Config of what was read.
import * as z from "zod/mini";
import { errorOf, parseAddress, parseCidr } from "./address.ts";
import {
  count,
  duration,
  durationOf,
  either,
  field,
  flag,
  group,
  listOf,
  mapping,
  off,
  size,
  text,
  textAs,
  unitHint,
} from "./fields.ts";
import { observabilityFields } from "./schema-observability.ts";
import { routeSchema } from "./schema-route.ts";
import { serversSections } from "./schema-servers.ts";
import { errorsFields, tlsVersion } from "./schema-shared.ts";
import { upstreamSchema } from "./schema-upstream.ts";

const address = textAs('an address such as ":8080"', parseAddress, { unit: "address" });

const portNumber = z.pipe(
  count(0, 65_535),
  z.transform((port) => ({ kind: "tcp", host: "", port }) as const),
);

const certificate = mapping({
  cert: field(text, "PEM file of the certificate with its chain, leaf first.", { unit: "file" }),
  key: field(text, "PEM file of its private key.", { unit: "file" }),
});

const listener = mapping({
  address: field(address, "Where to listen."),
  tls: z.optional(
    field(
      mapping({
        certificates: z.prefault(
          field(z.array(certificate), "Certificates, chosen by SNI; the first is used where no name fits."),
          [],
        ),
        cert: z.optional(field(text, "Short for a single certificate: its PEM file.", { unit: "file" })),
        key: z.optional(field(text, "Short for a single certificate: the PEM file of its key.", { unit: "file" })),
        "min-version": z.prefault(field(tlsVersion, "Oldest TLS version that clients may use."), "1.2"),
      }),
      "TLS is terminated here with these certificates.",
    ),
  ),
});

const logTarget = textAs(
  '"stdout", "stderr" or a file',
  (to) => (to === "" ? errorOf("the name of the file is empty") : to),
  {
    unit: "stdout, stderr or file",
  },
);

const logFormat = textAs(
  '"json", "combined" or a template',
  (format) => {
    if (format === "json" || format === "combined" || format.includes("{")) return format;
    return errorOf(
      `unknown log format "${format}"`,
      'write "json", "combined" or a template with placeholders, such as "{status} {target}"',
    );
  },
  { unit: "json, combined or template" },
);

const access = mapping({
  to: z.prefault(field(logTarget, "Where the lines go; files are opened again on SIGUSR1."), "stdout"),
  format: z.prefault(field(logFormat, "Form of a line."), "json"),
});

const failures = mapping({
  to: z.prefault(field(logTarget, "Where the lines go."), "stderr"),
  format: z.prefault(field(z.enum(["text", "json"]), "Form of a line: for people, or an object a line."), "text"),
});

const cidr = textAs(
  "an address or a CIDR block",
  (block) =>
    parseCidr(block) ?? errorOf(`"${block}" is not an address or a CIDR block`, 'write "10.0.0.0/8" or "192.0.2.7"'),
  { unit: "CIDR" },
);

const deploymentName = textAs("a name", (name) =>
  /^[A-Za-z][\w.-]{0,63}$/.test(name)
    ? name
    : errorOf(`"${name}" is no name for a deployment`, "letters, digits, dots, dashes and underscores, a letter first"),
);

/** The whole file. */
export const configSchema = mapping({
  name: z.prefault(field(deploymentName, "Name of this deployment in Via and Proxy-Status (RFC 9209 §2)."), "goodgate"),
  defaults: z.prefault(
    field(
      z.enum(["goodgate", "nginx"]),
      "What holds where the file says nothing: what this page says, or what nginx has (no hold, eject, breaker and queue; its deadlines and kept connections; neither console nor failure log).",
    ),
    "goodgate",
  ),
  listen: z.optional(
    field(
      listOf(
        either('an address such as ":8080", or a mapping with address and tls', [address, portNumber, listener]),
        "an address, or a list of them",
      ),
      'Addresses to listen on: ":8080", "127.0.0.1:8080", "[::1]:80", "unix:/path", or a mapping where TLS is wanted. With servers, they say it. Default: ":8080".',
    ),
  ),
  ...observabilityFields,
  workers: z.prefault(
    field(
      either('a number, or "auto"', [z.literal("auto"), count(1, 1024)]),
      "Worker processes; auto starts one per CPU.",
    ),
    1,
  ),
  upstreams: z.prefault(
    field(z.record(z.string(), upstreamSchema), "Upstreams by name. Short forms: an address, or a list of addresses."),
    {},
  ),
  routes: z.optional(
    field(
      z.array(routeSchema),
      "Routes; the most specific host and path wins, whatever the order. Left out: every request goes to the only upstream.",
    ),
  ),
  ...(serversSections.shape as object),
  client: group("How long clients may take, and how much they may send.", {
    timeouts: group("Deadlines of clients.", {
      head: duration("From the first byte of a request (or the accept) to the end of its head; 408 after it.", "30s"),
      body: duration("Between two reads of a request body; 408 after it.", "30s"),
      send: duration(
        "Between two writes of a response that make progress; the client is taken for gone after it.",
        "60s",
      ),
      idle: duration("Between two requests of a kept connection.", "75s"),
    }),
    limits: group("Bounds of requests.", {
      line: size("Request line; 414 above it.", "8KiB", { min: 256 }),
      head: size("Whole request head; 431 above it.", "32KiB", { min: 512 }),
      fields: z.prefault(field(count(8, 10_000), "Number of request fields; 431 above it."), 100),
      body: size("Request body; 413 above it. Bodies are streamed, so that none is held in memory.", "off", {
        off: true,
      }),
    }),
  }),
  trust: z.prefault(
    field(
      listOf(cidr, "a CIDR block, or a list of them"),
      "Proxies before this one whose X-Forwarded-* and Forwarded are believed and continued.",
    ),
    [],
  ),
  forwarding: group("Fields that requests to upstreams get.", {
    "x-forwarded": flag("X-Forwarded-For, -Proto and -Host.", true),
    forwarded: flag("Forwarded (RFC 7239).", true),
    via: flag(
      "Via (RFC 9110 §7.6.3); without it a loop is not noticed. nginx compresses nothing for requests that have it, unless gzip_proxied says so.",
      true,
    ),
  }),
  errors: group("Error responses that the gateway makes itself.", errorsFields("loopback")),
  log: group("Logs.", {
    access: z.prefault(
      field(
        either('a mapping with to and format, "stdout", "stderr", a file, or "off"', [off, access, logTarget]),
        "One line per request; or a short form: stdout, stderr or a file.",
      ),
      "off",
    ),
    failures: z.prefault(
      field(
        either('a mapping with "to", "stdout", "stderr", a file, or "off"', [off, failures, logTarget]),
        "One line per failure, to be read by people, or as JSON.",
      ),
      "stderr",
    ),
    own: z.optional(
      field(
        z.enum(["text", "json"]),
        "Form of what the program says of itself on standard error; json is an object a line. Default: text, or as GOODGATE_LOG says.",
      ),
    ),
  }),
  drain: z.prefault(
    field(
      either('a duration, or "off"', [off, durationOf(1)], unitHint),
      "How long requests in flight may take after the order to stop; off sets no limit.",
      { unit: "duration or off" },
    ),
    "30s",
  ),
  "drain-delay": duration(
    "After the order to stop, connections are still accepted for so long while /readyz says no: time for a balancer or Kubernetes to send clients elsewhere.",
    "0s",
    { min: 0 },
  ),
});

/** What the schema gives: the file's shape, with defaults filled in and values in base units. */
export type FileConfig = z.output<typeof configSchema>;
export type FileUpstream = FileConfig["upstreams"][string];
export type FileRoute = NonNullable<FileConfig["routes"]>[number];
