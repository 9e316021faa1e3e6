// Servers: who answers unknown names, TLS to visitors, logs.
import { argOf, argsOf, wordsOf } from "../../lower/scope.ts";
import type { Rule } from "../rule.ts";

/** The first one, whichever that is. */
export const noDefaultServer: Rule = {
  id: "no-default-server",
  about:
    "several named servers on a port and no `default_server`: unknown names are answered by the first in the order of files",
  *find({ servers, isKnown, http }) {
    if (!http || !isKnown(http)) return;
    const byPort = new Map<string, (typeof servers)[number][]>();
    for (const server of servers)
      for (const text of new Set(server.own("listen").map((each) => argOf(each).replace(/^\*:/, ""))))
        byPort.set(text, [...(byPort.get(text) ?? []), server]);
    for (const [port, there] of byPort) {
      const isChosen = there.some((server) =>
        server
          .own("listen")
          .some((each) => argOf(each).replace(/^\*:/, "") === port && /default/.test(argsOf(each, 1).join(" "))),
      );
      const names = (server: (typeof servers)[number]) => server.own("server_name").flatMap((each) => argsOf(each));
      const [first] = there;
      if (isChosen || there.length < 2 || !first || names(first).every((name) => /^(?:_|)$/.test(name))) continue;
      yield {
        directive: first.directive!,
        text: `requests for names that no server on ${port} has are answered here ("${names(first)[0]}"), because it is the first`,
        fix: `write a server with "listen ${port} default_server;" and "return 444;"`,
        note: true,
      };
    }
  },
};

/** Broken for ten years. */
export const tlsOld: Rule = {
  id: "tls-old",
  about: "`ssl_protocols` with SSLv3, TLSv1 or TLSv1.1",
  *find({ scopes }) {
    for (const scope of scopes)
      for (const directive of scope.own("ssl_protocols")) {
        const arg = directive.args.find(({ value }) => /^(?:SSLv[23]|TLSv1|TLSv1\.1)$/i.test(value));
        if (!arg) continue;
        const kept = wordsOf(scope, "ssl_protocols").filter((word) => /^tlsv1\.[23]$/.test(word));
        yield {
          directive,
          arg,
          text: `${arg.value} is broken (RFC 8996), and no browser speaks it any more`,
          fix: `write "ssl_protocols ${(kept.length > 0 ? kept : ["tlsv1.2", "tlsv1.3"]).map((word) => word.replace("tls", "TLS")).join(" ")};"`,
        };
      }
  },
};

/** The port of TLS, without it. */
export const plain443: Rule = {
  id: "plain-443",
  about: "`listen 443` without `ssl`",
  *find({ servers, isKnown }) {
    for (const server of servers) {
      const listen = server.own("listen").find((each) => /(?:^|:)443$/.test(argOf(each)));
      if (!listen || argsOf(listen, 1).some((word) => word === "ssl" || word === "quic") || !isKnown(server)) continue;
      const isElsewhere = servers.some((other) =>
        other.own("listen").some((each) => argOf(each) === argOf(listen) && argsOf(each, 1).includes("ssl")),
      );
      if (isElsewhere) continue;
      yield {
        directive: listen,
        text: "plain HTTP is spoken on port 443: browsers show a protocol error, and an https:// in front makes a 502 of it",
        fix: `write "listen ${argsOf(listen).join(" ")} ssl;"`,
        cause: "tls-plaintext-mismatch",
      };
    }
  },
};

/** A log named "off". */
export const errorLogOff: Rule = {
  id: "error-log-off",
  about: "`error_log off`, which writes to a file of that name",
  *find({ scopes, main }) {
    for (const scope of [main, ...scopes])
      for (const directive of scope.own("error_log")) {
        if (argOf(directive) !== "off") continue;
        yield {
          directive,
          arg: directive.args[0],
          text: 'this writes to a file named "off": errors of upstreams are told where nobody looks',
          fix: 'write "error_log /dev/null crit;" if nobody shall be told',
        };
      }
  },
};

/** One server for several hosts. */
export const hostsByIf: Rule = {
  id: "hosts-by-if",
  about: "several hosts in one server, told apart by `if ($host …)` and `set`",
  *find({ servers, inner }) {
    for (const server of servers) {
      const conditions = inner(server, "server if").filter(
        ({ directive, own }) => /^\(\$(?:http_)?host$/.test(argOf(directive ?? undefined)) && own("set").length > 0,
      );
      const [first, second] = conditions;
      if (!first || !second) continue;
      yield {
        directive: second.directive!,
        text: "hosts are told apart by if: a name that none of them has gets whatever was set before, which may be another host's",
        fix: 'write a server for each host, or "map $host $target { default …; }"',
        note: true,
      };
    }
  },
};
