// The fields of an upstream that decide what a failure of an endpoint costs: waiting for a place, trying again,
// leaving bad endpoints alone, waiting for one to come back. Each can be switched off by itself; what is left out has
// defaults that are safe for any application, so that most files have none of these.
import * as z from "zod/mini";
import { errorOf } from "./address.ts";
import {
  count,
  duration,
  durationOf,
  either,
  field,
  listOf,
  mapping,
  off,
  offOr,
  optionalDuration,
  percent,
  percentHint,
  size,
  textAs,
  unitHint,
} from "./fields.ts";
import { hostField } from "./schema-shared.ts";

const requestPath = textAs("a path", (path) => {
  if (!path.startsWith("/")) return errorOf(`the path "${path}" does not begin with "/"`);
  return /^[\x21-\x7e]+$/.test(path) && !path.includes("#")
    ? path
    : errorOf(`"${path}" cannot be asked for`, "spaces, “#” and letters beyond ASCII are percent-encoded");
});

const checkHost = textAs("a host", (value) =>
  value === "keep" || value === "endpoint"
    ? errorOf(`a check has no host "${value}"`, "write a name, or leave it out: then the endpoint's is sent")
    : hostField(value, 'write "example.com" or "example.com:8080"'),
);

const EXPECTED_BODY_MAX = 1024;

const expectedBody = textAs("text", (value) =>
  value.length >= 1 && value.length <= EXPECTED_BODY_MAX
    ? value
    : errorOf(`the text has 1 to ${EXPECTED_BODY_MAX} characters`, "every body is good where body is left out"),
);

// A pair would look like a list of two statuses to listOf.
const statusRange = textAs(
  'a status such as 200, or a range such as "200-399"',
  (text) => {
    const [, first, last = first] = /^([2-5]\d\d)(?:-([2-5]\d\d))?$/.exec(text) ?? [];
    const [from, to] = [Number(first), Number(last)];
    return from <= to ? { from, to } : errorOf(`"${text}" is no range of statuses`, 'write 200, or "200-399"');
  },
  { unit: "range" },
);

const goodStatuses = listOf(
  either('a status such as 200, or a range such as "200-399"', [count(200, 599), statusRange]),
  'a status, a range such as "200-399", or a list of them',
);

/** Statuses that stand for a failure, in eject and in the retry rules of a route. */
export const badStatuses = listOf(count(400, 599), "a status such as 503, or a list of them");

/** Attempts in all. */
export const attemptCount = count(1, 10);

/** The retry rules of an upstream. */
export const retryFields = mapping({
  attempts: z.prefault(
    field(
      either('a number from 1 to 10, or "all"', [z.literal("all"), attemptCount]),
      "Attempts in all, the first included; `all` is as many as there are endpoints. Only what is provably safe is tried again.",
    ),
    2,
  ),
  within: duration("No attempt is begun later than this after the request; time in hold does not count.", "10s"),
  budget: z.prefault(
    field(
      either('a percentage, or "off"', [off, percent], percentHint),
      "Retries that may run at once, as a share of the requests in flight (at least 3): an upstream that fails as a whole is not hit twice as hard. off sets no limit.",
      { unit: "percentage or off" },
    ),
    "20%",
  ),
  backoff: duration(
    "The first retry goes at once. Before the second there is a wait, drawn at random up to this; the bound doubles with each further one. 0s: none waits.",
    "25ms",
    { min: 0 },
  ),
  "backoff-max": duration("The bound doubles no further than this.", "250ms", { min: 0 }),
  body: size(
    "Request bodies up to this size are kept, so that they can be sent again; a request with a longer one is retried only while none of it was sent.",
    "64KiB",
    { min: 0 },
  ),
});

