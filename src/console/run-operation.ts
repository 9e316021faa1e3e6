// Runs one call of the API: finds it in the table, holds the caller's role against it, reads query and body within
// their bounds, gives it its time, sends the answer, and tells the audit what came of it if it changes something.
import type { IncomingMessage, ServerResponse } from "node:http";
import { log } from "../std/log.ts";
import type { Bytes, Ms } from "../std/units.ts";
import { LateError, type Problem, type Reply, sendProblem, sendReply, within } from "./answer.ts";
import type { Call, Operation, PlainOperation, Shared, StreamOperation } from "./api/operation.ts";
import { readBody, readQuery } from "./api/read-input.ts";
import { OPERATIONS } from "./api/table.ts";
import { type Caller, refuseRole } from "./guard.ts";
import { type Identity, tellAction, type Visit } from "./identity.ts";
import { EventStream, type HubOptions, LiveHub } from "./live.ts";
import type { Backend } from "./model.ts";
import { Router } from "./router.ts";

const READ_MS: Ms = 10_000;
const BODY_MS: Ms = 5_000;
const BODY_BYTES_MAX: Bytes = 64 * 1024;
/** What is too large is read away up to here, so that its sender reads the refusal before the connection ends. */
const DISCARDED_BYTES_MAX: Bytes = 1024 * 1024;

/** A request for the API, from somebody who is known or not. */
export interface ApiRequest {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** Whether the connection may be kept once the body is read. */
  readonly mayKeep: boolean;
  readonly method: string;
  readonly path: string;
  readonly query: string;
  readonly visit: Visit;
  readonly caller: Caller | null;
}

export class Runner {
  readonly #backend: Backend;
  readonly #identity: Identity;
  readonly #router = new Router(OPERATIONS);
  readonly #shared: Shared;

  constructor(backend: Backend, identity: Identity, options: HubOptions = {}) {
    this.#backend = backend;
    this.#identity = identity;
    this.#shared = {
      hub: new LiveHub(backend, options),
      doctorRuns: false,
      session: (caller) => identity.view(caller),
      login: (token, visit) => identity.login(token, visit),
      logout: (visit) => identity.logout(visit),
    };
  }

  /** Ends all streams. */
  close(): void {
    this.#shared.hub.close();
  }

  async run(asked: ApiRequest): Promise<void> {
    const { request, response, method, path, query, visit } = asked;
    // Who is not known learns nothing, not even what there is.
    const routed = this.#router.route(method, path);
    const isOpen = "operation" in routed && routed.operation.role === null;
    const unknown = isOpen ? null : refuseRole(asked.caller, "reader");
    if (unknown) return sendProblem(response, unknown);
    if ("problem" in routed) return sendProblem(response, routed.problem);
    const { operation, params } = routed;
    const caller: Caller = asked.caller ?? { role: "reader", by: "nobody", proof: "none", client: visit.client };
    const refused = operation.role === null ? null : refuseRole(caller, operation.role);
    if (refused) {
      const action = operation.action ? `${operation.id} ${Object.values(params).join(" ")}`.trim() : null;
      if (action !== null) this.#tell(caller, action, `refused: ${caller.role}`);
      return sendProblem(response, refused);
    }
    const readIn = readQuery(query, operation.query);
    if ("problem" in readIn) return sendProblem(response, readIn.problem);
    const body = method === "POST" ? await readInput(request, operation) : { value: {} };
    if ("problem" in body) return sendProblem(response, body.problem);
    response.shouldKeepAlive = asked.mayKeep;
    const given = { params, query: readIn.value, body: body.value };
    const leave = leaving(response, operation);
    const call: Call<unknown, unknown> = {
      ...given,
      backend: this.#backend,
      caller,
      visit,
      signal: leave.signal,
      nowMs: Date.now(),
      shared: this.#shared,
    };
    try {
      if ("events" in operation) await this.#stream(operation, call, asked);
      else await this.#plain(operation, call, asked);
    } finally {
      leave.end();
    }
  }

  async #plain(
    operation: PlainOperation<unknown, unknown>,
    call: Call<unknown, unknown>,
    asked: ApiRequest,
  ): Promise<void> {
    const { request, response } = asked;
    const withinMs = operation.withinMs ?? READ_MS;
    // The listener cuts connections that are silent; this one waits for us.
    request.socket.setTimeout(withinMs + READ_MS);
    const action = operation.action?.(call) ?? null;
    let reply: Reply;
    try {
      reply = await within(withinMs, operation.handle(call));
    } catch (error) {
      const message = (error as Error).message;
      log.warn(`console: ${operation.id} failed`, { error: message });
      reply = { problem: failed(message, error instanceof LateError) };
    }
    if (action !== null) this.#tell(call.caller, action, outcomeOf(reply));
    if (response.destroyed) return;
    await sendReply(request, response, reply);
  }

  async #stream(
    operation: StreamOperation<unknown, unknown>,
    call: Call<unknown, unknown>,
    asked: ApiRequest,
  ): Promise<void> {
    const { request, response, visit } = asked;
    const { hub } = this.#shared;
    if (hub.isFull) return sendProblem(response, FULL);
    const begin = await operation.open(call);
    if (typeof begin !== "function") return sendProblem(response, begin);
    const lastEventId = String(request.headers["last-event-id"] ?? "").slice(0, 100);
    const stream = new EventStream(response, lastEventId, () => this.#identity.stillHolds(visit, call.caller));
    request.socket.setTimeout(0);
    // After the stream the connection is of no use: its timer is off.
    response.shouldKeepAlive = false;
    hub.add(stream);
    stream.begin();
    const stop = begin(stream);
    response.once("close", () => {
      stop();
      hub.remove(stream);
    });
  }

  #tell(caller: Caller, action: string, outcome: string): void {
    const { by, role, client } = caller;
    tellAction((entry) => this.#backend.tellAudit(entry), { by, role, client, action, outcome });
  }
}

