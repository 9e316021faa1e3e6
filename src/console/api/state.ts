// Calls about the gateway at this moment: the state, its stream, who writes into the store, the store itself.
import { json, operation } from "./operation.ts";

export const STATE = [
  operation({
    method: "GET",
    path: "/now",
    id: "getNow",
    tag: "State",
    summary: "The gateway at this moment: rates, routes, upstreams with their endpoints, open incidents.",
    role: "reader",
    answer: "Now",
    handle: async ({ backend }) => json(await backend.now()),
  }),
  operation({
    method: "GET",
    path: "/live",
    id: "streamLive",
    tag: "State",
    summary:
      "What happens, as server-sent events: the state at once and about each second, incidents and marks as they come. Last-Event-ID brings what was missed for a moment.",
    role: "reader",
    events: { now: "Now", incident: "IncidentRow", mark: "Mark" },
    open:
      async ({ shared }) =>
      (stream) =>
        shared.hub.listen(stream),
  }),
  operation({
    method: "GET",
    path: "/gateways",
    id: "listGateways",
    tag: "State",
    summary: "The gateways that write into the same store.",
    role: "reader",
    answer: "Gateways",
    handle: async ({ backend }) => json(await backend.gateways()),
  }),
  operation({
    method: "GET",
    path: "/store",
    id: "getStore",
    tag: "State",
    summary: "Where incidents and figures are kept, and whether it works.",
    role: "reader",
    answer: "StoreState",
    handle: async ({ backend }) => json(backend.store()),
  }),
];
