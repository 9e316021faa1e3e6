// A collector for tests, as strict as a collector may be: it takes ExportTraceServiceRequest over HTTP in JSON and
// checks every field against OTLP's protobuf definition and its JSON mapping (names, types, lengths of ids, enum
// numbers, 64-bit numbers as strings), and what the definition says in words (ids not all zero, end not before start,
// keys unique). What is wrong is kept in `problems` and answered with 400. The table below is trace.proto,
// common.proto and resource.proto of opentelemetry-proto 1.x.
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { gunzipSync } from "node:zlib";

type Type =
  | "string"
  | "bool"
  | "double"
  | "int64"
  | "fixed64"
  | "uint32"
  | "bytes"
  | "traceId"
  | "spanId"
  | "kind"
  | "code";
type Fields = Readonly<Record<string, Type | readonly [message: string] | { readonly one: string }>>;

const KEY_VALUES = ["KeyValue"] as const;
const MESSAGES: Readonly<Record<string, Fields>> = {
  ExportTraceServiceRequest: { resourceSpans: ["ResourceSpans"] },
  ResourceSpans: { resource: { one: "Resource" }, scopeSpans: ["ScopeSpans"], schemaUrl: "string" },
  Resource: { attributes: KEY_VALUES, droppedAttributesCount: "uint32" },
  ScopeSpans: { scope: { one: "InstrumentationScope" }, spans: ["Span"], schemaUrl: "string" },
  InstrumentationScope: { name: "string", version: "string", attributes: KEY_VALUES, droppedAttributesCount: "uint32" },
  Span: {
    traceId: "traceId",
    spanId: "spanId",
    traceState: "string",
    parentSpanId: "spanId",
    flags: "uint32",
    name: "string",
    kind: "kind",
    startTimeUnixNano: "fixed64",
    endTimeUnixNano: "fixed64",
    attributes: KEY_VALUES,
    droppedAttributesCount: "uint32",
    events: ["Event"],
    droppedEventsCount: "uint32",
    links: ["Link"],
    droppedLinksCount: "uint32",
    status: { one: "Status" },
  },
  Event: { timeUnixNano: "fixed64", name: "string", attributes: KEY_VALUES, droppedAttributesCount: "uint32" },
  Link: { traceId: "traceId", spanId: "spanId", traceState: "string", attributes: KEY_VALUES, flags: "uint32" },
  Status: { message: "string", code: "code" },
  KeyValue: { key: "string", value: { one: "AnyValue" } },
  AnyValue: {
    stringValue: "string",
    boolValue: "bool",
    intValue: "int64",
    doubleValue: "double",
    arrayValue: { one: "ArrayValue" },
    kvlistValue: { one: "KeyValueList" },
    bytesValue: "bytes",
  },
  ArrayValue: { values: ["AnyValue"] },
  KeyValueList: { values: KEY_VALUES },
};

const CHECKS: Readonly<Record<Type, (value: unknown) => boolean>> = {
  string: (value) => typeof value === "string" && !/\p{Surrogate}/u.test(value),
  bool: (value) => typeof value === "boolean",
  double: (value) => typeof value === "number",
  int64: (value) => typeof value === "string" && /^-?\d{1,19}$/.test(value),
  fixed64: (value) => typeof value === "string" && /^\d{1,20}$/.test(value) && BigInt(value) < 2n ** 64n,
  uint32: (value) => Number.isInteger(value) && (value as number) >= 0 && (value as number) < 2 ** 32,
  bytes: (value) => typeof value === "string" && /^[A-Za-z0-9+/]*={0,2}$/.test(value),
  traceId: (value) => typeof value === "string" && /^(?!0{32})[0-9a-f]{32}$/.test(value),
  spanId: (value) => typeof value === "string" && /^(?!0{16})[0-9a-f]{16}$/.test(value),
  kind: (value) => Number.isInteger(value) && (value as number) >= 0 && (value as number) <= 5,
  code: (value) => Number.isInteger(value) && (value as number) >= 0 && (value as number) <= 2,
};

/** What is wrong with a message, with the place of each problem. */
export function problemsOf(value: unknown, message = "ExportTraceServiceRequest", at = "$"): string[] {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return [`${at}: not a ${message}`];
  const fields = MESSAGES[message]!;
  const problems = Object.entries(value).flatMap(([name, each]): string[] => {
    const type = fields[name];
    const place = `${at}.${name}`;
    if (type === undefined) return [`${place}: ${message} has no such field`];
    if (typeof type === "string") return CHECKS[type](each) ? [] : [`${place}: ${JSON.stringify(each)} is no ${type}`];
    if ("one" in type) return problemsOf(each, type.one, place);
    if (!Array.isArray(each)) return [`${place}: not a list`];
    return each.flatMap((item, index) => problemsOf(item, type[0], `${place}[${index}]`));
  });
  return [...problems, ...inWords(value as Record<string, unknown>, message).map((problem) => `${at}: ${problem}`)];
}