/** Fields of an upstream, to stand beside its others. */
export const RESILIENCE_FIELDS = {
  queue: z.prefault(
    field(
      offOr(
        mapping({
          requests: z.prefault(
            field(count(1, 1_000_000), "Requests that may wait at once, per worker; pool-exhausted above it."),
            100,
          ),
          for: duration("How long a request waits; pool-exhausted after it.", "2s"),
        }),
      ),
      "Requests wait here while every endpoint is at limits.connections or limits.requests; without these it has no effect. off: they fail at once.",
    ),
    {},
  ),
  retry: z.prefault(
    field(
      offOr(retryFields),
      "Further attempts after a failure; off makes one attempt only, unless a route says otherwise.",
    ),
    {},
  ),
  "slow-start": z.prefault(
    field(
      either('a duration, or "off"', [off, durationOf(1)], unitHint),
      "Time in which the share of an endpoint that comes back grows to its full one, so that cold caches and compilers are not met by all requests at once.",
      { unit: "duration or off" },
    ),
    "off",
  ),
  panic: z.prefault(
    field(
      either('a percentage, or "off"', [off, percent], percentHint),
      "Where less than this share of the endpoints is well, health and eject are set aside, and every endpoint that accepts connections is used: the few that are left would not bear the load of all.",
      { unit: "percentage or off" },
    ),
    "off",
  ),
  health: z.prefault(
    field(
      offOr(
        mapping({
          path: z.optional(
            field(requestPath, "Path, with a query where there is one, that is asked for with GET. Default: /.", {
              unit: "path",
            }),
          ),
          host: z.optional(
            field(
              checkHost,
              "Host field of the check. Default: the upstream's host; the endpoint's where that is the client's.",
            ),
          ),
          status: z.optional(
            field(
              goodStatuses,
              'Statuses of a good check: 200, "200-399" or a list of such. Default: 200-399. A login page or a redirect is good unless this says otherwise.',
              { unit: "status, range or list of them" },
            ),
          ),
          body: z.optional(
            field(expectedBody, "What the first 64 KiB of the body of a good check contain. Default: anything."),
          ),
          tcp: z.optional(
            field(
              z.boolean(),
              "Whether a connection that opens (with its TLS handshake, where the upstream has one) is a good check, and nothing is asked. A process that accepts and never answers passes it. Default: false.",
            ),
          ),
          interval: duration("Between two checks of an endpoint that is up.", "2s"),
          "fast-interval": optionalDuration(
            "Between two checks of an endpoint on its way up or down. Default: 500ms, or interval where that is shorter.",
          ),
          "down-interval": optionalDuration("Between two checks of an endpoint that is down. Default: interval."),
          timeout: optionalDuration(
            "For a whole check, connecting included. Default: 1s, or interval where that is shorter.",
          ),
          rise: z.prefault(field(count(1, 1000), "Good checks in a row until an endpoint is used again."), 2),
          fall: z.prefault(field(count(1, 1000), "Bad checks in a row until an endpoint is out of use."), 3),
        }),
      ),
      "Active checks of each endpoint, by every worker. Without them eject alone notices a bad endpoint, by the requests that fail on it.",
    ),
    "off",
  ),
  eject: z.prefault(
    field(
      offOr(
        mapping({
          failures: z.prefault(
            field(
              count(1, 100_000),
              "So many failures in a row take an endpoint out of use; or so many within the window, if they are also at least share of its requests there.",
            ),
            3,
          ),
          share: z.prefault(
            field(percent, "Failures in the window count only from this share of its requests on."),
            "50%",
          ),
          within: duration("Window in which failures and requests are counted.", "10s"),
          for: duration("How long an endpoint stays out; twice as long each time that its return fails.", "10s"),
          "for-max": duration("It stays out no longer than this.", "5m"),
          max: z.prefault(
            field(percent, "Share of the endpoints that may be out at once; one may in any case, if there are others."),
            "50%",
          ),
          probes: z.prefault(
            field(count(1, 1000), "Requests that are let through after that time, to see whether it is well again."),
            1,
          ),
          recovery: duration("Time in which its share grows back after good probes. 0s: at once.", "5s", { min: 0 }),
          status: z.prefault(
            field(
              badStatuses,
              "Responses with these statuses count as failures, beside those that never came. [ ]: no response does.",
              { unit: "status or list of them" },
            ),
            [500, 502, 503, 504],
          ),
        }),
      ),
      "Endpoints on which requests fail are left out for a while (outlier ejection, passive health checks). Failures that follow a request from endpoint to endpoint do not count.",
    ),
    {},
  ),
  breaker: z.prefault(
    field(
      offOr(
        mapping({
          failures: z.prefault(
            field(
              count(1, 100_000),
              "So many failures in a row open the breaker; or so many within the window, if they are also at least share of the attempts there.",
            ),
            5,
          ),
          share: z.prefault(
            field(percent, "Failures in the window count only from this share of the attempts on."),
            "50%",
          ),
          within: duration("Window in which failures and attempts are counted.", "10s"),
          for: duration("How long it stays open; twice as long each time that the probes fail.", "2s"),
          "for-max": duration("It stays open no longer than this.", "60s"),
          probes: z.prefault(
            field(
              count(1, 1000),
              "Requests that are let through after that time, to see whether the upstream is back.",
            ),
            2,
          ),
          recovery: duration("Time in which it lets more and more requests through after good probes. 0s: all.", "5s", {
            min: 0,
          }),
          on: z.prefault(
            field(
              z.enum(["unreachable", "any"]),
              "What counts: deadlines of the look-up, of connecting and of the TLS handshake (unreachable), or every failure of an attempt (any).",
            ),
            "unreachable",
          ),
        }),
      ),
      "Circuit breaker of the whole upstream: where it cannot be reached, requests fail at once instead of each waiting for its deadline.",
    ),
    {},
  ),
  hold: z.prefault(
    field(
      offOr(
        mapping({
          for: duration("How long a request waits for an endpoint to come back.", "5s"),
          requests: z.prefault(field(count(1, 1_000_000), "Requests that may wait at once, per worker."), 1000),
          bytes: size("Memory that waiting requests may take, per worker.", "64MiB"),
        }),
      ),
      "While every endpoint refuses connections, fails its checks or is set to down (a restart, a deploy), requests wait instead of failing. At a bound they get a 503 with Retry-After. off: they fail at once.",
    ),
    {},
  ),
};
