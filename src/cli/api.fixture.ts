// A console as commands ask it: answers by path, and what was asked.
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Incident, Verdict } from "../incidents/model.ts";
import type { KeptAttempt } from "../observe/report.ts";
import type { StoredFailure } from "../store/model.ts";
import { rowOf } from "./incidents-source.ts";

export interface Asked {
  readonly method: string;
  readonly url: URL;
  readonly body: unknown;
  readonly token: string | undefined;
}

/** What is answered: a document with 200, a problem with its status, or by hand. */
export type Answer = (
  asked: Asked,
  response: ServerResponse,
) => { readonly status: number; readonly body: unknown } | null | undefined;

export interface FakeConsole {
  readonly address: string;
  readonly asked: Asked[];
  close(): Promise<void>;
}

export async function fakeConsole(answer: Answer): Promise<FakeConsole> {
  const asked: Asked[] = [];
  const server = createServer(async (request: IncomingMessage, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
    const text = Buffer.concat(chunks).toString();
    const one: Asked = {
      method: request.method ?? "",
      url: new URL(request.url ?? "", "http://console"),
      body: text === "" ? undefined : JSON.parse(text),
      token: request.headers.authorization,
    };
    asked.push(one);
    const found = answer(one, response);
    if (found === null) return;
    const { status, body } = found ?? { status: 404, body: { title: "Not there", detail: `no ${one.url.pathname}` } };
    const type = status < 400 ? "application/json" : "application/problem+json";
    response.writeHead(status, { "Content-Type": type }).end(JSON.stringify(body));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    close: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

const VERDICT: Verdict = {
  sentence: "shop-2 (127.0.0.1:8512) refuses connections since 12:01:33; shop-1 healthy: nothing listens there",
  short: "shop-2 refuses connections",
  pattern: "process-down",
  confidence: "proven",
  reasons: ["52 connections were refused (ECONNREFUSED)", "shop-1 answered 300 requests meanwhile"],
  settle: [{ text: "Look whether the process runs", code: "systemctl status shop-2", language: "shell" }],
  fixes: [{ text: "Start it again", code: "systemctl start shop-2", language: "shell" }],
  alternatives: [{ text: "a firewall", why: "a firewall would rather drop than refuse" }],
  entry: "connect-refused",
};

export function incidentOf(id: string, more: Partial<Incident> = {}): Incident {
  return {
    id,
    gateway: "g1",
    openedAt: 1_800_000_000_000,
    lastAt: 1_800_000_060_000,
    closedAt: null,
    severity: "degraded",
    cause: "connect-refused",
    causes: { "connect-refused": 52 },
    phase: "connect",
    fault: ["upstream"],
    upstream: "shop",
    routes: { pages: 52 },
    endpoints: { "shop-2": 52 },
    counts: {
      failures: 52,
      shown: 2,
      cut: 0,
      clientLeft: 0,
      passed: 0,
      held: 0,
      queued: 0,
      retried: 0,
      failedOver: 50,
      requests: 352,
      clients: 2,
    },
    series: { fromAt: 1_800_000_000_000, stepMs: 1000, shown: [2], saved: [50] },
    methods: { GET: 52 },
    paths: { "/": 52 },
    hosts: { "shop.example": 52 },
    statuses: {},
    verdict: VERDICT,
    timeline: [
      { at: 1_800_000_000_000, kind: "opened", text: "the first connection was refused" },
      { at: 1_800_000_001_000, kind: "endpoint-gone", text: "shop-2 gets no requests" },
    ],
    ...more,
  };
}

export function attemptOf(more: Partial<KeptAttempt> = {}): KeptAttempt {
  return {
    endpoint: "shop-2",
    startMs: 0,
    resolvedMs: 0,
    tcpMs: null,
    connectedMs: null,
    sentMs: null,
    headMs: null,
    endMs: 1.4,
    status: 0,
    reused: false,
    bytesSent: 0,
    bytesReceived: 0,
    cause: "connect-refused",
    phase: "connect",
    sentence: "It refused the connection.",
    evidence: { errno: "ECONNREFUSED" },
    responseHead: null,
    ...more,
  };
}

export function failureOf(id: string, more: Partial<StoredFailure> = {}): StoredFailure {
  return {
    id,
    requestId: `r-${id}`,
    at: 1_800_000_000_500,
    cause: "connect-refused",
    phase: "connect",
    outcome: "saved",
    savedBy: "failover",
    status: 200,
    route: "pages",
    upstream: "shop",
    endpoint: "shop-2",
    listener: ":8080",
    tls: false,
    method: "GET",
    host: "shop.example",
    target: "/\x1b[31mred",
    protocol: "HTTP/1.1",
    client: "127.0.0.1",
    userAgent: "",
    traceId: "",
    sentence: "127.0.0.1:8512 refused the connection (ECONNREFUSED).",
    fix: "",
    durationMs: 9.2,
    heldMs: 0,
    queuedMs: 0,
    bytesReceived: 0,
    bytesSent: 200,
    requestHead: [],
    attempts: [
      attemptOf(),
      attemptOf({
        endpoint: "shop-3",
        startMs: 1.5,
        resolvedMs: 1.5,
        tcpMs: 2,
        connectedMs: 2,
        sentMs: 2.1,
        headMs: 8.9,
        endMs: 9.1,
        status: 200,
        cause: null,
        phase: null,
      }),
    ],
    incident: "i01aaaaaaaaaaaa",
    gateway: "g1",
    ...more,
  };
}

/** A console that has these incidents and failures. */
export function consoleWith(incidents: readonly Incident[], failures: readonly StoredFailure[]): Answer {
  return ({ method, url, body }) => {
    const [, , , what, id = "", verb] = url.pathname.split("/").map(decodeURIComponent);
    const of = url.searchParams.get("incident");
    const limit = Number(url.searchParams.get("limit") ?? 50);
    const page = (items: readonly unknown[]) => ({
      status: 200,
      body: { items: items.slice(0, limit), next: null, total: items.length },
    });
    if (method === "POST" && verb === "replay") {
      const found = failures.find((failure) => failure.id === id);
      return found && { status: 200, body: replayOf(found, (body as { endpoint?: string }).endpoint) };
    }
    if (what === "incidents" && id === "") return page(incidents.map(rowOf));
    if (what === "failures" && id === "")
      return page(failures.filter(({ incident }) => of === null || incident === of));
    const found = (what === "incidents" ? incidents : failures).find((one) => one.id === id);
    return found && { status: 200, body: found };
  };
}

function replayOf(failure: StoredFailure, endpoint = "shop shop-2") {
  const side = { cause: null, sentence: "", durationMs: 5, head: null, bytes: 0 };
  const then = { ...side, status: 0, cause: "connect-refused", sentence: "It refused." };
  return {
    then,
    ok: failure.method === "GET",
    refused: null,
    endpoint,
    request: { method: failure.method, target: failure.target, head: [] },
    now: { ...side, status: 200 },
    differences: ["status: no answer then, 200 now"],
    verdict: "It is answered now: shop-2 says 200 after 5 ms.",
  };
}
