// Calls about incidents and the failures in them: lists by page, one by its id, one as Markdown, and a failed request
// sent again.
import * as z from "zod/mini";
import { refusal } from "../../config/fields.ts";
import { incidentMarkdown } from "../../incidents/markdown.ts";
import type { FailureQuery, IncidentQuery } from "../../store/model.ts";
import {
  EMPTY_RANGE,
  field,
  mapping,
  number,
  type RangeText,
  rangeFields,
  rangeOf,
  textOf,
  wordOf,
  wordsOf,
} from "./fields.ts";
import { json, missing, operation } from "./operation.ts";

const DAY_MS = 86_400_000;
const SEVERITIES = ["outage", "degraded", "saved", "notice"] as const;
const MARKDOWN_FAILURES = 20;
const REPLAY_MS = 60_000;

const cursor = field(
  z
    .string({ error: refusal("it is given twice", "give one") })
    .check(
      z.maxLength(300, "it is longer than a cursor is\ngive `next` of the page before"),
      z.regex(
        /^[0-9a-z]{1,10}-[^\x00-\x1f\x7f\u2028\u2029]{1,256}$/,
        refusal("it is no cursor", "leave it out for the first page, or give `next` of the page before"),
      ),
    ),
  "`next` of the page before.",
);

const pageFields = {
  gateway: z.optional(textOf("Id of a gateway, or all; this one where it is left out.", 100)),
  limit: z.optional(number("At most so many; 50 where it is left out.", 1, 500)),
  before: z.optional(cursor),
};

const placeFields = {
  upstream: z.optional(textOf("Name of an upstream.", 200)),
  endpoint: z.optional(textOf("Endpoint, as the state shows it.", 300)),
  cause: z.optional(textOf("Cause, as in the reference: connect-refused.", 100)),
  text: z.optional(textOf("Words to look for.", 200)),
  q: z.optional(textOf("The same as `text`.", 200)),
};

const incidentsQuery = mapping({
  state: z.optional(wordOf("Only those that last, or only those that are over.", ["open", "closed"])),
  severity: z.optional(wordsOf("Severities, with commas between or given several times.", SEVERITIES)),
  ...rangeFields,
  ...placeFields,
  ...pageFields,
});

const failuresQuery = mapping({
  incident: z.optional(textOf("Id of an incident.", 100)),
  ...rangeFields,
  ...placeFields,
  route: z.optional(textOf("Name of a route.", 300)),
  ...pageFields,
});

interface Asked extends RangeText {
  readonly text?: string | undefined;
  readonly q?: string | undefined;
}

/** What both queries share: the span, where one is asked for, and the words; null = an empty span. */
function storeQuery<Query extends Asked>({ from, to, q, text, ...rest }: Query, nowMs: number) {
  const words = text ?? q;
  const asked = { ...rest, ...(words === undefined ? {} : { text: words }) };
  if (from === undefined && to === undefined) return asked;
  const range = rangeOf({ from: from ?? { at: 0 }, to }, nowMs, DAY_MS);
  return range && { ...asked, range };
}

export const INCIDENTS = [
  operation({
    method: "GET",
    path: "/incidents",
    id: "listIncidents",
    tag: "Incidents",
    summary: "Incidents, newest first, a page at a time.",
    role: "reader",
    query: incidentsQuery,
    answer: "Incidents",
    handle: async ({ backend, query: { severity, ...rest }, nowMs }) => {
      const query = storeQuery(rest, nowMs);
      if (query === null) return EMPTY_RANGE;
      return json(await backend.incidents(present({ ...query, severities: severity }) as IncidentQuery));
    },
  }),
  operation({
    method: "GET",
    path: "/incidents/{id}.md",
    id: "getIncidentMarkdown",
    tag: "Incidents",
    summary: "One incident as Markdown, for a chat or a ticket.",
    role: "reader",
    params: { id: "Id of the incident." },
    problems: [404],
    answer: "text/markdown",
    handle: async ({ backend, params: { id = "" } }) => {
      const incident = await backend.incident(id);
      if (incident === null) return noIncident(id);
      const { items } = await backend.failures({ incident: id, limit: MARKDOWN_FAILURES, gateway: "all" });
      return { text: incidentMarkdown(incident, items), type: "text/markdown; charset=utf-8" };
    },
  }),
  operation({
    method: "GET",
    path: "/incidents/{id}",
    id: "getIncident",
    tag: "Incidents",
    summary: "One incident with its verdict, its figures and its timeline.",
    role: "reader",
    params: { id: "Id of the incident." },
    problems: [404],
    answer: "Incident",
    handle: async ({ backend, params: { id = "" } }) => {
      const incident = await backend.incident(id);
      return incident === null ? noIncident(id) : json(incident);
    },
  }),
  operation({
    method: "GET",
    path: "/failures",
    id: "listFailures",
    tag: "Incidents",
    summary: "Failed requests that were kept with their evidence, newest first, a page at a time.",
    role: "reader",
    query: failuresQuery,
    answer: "Failures",
    handle: async ({ backend, query: asked, nowMs }) => {
      const query = storeQuery(asked, nowMs);
      return query === null ? EMPTY_RANGE : json(await backend.failures(present(query) as FailureQuery));
    },
  }),
  operation({
    method: "GET",
    path: "/failures/{id}",
    id: "getFailure",
    tag: "Incidents",
    summary:
      "One failed request with its attempts and their evidence; by its id, or by the id of its request (X-Request-Id).",
    role: "reader",
    params: { id: "Id of the failure or of its request." },
    problems: [404],
    answer: "Failure",
    handle: async ({ backend, params: { id = "" } }) => {
      const failure = await backend.failure(id);
      return failure === null ? noFailure(id) : json(failure);
    },
  }),
  operation({
    method: "POST",
    path: "/failures/{id}/replay",
    id: "replayFailure",
    tag: "Incidents",
    summary: "Sends a failed request again, where that is safe, and compares what comes now with what came then.",
    role: "admin",
    params: { id: "Id of the failure." },
    body: mapping({
      endpoint: z.optional(textOf('"upstream endpoint" to send it to; where it failed if left out.', 500)),
    }),
    problems: [404],
    withinMs: REPLAY_MS,
    action: ({ params, body: { endpoint } }) =>
      `replay ${params["id"]}${endpoint === undefined ? "" : ` on ${endpoint}`}`,
    answer: "ReplayResult",
    handle: async ({ backend, params: { id = "" }, body }) => {
      if ((await backend.failure(id)) === null) return noFailure(id);
      return json(await backend.replay(id, present(body)));
    },
  }),
];

const noIncident = (id: string) =>
  missing("incident", "id", id, "it may be over its retention; GET /api/v1/incidents lists those that there are");

const noFailure = (id: string) =>
  missing("failure", "id", id, "not every failure is kept whole; GET /api/v1/failures lists those that are");

/** Without what is undefined: absent and undefined differ to who reads it. */
function present<T extends object>(value: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(value).filter(([, held]) => held !== undefined)) as {
    [K in keyof T]: Exclude<T[K], undefined>;
  };
}