/** What the definition demands beside types. */
function inWords(value: Record<string, unknown>, message: string): string[] {
  const problems: string[] = [];
  const attributes = value["attributes"] as { key: string }[] | undefined;
  const keys = attributes?.map(({ key }) => key) ?? [];
  if (new Set(keys).size !== keys.length) problems.push("a key is there twice");
  if (message === "AnyValue" && Object.keys(value).length !== 1) problems.push("not exactly one value");
  if (message === "KeyValue" && !value["key"]) problems.push("no key");
  if (message === "Span") {
    for (const name of ["traceId", "spanId", "name", "kind", "startTimeUnixNano", "endTimeUnixNano"]) {
      if (!value[name]) problems.push(`no ${name}`);
    }
    const { startTimeUnixNano: start, endTimeUnixNano: end } = value as Record<string, string>;
    if (BigInt(end ?? 0) < BigInt(start ?? 0)) problems.push("ends before it begins");
  }
  return problems;
}

/** A span as it was received, with its attributes as a record. */
export interface ReceivedSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly traceState?: string;
  readonly flags: number;
  readonly name: string;
  readonly kind: number;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly status?: { readonly code: number; readonly message?: string };
  readonly events: readonly { readonly name: string; readonly timeUnixNano: string }[];
  readonly facts: Readonly<Record<string, unknown>>;
}

interface RawSpan extends Omit<ReceivedSpan, "facts" | "events"> {
  readonly events?: ReceivedSpan["events"];
  readonly attributes: readonly RawAttribute[];
}
interface RawAttribute {
  readonly key: string;
  readonly value: Readonly<Record<string, unknown>>;
}
interface RawRequest {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: readonly RawAttribute[] };
    readonly scopeSpans: readonly { readonly spans: readonly RawSpan[] }[];
  }[];
}

/** How the receiver answers one request instead of taking it. */
export interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** A running receiver. */
export class OtlpReceiver {
  readonly spans: ReceivedSpan[] = [];
  readonly problems: string[] = [];
  /** Bodies as JSON texts. */
  readonly bodies: string[] = [];
  readonly requests: { readonly headers: IncomingMessage["headers"]; readonly spans: number; readonly at: number }[] =
    [];
  resource: Readonly<Record<string, unknown>> = {};
  /** Answers for the next requests, in order; then everything valid is taken. */
  answers: Answer[] = [];
  /** Requests are read and never answered. */
  silent = false;
  readonly #server: Server;
  #told: () => void = () => {};

  constructor() {
    this.#server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on("data", (chunk: Buffer) => chunks.push(chunk));
      request.on("end", () => {
        const { status, headers = {}, body = "{}" } = this.#take(request, Buffer.concat(chunks));
        this.#told();
        if (this.silent) return;
        response.writeHead(status, { "content-type": "application/json", ...headers });
        response.end(body);
      });
    });
  }

  /** Begins to listen; resolves to the address for the configuration. */
  async start(): Promise<string> {
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/v1/traces`;
  }

  /** Resolves when what was received makes `is` true. */
  async until(is: () => boolean): Promise<void> {
    while (!is()) {
      await new Promise<void>((resolve) => {
        this.#told = resolve;
      });
    }
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
  }

  #take(request: IncomingMessage, bytes: Buffer): Answer {
    const refuse = (problems: readonly string[]): Answer => {
      this.problems.push(...problems);
      return { status: 400, body: JSON.stringify({ code: 3, message: problems[0] }) };
    };
    const { headers } = request;
    if (request.method !== "POST" || request.url !== "/v1/traces") return refuse([`${request.method} ${request.url}`]);
    if (headers["content-type"] !== "application/json") return refuse([`content-type ${headers["content-type"]}`]);
    const text = headers["content-encoding"] === "gzip" ? gunzipSync(bytes) : bytes;
    this.bodies.push(text.toString("utf8"));
    const message = JSON.parse(text.toString("utf8")) as RawRequest;
    const problems = problemsOf(message);
    if (problems.length > 0) return refuse(problems);
    const spans = message.resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap((scope) => scope.spans));
    this.requests.push({ headers, spans: spans.length, at: Date.now() });
    const answer = this.answers.shift();
    if (answer && answer.status >= 300) return answer;
    this.resource = factsOf(message.resourceSpans[0]!.resource.attributes);
    for (const span of spans) this.spans.push({ ...span, events: span.events ?? [], facts: factsOf(span.attributes) });
    return answer ?? { status: 200 };
  }
}

function factsOf(attributes: readonly RawAttribute[]): Record<string, unknown> {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, plain(value)]));
}

function plain(value: Readonly<Record<string, unknown>>): unknown {
  if ("intValue" in value) return Number(value["intValue"]);
  if ("arrayValue" in value) return (value["arrayValue"] as { values: Record<string, unknown>[] }).values.map(plain);
  return Object.values(value)[0];
}
