// The fields of a route: what it matches (host, path, method), what it does (exactly one of proxy, redirect,
// respond), and what it changes on the way.
import * as z from "zod/mini";
import { errorOf, isHostName } from "./address.ts";
import {
  count,
  either,
  field,
  flag,
  group,
  listOf,
  mapping,
  offOr,
  optionalDuration,
  refusal,
  sizeOf,
  templateOf,
  text,
  textAs,
} from "./fields.ts";
import { parsePathPattern } from "./path-pattern.ts";
import { attemptCount, badStatuses } from "./schema-resilience.ts";
import { errorsFields, UPSTREAM_TIMEOUTS } from "./schema-shared.ts";
import { REQUEST_PLACEHOLDERS } from "./template.ts";

/** RFC 9110 §5.6.2. */
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
/** Fields that belong to the connection or to the framing: the gateway writes them itself. */
const OWN_FIELDS = [
  "connection",
  "content-length",
  "keep-alive",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
];

const path = textAs('a path such as "/api/*"', parsePathPattern, { unit: "path pattern" });

const host = textAs("a host name", (value) => {
  const name = value.toLowerCase().replace(/\.$/, "");
  if (name === "*" || isHostName(name.startsWith("*.") ? name.slice(2) : name) || /^\[[0-9a-f:.]+\]$/.test(name))
    return name;
  return errorOf(
    `"${value}" is not a host name`,
    /:\d+$/.test(value)
      ? "leave the port out: hosts are compared without it"
      : 'write "example.com", or "*.example.com" for all names below it',
  );
});

const method = textAs("a method", (value) =>
  TOKEN.test(value) ? value.toUpperCase() : errorOf(`"${value}" is not a method`),
);

const fieldName = textAs("a field name", (value) => fieldNameProblem(value) ?? value);

function fieldNameProblem(name: string) {
  if (!TOKEN.test(name)) return errorOf(`"${name}" is not a field name`);
  if (!OWN_FIELDS.includes(name.toLowerCase())) return null;
  return errorOf(
    `the field ${name} is written by the gateway itself`,
    "it belongs to one connection, not to the message (RFC 9110 §7.6.1)",
  );
}

/** Names in a mapping: zod leaves keys of records as they are, so that they are checked here. */
function fieldsWith<S extends z.ZodMiniType>(value: S) {
  return z.record(z.string(), value).check((payload) => {
    for (const name of Object.keys(payload.value)) {
      const problem = fieldNameProblem(name);
      if (problem)
        payload.issues.push({
          code: "custom",
          input: name,
          path: [name],
          params: { atKey: true },
          message: refusal(problem.message, problem.hint),
        });
    }
  });
}

function headers(message: string, allowed?: readonly string[]) {
  // Heads are latin1 on the wire: a character above it has no form there (RFC 9110 §5.5).
  const value = templateOf({
    allowed,
    check: (template) =>
      /^[\t\x20-\x7e\x80-\xff]*$/.test(template)
        ? null
        : errorOf("the value has characters that a field cannot carry", "encode them, as in filename*=UTF-8''…"),
  });
  const operations = group("Operations on fields, in the order remove, set, add.", {
    remove: z.prefault(field(listOf(fieldName, "a field name, or a list of them"), "Fields that are dropped."), []),
    set: z.prefault(
      field(fieldsWith(value), "Fields that replace those of the same name.", { unit: "name: template" }),
      {},
    ),
    add: z.prefault(
      field(fieldsWith(listOf(value, "text, or a list of texts")), "Fields that are added to those of the same name.", {
        unit: "name: template",
      }),
      {},
    ),
  });
  return group(`Changes of the ${message}.`, { headers: operations });
}

const redirectStatus = z.literal([301, 302, 303, 307, 308], {
  error: () => refusal("expected the status of a redirect", "one of 301, 302, 303, 307, 308"),
});

