// The OpenAPI 3.1 document of the API, made from the table of calls and the schemas of answers; served at
// /api/v1/openapi.json and kept in docs/openapi.json (a test compares). Loaded when somebody asks for it.
import * as z from "zod/mini";
import { WORDS } from "./api/answer-words.ts";
import { ANSWERS, type AnswerName, PARTS } from "./api/answers.ts";
import type { Operation } from "./api/operation.ts";
import { OPERATIONS } from "./api/table.ts";
import { API } from "./router.ts";

/** Of the API, not of the program: fields may be added within it. */
const VERSION = "1.0.0";

type Json = Readonly<Record<string, unknown>>;

const TAGS: Readonly<Record<string, string>> = {
  State: "The gateway at this moment.",
  Incidents: "Failures that belong together, with a verdict and evidence.",
  Traffic: "Figures over time, paths, the live tail, marks.",
  Upstreams: "What somebody does to endpoints, and the chain of timers.",
  Configuration: "What runs, and taking on what the file says.",
  Tools: "doctor and explain.",
  Demo: "The demo's buttons.",
  Access: "Who asks, login, the audit, this document.",
};

const TEXT = `Everything that the console's page shows. Instants are milliseconds since 1970, spans milliseconds, rates per second; parameters that are instants may also be ISO 8601 or a time ago ("-1h").

On loopback without a token everybody on the machine is the admin; elsewhere a token is sent as \`Authorization: Bearer TOKEN\` (GOODGATE_CONSOLE_TOKEN, or GOODGATE_CONSOLE_READ_TOKEN to look only), or a certificate of the client CA is shown. What changes something is sent as application/json and is refused where a browser says that it comes from another site. Errors are application/problem+json (RFC 9457).

Beside the API the console answers /healthz, /readyz, /metrics (Prometheus), /api/avoided, /api/events and /reference/.`;

/** Statuses that every call may have. */
const PROBLEMS: Readonly<Record<number, string>> = {
  400: "A parameter or a field is not valid; `field` and `value` say which.",
  401: "A token is needed.",
  403: "The role does not allow it, or the request comes from another site.",
  404: "There is no such thing.",
  409: "The gateway decided against it; `detail` says why.",
  413: "The body is too large.",
  415: "The body is not application/json.",
  429: "Too many wrong tokens.",
  503: "It cannot be answered now.",
};

/** The document as a value. */
export function openApi(): Json {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const operation of OPERATIONS) {
    const path = API + operation.path;
    paths[path] = { ...paths[path], [operation.method.toLowerCase()]: describe(operation) };
  }
  return {
    openapi: "3.1.0",
    info: { title: "Goodgate console", version: VERSION, description: TEXT, license: { name: "MIT" } },
    servers: [{ url: "/", description: "The console's own address; http://127.0.0.1:8502 unless told otherwise." }],
    security: [{ token: [] }, { session: [] }, {}],
    tags: Object.entries(TAGS).map(([name, description]) => ({ name, description })),
    paths,
    components: {
      securitySchemes: {
        token: { type: "http", scheme: "bearer" },
        session: {
          type: "apiKey",
          in: "cookie",
          name: "goodgate-8502",
          description: "Set by POST /api/v1/session; carries the port.",
        },
      },
      schemas: componentSchemas(),
    },
  };
}

/** The document as it is written and served. */
export function openApiText(): string {
  return `${JSON.stringify(openApi(), null, 1)}\n`;
}

function describe(operation: Operation): Json {
  const { id, tag, summary, role, problems = [], body } = operation;
  const statuses = [400, ...(role === null ? [401] : [401, 403]), ...(body ? [413, 415] : []), ...problems, 503];
  const refused = [...new Set(statuses)]
    .sort()
    .map((status) => [
      String(status),
      { description: PROBLEMS[status], content: { "application/problem+json": { schema: reference("Problem") } } },
    ]);
  return {
    operationId: id,
    tags: [tag],
    summary,
    ...(role === null ? { security: [{}] } : {}),
    "x-role": role ?? "everybody",
    ...parametersOf(operation),
    ...(body
      ? { requestBody: { required: true, content: { "application/json": { schema: inputSchema(body) } } } }
      : {}),
    responses: { ...successOf(operation), ...Object.fromEntries(refused) },
  };
}

function successOf(operation: Operation): Json {
  if ("events" in operation) {
    const names = Object.entries(operation.events).map(([name, answer]) => `${name}: ${answer}`);
    const events = Object.fromEntries(
      Object.entries(operation.events).map(([name, answer]) => [name, reference(answer)]),
    );
    const description = `Server-sent events; the data of each is JSON. ${names.join(", ")}.`;
    return {
      "200": { description, content: { "text/event-stream": { schema: { type: "string" }, "x-events": events } } },
    };
  }
  const { answer } = operation;
  if (answer === "nothing") return { "204": { description: "Done." } };
  if (answer === "text/markdown") {
    return { "200": { description: "Markdown.", content: { [answer]: { schema: { type: "string" } } } } };
  }
  return { "200": { description: answer, content: { "application/json": { schema: reference(answer) } } } };
}

function parametersOf({ params = {}, query }: Operation): Json {
  const inPath = Object.entries(params).map(([name, description]) => ({
    ...{ name, in: "path", required: true, description, schema: { type: "string" } },
  }));
  const schema = query === undefined ? {} : (inputSchema(query) as QuerySchema);
  const inQuery = Object.entries(schema.properties ?? {}).map(([name, { description, ...type }]) => ({
    ...{ name, in: "query", required: schema.required?.includes(name) === true, description, schema: type },
  }));
  const all = [...inPath, ...inQuery];
  return all.length === 0 ? {} : { parameters: all };
}

interface QuerySchema {
  readonly properties?: Readonly<Record<string, { readonly description?: string }>>;
  readonly required?: readonly string[];
}

/** As it is sent, before it is read. */
function inputSchema(schema: z.ZodMiniType): Json {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io: "input", unrepresentable: "any" });
  return rest;
}

const reference = (name: AnswerName): Json => ({ $ref: `#/components/schemas/${name}` });

/** Fields that come later are no break: nothing says that there are no others. */
function componentSchemas(): Json {
  const registry = z.registry<{ id: string }>();
  for (const [id, schema] of Object.entries({ ...PARTS, ...ANSWERS })) registry.add(schema, { id });
  const { schemas } = z.toJSONSchema(registry, { io: "input", uri: (id) => `#/components/schemas/${id}` });
  return Object.fromEntries(
    Object.entries(schemas).map(([id, { $schema: _, $id: __, ...schema }]) => [id, withWords(schema, id)]),
  );
}

/** Says of each property what it means (answer-words.ts), and leaves out what is said of the names of any object. */
function withWords(node: unknown, component: string): unknown {
  if (Array.isArray(node)) return node.map((part) => withWords(part, component));
  if (typeof node !== "object" || node === null) return node;
  const { propertyNames: _, properties, ...rest } = node as Record<string, unknown>;
  const plain = Object.fromEntries(Object.entries(rest).map(([key, value]) => [key, withWords(value, component)]));
  if (typeof properties !== "object" || properties === null) return plain;
  const described = Object.entries(properties).map(([name, schema]) => {
    const description = WORDS[`${component}.${name}`] ?? WORDS[name];
    return [name, { description, ...(withWords(schema, component) as Json) }];
  });
  return { ...plain, properties: Object.fromEntries(described) };
}
