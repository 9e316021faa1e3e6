// Groups of upstreams: idle connections that are reused, servers that are taken out, servers that never answer.
import { argOf, msOf, numberOf, type Scope } from "../../lower/scope.ts";
import { parseNumber, parseTime } from "../../units.ts";
import { sentHeader, serversOf, usersOf, valuesOf, variablesIn } from "../proxies.ts";
import type { Found, Rule } from "../rule.ts";
import { countOf, seconds, written } from "../words.ts";

/** How long well-known servers keep an idle connection, by words in names of groups, hosts and sockets. */
const APPS: readonly (readonly [words: RegExp, name: string, seconds: number])[] = [
  [/gunicorn/, "gunicorn", 2],
  [/uvicorn|fastapi/, "uvicorn", 5],
  [/node-?_?js|node[-_]?app|express|next-?_?js|nest-?_?js/, "Node", 5],
  [/apache|httpd/, "Apache", 5],
  [/jetty/, "Jetty", 30],
];

const DEFAULT_IDLE_MS = 60_000;

/** How long this group's idle connections are used; 0 = they are not kept. */
function idleMsOf(group: Scope): number {
  const keepalive = group.own("keepalive")[0];
  if (keepalive && parseNumber(argOf(keepalive)) === 0) return 0;
  return parseTime(argOf(group.own("keepalive_timeout")[0])) ?? DEFAULT_IDLE_MS;
}

/** Reused for longer than the application keeps them. */
export const keepaliveRace: Rule = {
  id: "keepalive-race",
  about: "idle connections to a group are reused for longer than its application (known by its name) keeps them",
  *find({ groups }) {
    for (const [name, group] of groups) {
      const idleMs = idleMsOf(group);
      const at = group.own("keepalive_timeout")[0] ?? group.own("keepalive")[0] ?? group.directive;
      if (idleMs === 0 || !at) continue;
      const words = [name, ...serversOf(group).map(({ url }) => url.text)].join(" ").toLowerCase();
      const app = APPS.find(([pattern]) => pattern.test(words));
      if (idleMs < (app?.[2] ?? 5) * 1000) continue;
      const own = app ? Math.max(1, app[2] - 1) : 4;
      const fix = `give the application more than ${seconds(idleMs)}, or write "keepalive_timeout ${own}s;" in this group`;
      if (app)
        yield {
          directive: at,
          text: `idle connections are reused for ${seconds(idleMs)}, and ${app[1]} closes them after ${app[2]} s: a request that meets the close is a 502`,
          fix,
          cause: "keepalive-race",
        };
      else if (group.own("keepalive")[0])
        yield {
          directive: at,
          text: `idle connections are reused for ${seconds(idleMs)}: an application that closes them earlier (Node and Apache after 5 s, gunicorn after 2 s) makes a 502 of a request that meets the close`,
          fix,
          cause: "keepalive-race",
          note: true,
        };
    }
  },
};

/** Kept by the group, and closed by what is sent. */
export const keepaliveUnused: Rule = {
  id: "keepalive-unused",
  about: "`keepalive` without HTTP/1.1 and an empty Connection, so that no connection is reused",
  *find({ groups, proxies, isKnown }) {
    for (const [name, group] of groups) {
      const keepalive = group.own("keepalive")[0];
      if (!keepalive || !parseNumber(argOf(keepalive))) continue;
      for (const { scope, directive } of usersOf(proxies, group)) {
        const why = whyUnused(scope, isKnown(scope));
        if (why === null) continue;
        yield {
          directive,
          text: `the ${argOf(keepalive)} connections that "${name}" keeps are not used from here: ${why}. Every request opens a new one, until ports run out`,
          fix: 'write "proxy_http_version 1.1;" and "proxy_set_header Connection \'\';" beside it',
          cause: "gateway-resource-exhausted",
        };
      }
    }
  },
};

function whyUnused(scope: Scope, isKnown: boolean): string | null {
  const version = scope.last("proxy_http_version");
  const connection = sentHeader(scope, "Connection");
  if (version && argOf(version) === "1.0") return '"proxy_http_version 1.0" has no kept connections';
  if (connection !== undefined && connection.toLowerCase() === "close") return 'it sends "Connection: close"';
  if (!isKnown) return null;
  const missing = [
    ...(version ? [] : ["HTTP/1.1"]),
    ...(connection === undefined && !isUpgradeMap(scope) ? ["an empty Connection"] : []),
  ];
  return missing.length === 0 ? null : `before nginx 1.29.7 ${missing.join(" and ")} must be asked for`;
}

