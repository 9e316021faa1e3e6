// Calls that do work: doctor, explain, the demo's buttons. doctor asks upstreams that the configuration names and
// nothing else: no address comes from the client, and a path stays a path of that upstream (no "//host", no scheme).
import * as z from "zod/mini";
import { refusal } from "../../config/fields.ts";
import { suggestionHint } from "../../config/suggest.ts";
import type { Reply } from "../answer.ts";
import type { DemoAction } from "../model.ts";
import { field, mapping, textOf, wordOf } from "./fields.ts";
import { type Call, json, missing, operation } from "./operation.ts";

const DOCTOR_MS = 30_000;
const EXPLAIN_CHARS_MAX = 48 * 1024;
const VISITORS_MAX = 500;
const DEEDS = ["crash", "restart", "slow", "freeze", "error", "reset", "heal"] as const;

const PATH_HINT = 'write a path of the upstream: "/healthz", "/cart?page=2"';
const path = field(
  z
    .string({ error: refusal("it is not text", PATH_HINT) })
    .check(
      z.maxLength(2_000, refusal("it is longer than 2000 characters", "shorten it")),
      z.regex(/^\//, refusal("it does not begin with /", PATH_HINT)),
      z.regex(/^(?!\/[/\\])/, refusal("it begins with //, which names a host", PATH_HINT)),
      z.regex(
        /^[\x21-\x7e]*$/,
        refusal("it has blanks, control characters or letters beyond ASCII", "percent-encode them"),
      ),
      z.regex(/^[^#\\]*$/, refusal("it has a # or a backslash", PATH_HINT)),
    ),
  "Path and query that are asked for; / where it is left out.",
);

interface DoctorBody {
  readonly upstream?: string | undefined;
  readonly path?: string | undefined;
}

const visitorsError = refusal(`it is not a whole number from 0 to ${VISITORS_MAX}`, "0 sends them home");
const shopDeed = mapping({
  shop: textOf("Name of a shop, or all.", 100),
  do: wordOf("What it does from now on.", DEEDS),
});
const visitorCount = mapping({
  visitors: field(
    z.int({ error: visitorsError }).check(z.minimum(0, visitorsError), z.maximum(VISITORS_MAX, visitorsError)),
    "Visitors per second.",
  ),
});

export const TOOLS = [
  operation({
    method: "POST",
    path: "/doctor",
    id: "runDoctor",
    tag: "Tools",
    summary:
      "Looks for the failing hop behind the gateway, as `goodgate doctor` does; one at a time, at most 30 seconds.",
    role: "admin",
    body: mapping({
      upstream: z.optional(textOf("Name of an upstream of the configuration; all where it is left out.", 200)),
      path: z.optional(path),
    }),
    problems: [404, 409],
    withinMs: DOCTOR_MS,
    action: ({ body }) => `doctor: ${body.upstream ?? "all upstreams"} ${body.path ?? "/"}`,
    answer: "Diagnosis",
    handle: runDoctor,
  }),
  operation({
    method: "POST",
    path: "/explain",
    id: "explain",
    tag: "Tools",
    summary: "Explains a pasted error, as `goodgate explain` does. What is pasted stays on this machine.",
    role: "reader",
    body: mapping({
      text: field(
        z
          .string({ error: refusal("it is not text", 'write {"text": "…"}') })
          .check(
            z.minLength(1, refusal("it is empty", "paste an error page, a log line or a message")),
            z.maxLength(
              EXPLAIN_CHARS_MAX,
              refusal(
                `it is longer than ${EXPLAIN_CHARS_MAX} characters`,
                "goodgate explain --lines FILE reads whole logs",
              ),
            ),
          ),
        "What was pasted.",
      ),
    }),
    answer: "Explanation",
    handle: async ({ body: { text } }) => {
      // Loaded when somebody asks: the reference is as much code as the gateway itself.
      const { explainText } = await import("../reference.ts");
      return json(explainText(text));
    },
  }),
  operation({
    method: "GET",
    path: "/demo",
    id: "getDemo",
    tag: "Demo",
    summary: "The shops of the demo and what they do. Only under `goodgate demo`.",
    role: "reader",
    problems: [404],
    answer: "DemoState",
    handle: async ({ backend: { demo } }) => (demo === null ? NO_DEMO : json(demo.state())),
  }),
  operation({
    method: "POST",
    path: "/demo",
    id: "changeDemo",
    tag: "Demo",
    summary:
      'Breaks, slows, freezes or heals a shop of the demo ({"shop", "do"}), or sets its visitors ({"visitors"}).',
    role: "admin",
    body: z.union([shopDeed, visitorCount]),
    problems: [404],
    action: ({ body }) =>
      "visitors" in body ? `demo: ${body.visitors} visitors per second` : `demo: ${body.do} ${body.shop}`,
    answer: "DemoState",
    handle: async ({ backend: { demo }, body }) => {
      if (demo === null) return NO_DEMO;
      const shops = demo.state().shops.map(({ name }) => name);
      if ("shop" in body && body.shop !== "all" && !shops.includes(body.shop)) {
        return missing("shop", "shop", body.shop, suggestionHint(body.shop, shops));
      }
      return json(await demo.do(body satisfies DemoAction));
    },
  }),
];

async function runDoctor({ backend, body, signal, shared }: Call<unknown, DoctorBody>): Promise<Reply> {
  if (shared.doctorRuns) {
    return {
      problem: {
        status: 409,
        title: "A doctor is at work",
        detail: "One examination runs at a time: wait for it to end, at most 30 seconds.",
        headers: { "Retry-After": "5" },
      },
    };
  }
  const { upstream, path: asked } = body;
  shared.doctorRuns = true;
  try {
    if (upstream !== undefined) {
      const names = (await backend.now()).upstreams.map(({ name }) => name);
      if (!names.includes(upstream)) return missing("upstream", "upstream", upstream, suggestionHint(upstream, names));
    }
    const request = {
      ...(upstream === undefined ? {} : { upstream }),
      ...(asked === undefined ? {} : { path: asked }),
    };
    return json(await backend.doctor(request, signal));
  } finally {
    shared.doctorRuns = false;
  }
}

const NO_DEMO: Reply = {
  problem: {
    status: 404,
    title: "This is no demo",
    detail: "The buttons are there under `goodgate demo` only: start that.",
  },
};
