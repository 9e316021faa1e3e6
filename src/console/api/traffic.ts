// Calls about traffic: series of figures, paths that are slow or fail, the live tail, and marks on the timeline.
import * as z from "zod/mini";
import { refusal } from "../../config/fields.ts";
import type { TailFilter } from "../../observe/report.ts";
import type { PointsQuery } from "../../store/model.ts";
import { eventText } from "../live.ts";
import {
  EMPTY_RANGE,
  field,
  flagText,
  mapping,
  namesOf,
  number,
  rangeFields,
  rangeOf,
  textOf,
  wordOf,
} from "./fields.ts";
import { json, operation } from "./operation.ts";

const HOUR_MS = 3_600_000;
const DAY_MS = 86_400_000;
const POINTS_MAX = 2_000;

const gatewayField = {
  gateway: z.optional(textOf("Id of a gateway, or all; this one where it is left out.", 100)),
};
const gatewayAndRange = mapping({ ...gatewayField, ...rangeFields });

const tailQuery = mapping({
  failuresOnly: z.optional(flagText("Only requests that failed or were saved.")),
  status: z.optional(
    field(
      z
        .string({ error: refusal("it is given twice", "give one") })
        .check(
          z.regex(/^(?:[1-5]xx|[1-5]\d\d|0)$/, "it is neither a status nor a class\nwrite 404, 5xx, or 0 for none"),
        ),
      "Status or class: 404, 5xx; 0 for none.",
    ),
  ),
  cause: z.optional(textOf("Cause, as in the reference.", 100)),
  route: z.optional(textOf("Name of a route.", 300)),
  upstream: z.optional(textOf("Name of an upstream.", 200)),
  endpoint: z.optional(textOf("Endpoint, as the state shows it.", 300)),
  method: z.optional(
    field(
      z
        .string({ error: refusal("it is given twice", "give one") })
        .check(z.regex(/^[A-Za-z!#$%&'*+.^_`|~-]{1,40}$/, "it is not a method\nwrite GET, POST …")),
      "Method.",
    ),
  ),
  minMs: z.optional(number("Only requests that took at least so many milliseconds.", 0, DAY_MS)),
  text: z.optional(textOf("Words in host and path.", 200)),
});

export const TRAFFIC = [
  operation({
    method: "GET",
    path: "/points",
    id: "listPoints",
    tag: "Traffic",
    summary:
      "Figures over time, of the whole gateway or by route, upstream or endpoint; spans without traffic are absent.",
    role: "reader",
    query: mapping({
      kind: z.optional(
        wordOf("What the series are of; all where it is left out.", ["all", "route", "upstream", "endpoint"]),
      ),
      name: z.optional(namesOf('Names of series, given several times; "upstream endpoint" for endpoints.', 100, 500)),
      points: z.optional(number("Points wanted per series, about.", 1, POINTS_MAX)),
      ...gatewayField,
      ...rangeFields,
    }),
    answer: "Points",
    handle: async ({ backend, query: { kind, name, points, gateway, from, to }, nowMs }) => {
      const range = rangeOf({ from, to }, nowMs, HOUR_MS);
      if (range === null) return EMPTY_RANGE;
      const query: PointsQuery = {
        range,
        kind: kind ?? "all",
        ...(name === undefined ? {} : { names: name }),
        ...(points === undefined ? {} : { points }),
        ...(gateway === undefined ? {} : { gateway }),
      };
      return json(await backend.points(query));
    },
  }),
  operation({
    method: "GET",
    path: "/paths",
    id: "listPaths",
    tag: "Traffic",
    summary: "The slowest paths and those that fail most.",
    role: "reader",
    query: gatewayAndRange,
    answer: "Paths",
    handle: async ({ backend, query, nowMs }) => {
      const range = rangeOf(query, nowMs, DAY_MS);
      return range === null ? EMPTY_RANGE : json(await backend.paths(range, query.gateway));
    },
  }),
  operation({
    method: "GET",
    path: "/tail",
    id: "streamTail",
    tag: "Traffic",
    summary:
      "Requests as they end, filtered, as server-sent events; `left` counts those that were left out since the last event.",
    role: "reader",
    query: tailQuery,
    events: { entries: "TailPart" },
    open: async ({ backend, query }) => {
      const filter = Object.fromEntries(Object.entries(query).filter(([, value]) => value !== undefined)) as TailFilter;
      return (stream) => {
        // A slow reader is not sent what it cannot take; it is told how much that was.
        let left = 0;
        return backend.tail(filter, (entries, unseen) => {
          left += unseen;
          if (stream.isBlocked) {
            left += entries.length;
            return;
          }
          stream.write(eventText("entries", { entries, left }));
          left = 0;
        });
      };
    },
  }),
  operation({
    method: "GET",
    path: "/marks",
    id: "listMarks",
    tag: "Traffic",
    summary: "What happened at a moment: deploys, reloads, actions, changes of endpoints.",
    role: "reader",
    query: gatewayAndRange,
    answer: "Marks",
    handle: async ({ backend, query, nowMs }) => {
      const range = rangeOf(query, nowMs, DAY_MS);
      return range === null ? EMPTY_RANGE : json(await backend.marks(range, query.gateway));
    },
  }),
  operation({
    method: "POST",
    path: "/marks",
    id: "addMark",
    tag: "Traffic",
    summary: 'Puts a mark on the timeline, from a pipeline for instance: {"text": "deploy v42"}.',
    role: "admin",
    body: mapping({ text: textOf("What happened.", 200) }),
    action: ({ body: { text } }) => `mark: ${text}`,
    answer: "Mark",
    handle: async ({ backend, caller, body: { text } }) => json(await backend.addMark(text, caller.by)),
  }),
];