/** Connection is a variable of a map that is "upgrade" for some and empty or close for others. */
function isUpgradeMap(scope: Scope): boolean {
  const [variable, ...more] = variablesIn(sentHeader(scope, "Connection") ?? "");
  if (variable === undefined || more.length > 0) return false;
  return (valuesOf(scope, variable) ?? []).some((value) => value.toLowerCase() === "upgrade");
}

/** A map that closes connections of what is no upgrade. */
export const upgradeMapCloses: Rule = {
  id: "upgrade-map-closes",
  about: 'a `map $http_upgrade …` that says "close" for ordinary requests to a group with `keepalive`',
  *find({ groups, proxies, http }) {
    for (const group of groups.values()) {
      const keepalive = group.own("keepalive")[0];
      if (!keepalive || !parseNumber(argOf(keepalive))) continue;
      for (const { scope } of usersOf(proxies, group)) {
        const [variable] = variablesIn(sentHeader(scope, "Connection") ?? "");
        const map = http?.own("map").find((each) => argOf(each, 1) === `$${variable}`);
        const line = map?.block?.directives.find(({ name, args }) => name === "" && args[0]?.value === "close");
        if (line)
          yield {
            directive: line,
            text: `ordinary requests say "Connection: close" to the upstream, so the ${argOf(keepalive)} connections that are kept for it are never used`,
            fix: `write "'' '';" here`,
            cause: "gateway-resource-exhausted",
          };
      }
    }
  },
};

/** A dead server gets its share of the requests. */
export const maxFailsZero: Rule = {
  id: "max-fails-zero",
  about: "`max_fails=0` in a group of several servers, and a long `proxy_connect_timeout`",
  *find({ groups, proxies, isKnown }) {
    for (const [name, group] of groups) {
      const servers = serversOf(group).filter(({ isDown, isBackup }) => !isDown && !isBackup);
      const never = servers.find(({ maxFails }) => maxFails === "0");
      if (servers.length < 2 || !never) continue;
      for (const { scope } of usersOf(proxies, group)) {
        const connectMs = msOf(scope, "proxy_connect_timeout", 60_000);
        if (connectMs <= 5000 || (!isKnown(scope) && !scope.last("proxy_connect_timeout"))) continue;
        yield {
          directive: never.directive,
          arg: never.directive.args.find(({ value }) => value === "max_fails=0"),
          text: `this server is never taken out: when its machine is gone, every request that it gets waits ${seconds(connectMs)} before the next of "${name}" is tried`,
          fix: 'take "max_fails=0" away, or write "proxy_connect_timeout 2s;"',
          cause: "connect-timeout",
        };
        break;
      }
    }
  },
};

/** Words that mean nothing where there is one server. */
export const oneServer: Rule = {
  id: "one-server",
  about:
    "`max_fails`, `fail_timeout` or `proxy_next_upstream` where there is only one server, which is never taken out and never tried again",
  *find({ groups, proxies }) {
    for (const [name, group] of groups) {
      const servers = serversOf(group);
      const [only] = servers;
      if (servers.length !== 1 || !only || group.own("server").length !== 1) continue;
      // A name can stand for several addresses; "=0" asks for what holds.
      const several = only.url.isName;
      const arg = only.directive.args.find(({ value }) => /^(?:max_fails|fail_timeout)=(?!0s?$)/.test(value));
      if (arg && !several)
        yield {
          directive: only.directive,
          arg,
          text: `"${arg.value}" has no effect: "${name}" has one server, which is never taken out, and no request is tried again`,
          fix: "add a second server, or take it away",
          cause: "connect-refused",
        };
      for (const { scope } of usersOf(proxies, group)) {
        const next = scope.last("proxy_next_upstream");
        if (next && !several && scope.own("proxy_next_upstream").length > 0 && argOf(next) !== "off")
          yield {
            directive: next,
            text: `no request is tried again: "${name}" has one server`,
            fix: "add a second server to the group",
            cause: "closed-before-response",
          };
      }
      yield { ...oneServerNote(name, only.directive), note: true };
    }
  },
};

function oneServerNote(name: string, directive: Found["directive"]): Found {
  return {
    directive,
    text: `"${name}" has one server: each refused or closed connection, as in every restart, is a 502`,
    fix: "a second server takes over where there is one",
    cause: "connect-refused",
  };
}