/** Aborted when the client leaves before its answer, or the operation's time is over. */
function leaving(response: ServerResponse, operation: Operation): { signal: AbortSignal; end: () => void } {
  const controller = new AbortController();
  const onClose = (): void => controller.abort(new Error("the client left"));
  response.once("close", onClose);
  const withinMs = operation.withinMs ?? READ_MS;
  const timer = setTimeout(() => controller.abort(new Error(`no answer within ${withinMs / 1000} s`)), withinMs);
  timer.unref();
  const end = (): void => {
    clearTimeout(timer);
    response.off("close", onClose);
  };
  return { signal: controller.signal, end };
}

async function readInput(
  request: IncomingMessage,
  { body }: Operation,
): Promise<{ readonly value: unknown } | { readonly problem: Problem }> {
  const text = await bodyText(request);
  return typeof text === "string" ? readBody(text, body) : { problem: text };
}

/** The body as text, or why it is not taken. */
function bodyText(request: IncomingMessage): Promise<string | Problem> {
  return new Promise((resolve, reject) => {
    const parts: Buffer[] = [];
    let bytes = 0;
    const finish = (result: string | Problem): void => {
      clearTimeout(timer);
      request.off("data", take);
      if (typeof result !== "string") request.pause();
      resolve(result);
    };
    const timer = setTimeout(() => finish(SLOW), BODY_MS);
    const take = (part: Buffer): void => {
      bytes += part.length;
      if (bytes > DISCARDED_BYTES_MAX) finish(TOO_LARGE);
      else if (bytes <= BODY_BYTES_MAX) parts.push(part);
    };
    if (Number(request.headers["content-length"] ?? 0) > DISCARDED_BYTES_MAX) return finish(TOO_LARGE);
    request.on("data", take);
    request.once("end", () => finish(bytes > BODY_BYTES_MAX ? TOO_LARGE : Buffer.concat(parts).toString("utf8")));
    request.once("error", (error) => {
      clearTimeout(timer);
      reject(error);
    });
  });
}

const TOO_LARGE: Problem = {
  status: 413,
  title: "The body is too large",
  detail: `The body is larger than ${BODY_BYTES_MAX / 1024} KiB: shorten it.`,
  headers: { Connection: "close" },
};

const SLOW: Problem = {
  status: 408,
  title: "The body is late",
  detail: `The body did not come within ${BODY_MS / 1000} s: send it again.`,
  headers: { Connection: "close" },
};

const FULL: Problem = {
  status: 503,
  title: "Too many listen",
  detail: "The console has as many streams as it takes: close one, or try again later.",
  headers: { "Retry-After": "10" },
};

function failed(message: string, late: boolean): Problem {
  return late
    ? {
        status: 503,
        title: "Not answered in time",
        detail: `This cannot be answered now: ${message}.`,
        headers: { "Retry-After": "5" },
      }
    : { status: 500, title: "This went wrong", detail: message };
}

function outcomeOf(reply: Reply): string {
  if (!("problem" in reply)) return "json" in reply ? saidIn(reply.json) : "ok";
  const { status, detail } = reply.problem;
  return `${status >= 500 ? "failed" : "refused"}: ${detail}`;
}

function saidIn(value: unknown): string {
  if (typeof value !== "object" || value === null || !("said" in value)) return "ok";
  const { said } = value;
  if (typeof said !== "string" || said === "") return "ok";
  // It was done; what it found is not good (a check).
  return `${"ok" in value && value.ok === false ? "done" : "ok"}: ${said}`;
}
