// What a call of the API is, as data: method, path, who may, what it takes, what it answers, how it is done. Guard,
// routing, 404 and 405, the audit and the OpenAPI document all read the one table that is made of these (table.ts).
import type * as z from "zod/mini";
import type { Ms } from "../../std/units.ts";
import type { Problem, Reply } from "../answer.ts";
import type { Caller, Role } from "../guard.ts";
import type { Visit } from "../identity.ts";
import type { EventStream, LiveHub } from "../live.ts";
import type { Backend, SessionView } from "../model.ts";
import type { AnswerName } from "./answers.ts";

/** What an operation has to work with. */
export interface Call<Query, Body> {
  readonly backend: Backend;
  readonly caller: Caller;
  /** From the path, decoded. */
  readonly params: Readonly<Record<string, string>>;
  readonly query: Query;
  readonly body: Body;
  readonly visit: Visit;
  /** Aborted when the client leaves or the operation's time is over. */
  readonly signal: AbortSignal;
  readonly nowMs: Ms;
  readonly shared: Shared;
}

/** What the operations of one console share. */
export interface Shared {
  readonly hub: LiveHub;
  /** A doctor is at work: one at a time. */
  doctorRuns: boolean;
  readonly session: (caller: Caller) => SessionView;
  readonly login: (token: string, visit: Visit) => Reply;
  readonly logout: (visit: Visit) => Reply;
}

interface Words<Query, Body> {
  readonly method: "GET" | "POST" | "DELETE";
  /** Below /api/v1: "/failures/{id}/replay". */
  readonly path: string;
  /** Its operationId: "replayFailure". */
  readonly id: string;
  readonly tag: string;
  readonly summary: string;
  /** null = everybody. */
  readonly role: Role | null;
  /** What the parts of the path are. */
  readonly params?: Readonly<Record<string, string>>;
  readonly query?: z.ZodMiniType<Query>;
  readonly body?: z.ZodMiniType<Body>;
  /** Statuses of problems besides those that every call may have. */
  readonly problems?: readonly number[];
  /** How long it may take; absent = as long as other answers. */
  readonly withinMs?: Ms;
  /** What the audit says of it; absent = nothing is changed. */
  readonly action?: (call: Pick<Call<Query, Body>, "params" | "body">) => string;
}

/** Answered once. */
export interface PlainOperation<Query, Body> extends Words<Query, Body> {
  /** A name of answers.ts, a type of text, or no body at all (204). */
  readonly answer: AnswerName | "text/markdown" | "nothing";
  readonly handle: (call: Call<Query, Body>) => Promise<Reply>;
}

/** Answered by a stream of events. */
export interface StreamOperation<Query, Body> extends Words<Query, Body> {
  /** Name of answers.ts for the data of each event, by the event's name. */
  readonly events: Readonly<Record<string, AnswerName>>;
  /** Why there is no stream, or how it begins; that returns how it ends. */
  readonly open: (call: Call<Query, Body>) => Promise<Problem | ((stream: EventStream) => () => void)>;
}

export type Operation = PlainOperation<unknown, unknown> | StreamOperation<unknown, unknown>;

/** Ties the types of query and body to what handles them; the table knows them no more, the schemas do. */
export function operation<Query = Record<string, never>, Body = Record<string, never>>(
  described: PlainOperation<Query, Body> | StreamOperation<Query, Body>,
): Operation {
  return described as unknown as Operation;
}

/** An answer that is JSON. */
export const json = (value: unknown): Reply => ({ json: value });

/** For what a path names and nothing has. */
export function missing(what: string, field: string, value: string, hint: string): Reply {
  const shown = value.slice(0, 200);
  const detail = `There is no ${what} "${shown}": ${hint}.`;
  return { problem: { status: 404, title: `No such ${what}`, detail, field, value: shown } };
}
