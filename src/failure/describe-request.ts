// What is said of failures before an upstream is dialled: the client's request, the configuration, the gateway.
import { code, type Description, objection, type Subject, setting, size, upstreamSetting, within } from "./words.ts";

const limitOf = ({ seen }: Subject): string =>
  seen.limit === undefined
    ? "a limit"
    : `the limit of the ${seen.limit}${seen.limitBytes === undefined ? "" : ` (${size(seen.limitBytes)})`}`;

const LIMIT_SETTINGS: Readonly<Record<string, string>> = {
  "start line": "client.limits.line",
  head: "client.limits.head",
  "number of fields": "client.limits.fields",
  "trailer section": "client.limits.head",
  "request body": "client.limits.body",
};

/** Phases client, config and gateway. */
export const REQUEST_DESCRIPTIONS = {
  "client-closed-request": {
    plain: "The client closed the connection before the response was complete.",
    exact: ({ seen }) =>
      seen.deadline === "client-send"
        ? `The client took no byte of the response${within(seen)}; its connection was closed.`
        : `The client closed the connection before the response was complete${seen.bytesSent ? `; ${size(seen.bytesSent)} had gone out` : ""}.`,
    fix: (subject) =>
      subject.seen.deadline === "client-send"
        ? `The reader is too slow or gone: ${setting(subject, "client-send")} says how long it is waited for. Nothing is wrong behind the gateway.`
        : "Compare the duration with the timeout of whoever called (a browser, a CDN, a balancer). If requests of this route are slow, the slow upstream is what to look at; else there is nothing to mend.",
  },
  "client-request-invalid": {
    plain: "The request is malformed or asks for something that is not supported.",
    exact: ({ seen }) => `The client's request cannot be accepted${objection(seen)}.`,
    fix: ({ failure }) =>
      failure.status === 405
        ? "Use a method that is served here."
        : "Mend the client that sent it. If every request fails so, something in between speaks TLS, HTTP/2 or the PROXY protocol to a plain HTTP/1.1 port.",
  },
  "client-request-too-large": {
    plain: "The request is larger than is accepted here.",
    exact: (subject) => `The client's request is over ${limitOf(subject)}${objection(subject.seen)}.`,
    fix: ({ seen, failure }) => {
      const key = LIMIT_SETTINGS[seen.limit ?? ""] ?? "client.limits";
      return failure.status === 431
        ? `Mostly cookies that have grown: delete them, or make the application set fewer. If such requests are to pass, raise ${key}, and the limit of the application too.`
        : `If requests of this size are to pass, raise ${key} (or the limit of the route), and the limit of the application too.`;
    },
  },
  "client-timeout": {
    plain: "The request did not arrive completely in time.",
    exact: ({ seen }) =>
      `The client did not send ${seen.deadline === "client-body" ? "more of its body" : "the whole head of its request"}${within(seen)}.`,
    fix: (subject) =>
      `The client or its network is too slow, or it holds connections open on purpose. If honest clients meet it, raise ${setting(subject, "client-head")}.`,
  },
  "request-denied": {
    plain: "The request is not allowed here.",
    exact: ({ seen }) => `The gateway denied the request${objection(seen)}.`,
    fix: () => "If the request is to pass, change the rule that denied it; the client cannot.",
  },
  "rate-limited": {
    plain: "Too many requests came in a short time.",
    exact: ({ seen }) => `The gateway limited the rate of requests${objection(seen)}.`,
    fix: () =>
      "Send fewer requests, or wait as Retry-After says. If all clients share one limit, the gateway takes the address of a proxy before it for theirs: list that proxy under trust.",
  },
  "gateway-config-invalid": {
    plain: "The gateway's configuration cannot work for this request.",
    exact: ({ seen, context }) =>
      `The configuration cannot work${context.route ? ` on route "${context.route}"` : ""}${objection(seen)}${code(seen)}.`,
    fix: () => "Run `goodgate check` on the configuration, mend what it names, and reload.",
  },
  "route-not-found": {
    plain: "There is nothing at this address.",
    exact: ({ context }) => `No route fits ${context.host ? `host "${context.host}"` : "this host"} and this path.`,
    fix: () =>
      "Compare the host and the path of the request with the hosts and paths under routes. A route without hosts and with the path / takes what no other takes.",
  },
  "gateway-internal-error": {
    plain: "The gateway itself failed.",
    exact: ({ seen }) => `The gateway itself failed${code(seen)}${objection(seen)}.`,
    fix: () =>
      "This is a fault of the gateway, not of the application: its log has the stack at this moment. Please report it with the request id.",
  },
  "gateway-resource-exhausted": {
    plain: "The gateway has run out of a resource.",
    exact: ({ seen, app }) =>
      seen.errno === "EADDRNOTAVAIL"
        ? `No local port is free for a connection to ${app} (EADDRNOTAVAIL).`
        : `The gateway is out of file descriptors or memory${code(seen)}.`,
    fix: (subject) =>
      subject.seen.errno === "EADDRNOTAVAIL"
        ? `Keep more connections open (${upstreamSetting(subject, "keepalive.connections")}) instead of opening one for each request; \`ss -tan state time-wait | wc -l\` shows the ports that are used up.`
        : "Compare `ls /proc/PID/fd | wc -l` with the limit in /proc/PID/limits, and raise it (LimitNOFILE= in systemd, `ulimit -n`). Then find what holds the connections open.",
  },
  "proxy-loop": {
    plain: "The request came back to the gateway that had sent it.",
    exact: ({ seen }) => `The request has passed this gateway already${objection(seen)}.`,
    fix: ({ upstream }) =>
      `An address of ${upstream}, or a proxy behind it, leads back here (often a DNS name that points at the gateway or the CDN). Point it at the application itself. Two gateways in a row need different names.`,
  },
} as const satisfies Record<string, Description>;