const target = templateOf({ allowed: REQUEST_PLACEHOLDERS });
const body = templateOf({ allowed: REQUEST_PLACEHOLDERS, lines: true });
const rewrite = templateOf({
  allowed: REQUEST_PLACEHOLDERS,
  check: (value) =>
    /^(?:\/|\{path|\{request\.path)/.test(value) && !/[\s?#]/.test(value)
      ? null
      : errorOf(`"${value}" is not a path`, 'write "/v2{path}"; the query goes on by itself'),
});

const redirect = mapping({
  to: field(target, "Address to go to; without a query, the request's is added."),
  status: z.prefault(field(redirectStatus, "Status: 301 and 308 are permanent, 307 and 308 keep the method."), 302),
});

const respond = mapping({
  status: z.prefault(field(count(200, 599), "Status of the response."), 200),
  body: z.prefault(field(body, "Body of the response.", { unit: "template" }), ""),
  type: z.prefault(
    field(
      textAs("a media type", (type) =>
        /^[\x20-\x7e]+\/[\x20-\x7e]+$/.test(type) ? type : errorOf(`"${type}" is not a media type`),
      ),
      "Its Content-Type.",
    ),
    "text/plain; charset=utf-8",
  ),
});

/** The fields of a route. */
export const routeSchema = mapping({
  name: z.optional(
    field(
      textAs("a name", (name) =>
        /^[\x21-\x7e][\x20-\x7e]{0,127}$/.test(name) ? name : errorOf("a name has 1 to 128 printable ASCII characters"),
      ),
      "Label in logs and metrics. Default: host and path.",
    ),
  ),
  host: z.prefault(
    field(
      listOf(host, "a host name, or a list of them"),
      'Hosts, without ports; "*.example.com" covers every name below it. Default: every host.',
    ),
    [],
  ),
  path: z.prefault(
    field(
      listOf(path, "a path, or a list of them"),
      'Paths: "/a" exactly; "/a/*" with all below it; "/a/" as a beginning; "/a/*/b" as a glob ("*" within a segment, "**" any number of segments); "~ ^/a\\d+" as a regular expression ("~* " ignores case). Exact comes before glob, glob before regular expression, that before the longest prefix.',
    ),
    "/",
  ),
  method: z.prefault(
    field(listOf(method, "a method, or a list of them"), "Methods; GET covers HEAD. Default: every method."),
    [],
  ),
  proxy: z.optional(field(text, "Name of the upstream that answers.")),
  redirect: z.optional(
    field(
      either("an address, or a mapping with to and status", [target, redirect]),
      "The gateway redirects; short form: the address, with 302.",
    ),
  ),
  respond: z.optional(
    field(
      either("a status, a text, or a mapping with status, body and type", [count(200, 599), body, respond]),
      "The gateway answers; short forms: a status, or a text.",
    ),
  ),
  strip: z.optional(
    field(
      textAs("a path", (value) =>
        /^\/[^\s?#]*$/.test(value) ? value : errorOf(`the prefix "${value}" does not begin with "/"`),
      ),
      "Beginning of the path that is taken off before the request goes on.",
    ),
  ),
  rewrite: z.optional(
    field(rewrite, 'The path that goes on, after strip: "/v2{path}", "/{path.1}".', { unit: "template" }),
  ),
  request: headers("request on its way to the upstream", REQUEST_PLACEHOLDERS),
  response: headers("response on its way to the client"),
  body: z.optional(
    field(sizeOf({ off: true }), "Request body; 413 above it. Default: client.limits.body.", { unit: "size or off" }),
  ),
  timeouts: group("Deadlines that differ from the upstream's.", {
    connect: optionalDuration(UPSTREAM_TIMEOUTS.connect.description),
    tls: optionalDuration(UPSTREAM_TIMEOUTS.tls.description),
    send: optionalDuration(UPSTREAM_TIMEOUTS.send.description),
    head: optionalDuration(UPSTREAM_TIMEOUTS.head.description),
    "idle-body": optionalDuration(UPSTREAM_TIMEOUTS["idle-body"].description),
    "tunnel-idle": optionalDuration(UPSTREAM_TIMEOUTS["tunnel-idle"].description),
  }),
  retry: z.prefault(
    field(
      offOr(
        mapping({
          status: z.prefault(
            field(
              badStatuses,
              "Responses with these statuses are not passed on while another attempt is allowed. Idempotent methods only, as the request has reached the application: a route whose GET changes something leaves this out.",
              { unit: "status or list of them" },
            ),
            [],
          ),
          "idempotency-key": flag(
            "Whether POST and PATCH with an Idempotency-Key count as idempotent: only where the application stores the key and answers a repetition with the first result.",
            false,
          ),
          attempts: z.optional(field(attemptCount, "Attempts in all. Default: the upstream's.")),
          within: optionalDuration("No attempt is begun later than this after the request. Default: the upstream's."),
        }),
      ),
      "What this route adds to the retry rules of its upstream; off makes one attempt only.",
    ),
    {},
  ),
  errors: group("Error responses that differ from the file's.", errorsFields(undefined)),
  upgrade: flag("Whether Upgrade (WebSocket) passes.", true),
});
