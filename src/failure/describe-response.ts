// What is said of failures once a request is with the upstream: no answer, a broken answer, and what is known of the
// application only from outside the exchange.
import type { Evidence } from "./failure.ts";
import {
  after,
  beginning,
  code,
  type Description,
  ended,
  objection,
  setting,
  size,
  span,
  upstreamSetting,
  within,
} from "./words.ts";

/** Phases write, response-head, response-body, upgrade and upstream. */
export const RESPONSE_DESCRIPTIONS = {
  "upstream-write-failed": {
    plain: "The application stopped taking the request.",
    exact: ({ seen, app }) => {
      const sent = seen.bytesSent === undefined ? "" : `, ${size(seen.bytesSent)} sent`;
      return seen.deadline === "send"
        ? `${app} took no more of the request${within(seen)}${sent}.`
        : `${app} ${ended(seen)} the connection while the request was being sent${code(seen)}${sent}.`;
    },
    fix: (subject) =>
      subject.seen.deadline === "send"
        ? `The application does not read: it hangs, or it works on the first part before it reads the rest. The timer that fired is ${setting(subject, "send")}.`
        : "Mostly a limit on the size of a body in the application, which closes instead of answering 413; else it crashed. Its log of that second says which.",
  },
  "keepalive-race": {
    plain: "The application had just closed the connection that was being used.",
    exact: ({ seen, app }) =>
      `${app} ${ended(seen)} a kept connection ${seen.waitedMs === undefined ? "at once" : span(seen.waitedMs)} after the request went out, without a byte of a response; it had been idle for ${span(seen.idleMs ?? 0)} and had carried ${seen.connectionUses ?? 0} request${seen.connectionUses === 1 ? "" : "s"} before${code(seen)}.`,
    fix: (subject) =>
      `${learnt(subject.seen)}Set ${upstreamSetting(subject, "keepalive.idle")} below the time for which the application keeps idle connections, or raise that time in the application (Node: server.keepAliveTimeout, 5 s by default; gunicorn: --keep-alive, 2 s; uvicorn: --timeout-keep-alive, 5 s). The one that sends requests must be the first to close.`,
  },
  "protocol-mismatch": {
    plain: "The application speaks another protocol than the gateway expects.",
    exact: ({ seen, app }) => `${app} does not answer in HTTP/1.1${objection(seen)}.${beginning(seen)}`,
    fix: () =>
      "Another kind of server listens there, or another protocol of the same one: a database, FastCGI or uwsgi, HTTP/2 or gRPC alone, a server that expects the PROXY protocol. Use the port that serves HTTP/1.1.",
  },
  "closed-before-response": {
    plain: "The application ended the connection without an answer.",
    exact: ({ seen, app }) =>
      (seen.bytesReceived ?? 0) > 0
        ? `${app} ${ended(seen)} the connection in the middle of a response head, ${size(seen.bytesReceived!)} received${code(seen)}${after(seen)}.`
        : `${app} ${ended(seen)} the connection without a byte of a response${code(seen)}${after(seen)}.`,
    fix: () =>
      "Look at the application's log of that second: an exception that ends the process, a restart or a deploy, a supervisor that killed the worker, the kernel that was out of memory. If it is only ever the first request after a pause, see keepalive-race.",
  },
  "response-timeout": {
    plain: "The application took too long to answer.",
    exact: ({ seen, app }) => `${app} sent no response head${within(seen)} of the whole request.`,
    fix: (subject) =>
      `Find what the application was doing: a slow query, a lock, a call to another service, all workers busy. If such answers are honestly this slow, the timer that fired is ${setting(subject, "head")}; every timer before it (client, CDN, balancer) must be longer still.`,
  },
  "response-header-too-large": {
    plain: "The application's answer has headers that are too large.",
    exact: ({ seen, app }) =>
      `The ${seen.limit ?? "head"} of the response of ${app} is over the limit${seen.limitBytes === undefined ? "" : ` of ${size(seen.limitBytes)}`}${objection(seen)}.`,
    fix: (subject) =>
      `Mostly cookies or a Content-Security-Policy that have grown: see the sizes with \`curl -sD - -o /dev/null\` straight at the application. If they must be so large, raise ${upstreamSetting(subject, "limits.head")}.`,
  },
  "response-malformed": {
    plain: "The application's answer is not valid HTTP.",
    exact: ({ seen, app }) => `The response of ${app} violates HTTP${objection(seen)}.${beginning(seen)}`,
    fix: () =>
      "The application or a library of it writes the response wrongly: look at the bytes with `curl --raw -i` straight at it, and mend the field or line that is named.",
  },
  "response-truncated": {
    plain: "The application's answer ended too early.",
    exact: ({ seen, app, failure }) =>
      failure.phase === "upgrade"
        ? `${app} ${ended(seen)} the upgraded connection${code(seen)}.`
        : `${app} ${ended(seen)} the connection before its response was complete, ${size(seen.bytesReceived ?? 0)} received${objection(seen)}${code(seen)}.`,
    fix: () =>
      "The application broke off while it was answering: its log of that second has an exception, a restart or a killed worker. A Content-Length that is larger than the body looks the same on every request.",
  },
  "response-body-timeout": {
    plain: "The application's answer stalled.",
    exact: ({ seen, app }) =>
      seen.deadline === "tunnel-idle"
        ? `No byte passed the upgraded connection to ${app}${within(seen)}.`
        : `${app} sent no more of its response${within(seen)}, ${size(seen.bytesReceived ?? 0)} received.`,
    fix: (subject) =>
      subject.seen.deadline === "tunnel-idle"
        ? `Let one side send a ping now and then (WebSocket: every 30 s is usual). The timer that fired is ${setting(subject, "tunnel-idle")}.`
        : `If the response is a stream (server-sent events, long polling), let the application send a heartbeat; else find where it stalls. The timer that fired is ${setting(subject, "idle-body")}.`,
  },
  "response-too-large": {
    plain: "The application's answer is larger than is allowed.",
    exact: ({ seen, app }) =>
      `The response body of ${app} is over the limit${seen.limitBytes === undefined ? "" : ` of ${size(seen.limitBytes)}`}${objection(seen)}.`,
    fix: (subject) =>
      `Let the application send less (pages, a file elsewhere), or raise ${upstreamSetting(subject, "limits.body")}.`,
  },
  "response-encoding-invalid": {
    plain: "The application's answer is wrongly encoded.",
    exact: ({ seen, app }) => `The transfer coding of the response of ${app} is broken${objection(seen)}.`,
    fix: () =>
      "The application sets Transfer-Encoding itself, writes chunks wrongly, or sends Content-Length beside it: look with `curl --raw -i` straight at it. The HTTP library should do the framing alone.",
  },
  "upgrade-failed": {
    plain: "The connection could not be switched to the protocol that was asked for.",
    exact: ({ seen, app }) =>
      seen.closedBy
        ? `${app} ${ended(seen)} the connection instead of upgrading it${code(seen)}.`
        : `${app} did not upgrade the connection${objection(seen)}.`,
    fix: () =>
      "Make the same handshake straight at the application. If it works there, the route may not pass upgrades (upgrade: true) or a proxy before this one drops the Upgrade field.",
  },
  "app-crashed": {
    plain: "The application stopped.",
    exact: ({ seen, app }) => `The application at ${app} died or cannot start${objection(seen)}.`,
    fix: () =>
      "Read the last lines of its log before the exit and the exit code (`systemctl status`, `docker ps -a`, `kubectl describe pod`); mend the exception, or the missing setting that stops it at start.",
  },
  "oom-killed": {
    plain: "The application ran out of memory.",
    exact: ({ seen, app }) => `The application at ${app} was killed for its use of memory${objection(seen)}.`,
    fix: () =>
      "See the memory before the kill (`dmesg`, the container's events). Find the leak or the large request; raise the limit only if what it uses is what it needs.",
  },
  "worker-timeout": {
    plain: "The application gave up on a slow request.",
    exact: ({ seen, app }) => `A supervisor at ${app} killed a worker that was too slow${objection(seen)}.`,
    fix: () =>
      "Find what makes that request slow, and move long work out of it. The worker's limit (gunicorn --timeout, request_terminate_timeout, harakiri) should be longer than honest work takes and shorter than the gateway waits.",
  },
  "upstream-saturated": {
    plain: "The application has more requests than it can take.",
    exact: ({ seen, app }) => `The queue of new connections of ${app} is full${code(seen)}.`,
    fix: () =>
      "It takes connections more slowly than they come: more workers, faster answers, or a longer backlog (net.core.somaxconn and the application's own) if the peaks are short.",
  },
  "upstream-not-ready": {
    plain: "The application is starting.",
    exact: ({ seen, app }) => `The application at ${app} is starting, stopping or failing its probe${objection(seen)}.`,
    fix: () =>
      "Send it requests only once its readiness probe passes, and let it go on serving for a moment after SIGTERM, until the gateway has let go of it.",
  },
  "upstream-error-passthrough": {
    plain: "The application itself answered with an error.",
    exact: ({ app, failure }) => `${app} itself answered ${failure.status}; the answer was passed on as it is.`,
    fix: () =>
      "The error is the application's own (or of a proxy behind this one): its log at that moment has it. The gateway has nothing to mend.",
  },
} as const satisfies Record<string, Description>;

/** What is known of the upstream's idle timer. */
function learnt({ keepAliveLearntMs, keepAliveHintMs }: Evidence): string {
  const ms = keepAliveLearntMs ?? keepAliveHintMs;
  return ms
    ? `The application keeps idle connections for ${span(ms)}, as it ${ms === keepAliveHintMs ? "says" : "has shown"}. `
    : "";
}