/** Nobody is left. */
export const serversDown: Rule = {
  id: "servers-down",
  about: "a group in which every server is `down`",
  *find({ groups, proxies }) {
    for (const [name, group] of groups) {
      const servers = serversOf(group);
      if (servers.length === 0 || !servers.every(({ isDown }) => isDown) || usersOf(proxies, group).length === 0)
        continue;
      yield {
        directive: servers[0]!.directive,
        arg: servers[0]!.directive.args.find(({ value }) => value === "down"),
        text: `every server of "${name}" is down: each request to it is a 502 ("no live upstreams")`,
        fix: 'take "down" from one of them',
        cause: "no-healthy-upstream",
      };
    }
  },
};

/** Errors of single requests take servers out. */
export const statusTakesServersOut: Rule = {
  id: "status-takes-servers-out",
  about:
    "`proxy_next_upstream http_500` (502, 503, 504, 429) with the default `max_fails=1`: one bad page takes a whole group out",
  *find({ groups, proxies }) {
    for (const [name, group] of groups) {
      const servers = serversOf(group).filter(({ isDown }) => !isDown);
      if (servers.length < 2 || servers.some(({ maxFails }) => maxFails !== undefined && maxFails !== "1")) continue;
      for (const { scope } of usersOf(proxies, group)) {
        const next = scope.last("proxy_next_upstream");
        const arg = next?.args.find(({ value }) => /^http_(?:500|429)$/.test(value));
        if (!next || !arg) continue;
        yield {
          directive: next,
          arg,
          text: `one request that fails with ${arg.value.slice(5)} everywhere takes all ${countOf(servers.length, "server")} of "${name}" out for 10 s: everybody else gets 502 ("no live upstreams")`,
          fix: `take ${arg.value} away, or give the servers "max_fails=10"`,
          cause: "no-healthy-upstream",
        };
      }
    }
  },
};

/** Idle connections use up what a worker may have open. */
export const idleConnections: Rule = {
  id: "idle-connections",
  about: "groups that keep as many idle connections as `worker_connections` allows",
  *find({ main, groups, isKnown }) {
    const events = main.own("events")[0];
    const allowed = events?.block?.directives.find(({ name }) => name === "worker_connections");
    const limit = parseNumber(argOf(allowed)) ?? 512;
    const kept = [...groups.values()].flatMap((group) => group.own("keepalive"));
    const sum = kept.reduce((all, each) => all + (parseNumber(argOf(each)) ?? 0), 0);
    const largest = kept.toSorted((a, b) => Number(argOf(b)) - Number(argOf(a)))[0];
    if (!largest || !isKnown(main) || sum < limit) return;
    yield {
      directive: largest,
      arg: largest.args[0],
      text: `${sum} idle connections may be kept, and a worker may have ${limit} open in all (worker_connections): under load, requests get 500`,
      fix: `write "worker_connections ${Math.max(1024, sum * 4)};" in events, or keep fewer`,
      cause: "gateway-resource-exhausted",
    };
  },
};

/** Fewer files than connections. */
export const fewFiles: Rule = {
  id: "few-files",
  about: "`worker_rlimit_nofile` below `worker_connections`",
  *find({ main }) {
    const limit = main.own("worker_rlimit_nofile")[0];
    const files = numberOf(main, "worker_rlimit_nofile", Number.POSITIVE_INFINITY);
    const allowed = main.own("events")[0]?.block?.directives.find(({ name }) => name === "worker_connections");
    const connections = parseNumber(argOf(allowed));
    if (!limit || !allowed || connections === undefined || files >= connections) return;
    yield {
      directive: limit,
      arg: limit.args[0],
      text: `a worker may open ${files} files, and "${written(allowed)}" promises more: under load accept() and connect() fail ("Too many open files")`,
      fix: `write "worker_rlimit_nofile ${connections * 2};": a request that is passed on needs two`,
      cause: "gateway-resource-exhausted",
    };
  },
};

/** One failed request, and ten seconds without the server. */
export const oneFailureOut: Rule = {
  id: "one-failure-takes-out",
  about: "a group of several servers with the default `max_fails=1`: one failed request takes a server out for 10 s",
  *find({ groups, proxies }) {
    for (const [name, group] of groups) {
      const servers = serversOf(group).filter(({ isDown }) => !isDown);
      if (
        servers.length < 2 ||
        servers.some(({ maxFails }) => maxFails !== undefined) ||
        usersOf(proxies, group).length === 0
      )
        continue;
      yield {
        directive: group.directive!,
        text: `one request that fails takes a server out for 10 s, in each worker by itself; when all ${servers.length} of "${name}" are out, every request is a 502 ("no live upstreams")`,
        fix: `write "zone ${name} 64k;", and "max_fails=3" where single failures are common`,
        cause: "no-healthy-upstream",
        note: true,
      };
    }
  },
};
