// Calls about upstreams and the configuration: what somebody does to an endpoint, the chain of timers, what runs, reload.
// A name that is not there is 404, a decision of the gateway against it 409: a script sees either by the status.
import * as z from "zod/mini";
import { refusal } from "../../config/fields.ts";
import { suggestionHint } from "../../config/suggest.ts";
import type { Reply } from "../answer.ts";
import type { ActionResult, EndpointAction } from "../model.ts";
import { field, mapping, textOf, wordOf } from "./fields.ts";
import { type Call, json, missing, operation } from "./operation.ts";

const ACTIONS = ["drain", "disable", "enable", "weight", "check"] as const;
const WEIGHT_MAX = 1_000;
const ACT_MS = 15_000;
const RELOAD_MS = 60_000;

const weightError = refusal(
  `the weight is not a whole number from 0 to ${WEIGHT_MAX}`,
  "0 gives the endpoint no requests",
);
const actionFields = {
  do: wordOf("What is done: drain, disable, enable, weight, check.", ACTIONS),
  weight: z.optional(
    field(
      z.int({ error: weightError }).check(z.minimum(0, weightError), z.maximum(WEIGHT_MAX, weightError)),
      "Share of the requests; with weight only.",
    ),
  ),
};

interface Asked {
  readonly do: (typeof ACTIONS)[number];
  readonly weight?: number | undefined;
}

const ACT = {
  method: "POST",
  tag: "Upstreams",
  role: "admin",
  problems: [404, 409],
  withinMs: ACT_MS,
  answer: "ActionResult",
} as const;

export const UPSTREAMS = [
  operation({
    ...ACT,
    path: "/upstreams/{upstream}/endpoints/{endpoint}",
    id: "actOnEndpoint",
    summary:
      "Drains, disables or enables an endpoint, sets its weight, or checks it at once. Holds until it is taken back or the gateway starts anew.",
    params: { upstream: "Name of the upstream.", endpoint: "The endpoint, as the state shows it." },
    body: mapping(actionFields),
    action: ({ params, body }) => actionText(body, params["upstream"]!, params["endpoint"]!),
    handle: (call) => act(call, call.params["upstream"]!, call.params["endpoint"]!),
  }),
  operation({
    ...ACT,
    path: "/actions",
    id: "act",
    summary: "The same, with the names in the body.",
    body: mapping({
      ...actionFields,
      upstream: textOf("Name of the upstream.", 200),
      endpoint: textOf("The endpoint, as the state shows it.", 300),
    }),
    action: ({ body }) => actionText(body, body.upstream, body.endpoint),
    handle: (call) => act(call, call.body.upstream, call.body.endpoint),
  }),
  operation({
    method: "GET",
    path: "/timeouts",
    id: "getTimeouts",
    tag: "Upstreams",
    summary: "The timers of the way to an upstream, and where they do not fit.",
    role: "reader",
    query: mapping({ upstream: textOf("Name of the upstream.", 200) }),
    problems: [404],
    answer: "Timeouts",
    handle: async ({ backend, query: { upstream } }) => {
      const names = (await backend.now()).upstreams.map(({ name }) => name);
      if (!names.includes(upstream)) return missing("upstream", "upstream", upstream, suggestionHint(upstream, names));
      return json(await backend.timeouts(upstream));
    },
  }),
  operation({
    method: "GET",
    path: "/config",
    id: "getConfig",
    tag: "Configuration",
    summary:
      "What runs, where each value comes from, what check finds, and how the file differs; secrets are taken out.",
    role: "reader",
    answer: "Config",
    handle: async ({ backend }) => json(await backend.config()),
  }),
  operation({
    method: "POST",
    path: "/reload",
    id: "reload",
    tag: "Configuration",
    summary: "Takes on the configuration as the file is now.",
    role: "admin",
    problems: [409],
    withinMs: RELOAD_MS,
    action: () => "reload",
    answer: "ActionResult",
    handle: async ({ backend, caller }) => resultOf(await backend.reload(caller.by), "Not reloaded"),
  }),
];

async function act(
  { backend, caller, body }: Call<unknown, Asked>,
  upstream: string,
  endpoint: string,
): Promise<Reply> {
  if ((body.do === "weight") !== (body.weight !== undefined)) {
    const detail =
      body.do === "weight"
        ? `weight: it is missing; write {"do": "weight", "weight": 5}, from 0 to ${WEIGHT_MAX}.`
        : `weight: ${body.do} takes none; leave it out.`;
    return {
      problem: { status: 400, title: "Not a valid request", detail, field: "weight", value: String(body.weight ?? "") },
    };
  }
  const { upstreams } = await backend.now();
  const found = upstreams.find(({ name }) => name === upstream);
  const names = upstreams.map(({ name }) => name);
  if (!found) return missing("upstream", "upstream", upstream, suggestionHint(upstream, names));
  const labels = found.endpoints.map(({ label }) => label);
  if (!labels.includes(endpoint)) return missing("endpoint", "endpoint", endpoint, suggestionHint(endpoint, labels));
  const where = { upstream, endpoint };
  const action: EndpointAction =
    body.do === "weight" ? { do: body.do, ...where, weight: body.weight ?? 0 } : { do: body.do, ...where };
  const result = await backend.act(action, caller.by);
  // A check that finds the endpoint ill was done; it was not refused.
  return body.do === "check" ? json(result) : resultOf(result, "Not done");
}

function actionText({ do: what, weight }: Asked, upstream: string, endpoint: string): string {
  return `${what}${weight === undefined ? "" : ` ${weight}`}: ${upstream} ${endpoint}`;
}

function resultOf(result: ActionResult, title: string): Reply {
  return result.ok ? json(result) : { problem: { status: 409, title, detail: result.said } };
}
