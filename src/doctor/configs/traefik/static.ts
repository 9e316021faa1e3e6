// Traefik's static configuration: entry points, transports, what it does at a stop. From a file, or from options.
import { traefikTime } from "../durations.ts";
import { offAtZero, timers } from "../finding.ts";
import type { ConfiguredHop, ConfiguredTimer, Listen } from "../model.ts";
import { treeSpan } from "../spans.ts";
import { at, pairsOf, type Tree, textOf } from "../tree.ts";

/** Where it listens. */
export function entryPointsOf(root: Tree): readonly Listen[] {
  return pairsOf(at(root, "entryPoints")).flatMap(({ value }): readonly Listen[] => {
    const address = at(value, "address");
    const match = /^(\[[^\]]*\]|[^:]*):(\d+)(?:\/tcp)?$/.exec(textOf(address) ?? "");
    if (!match || !address) return [];
    const port = Number(match[2]);
    const tls = at(value, "http", "tls") !== undefined || port === 443;
    return [{ host: match[1] || "*", port, socket: null, tls, names: [], at: address.at }];
  });
}

/** Timers of entry points, of the transport of all services, and of a stop. */
export function staticTimers(root: Tree): readonly ConfiguredTimer[] {
  const points = pairsOf(at(root, "entryPoints")).flatMap(({ value }) => {
    const responding = at(value, "transport", "respondingTimeouts");
    const life = at(value, "transport", "lifeCycle");
    return [
      ...timer("client-idle", "respondingTimeouts.idleTimeout", at(responding, "idleTimeout")),
      ...timer("request", "respondingTimeouts.readTimeout", at(responding, "readTimeout")),
      ...timer("drain", "lifeCycle.graceTimeOut", at(life, "graceTimeOut")),
      ...timer("pre-stop", "lifeCycle.requestAcceptGraceTimeout", at(life, "requestAcceptGraceTimeout")),
    ];
  });
  return [...points, ...transportTimers(at(root, "serversTransport"))];
}

/** forwardingTimeouts of a transport. */
export function transportTimers(transport: Tree | undefined): readonly ConfiguredTimer[] {
  const forwarding = at(transport, "forwardingTimeouts");
  return [
    ...timer("connect", "forwardingTimeouts.dialTimeout", at(forwarding, "dialTimeout")),
    ...timer("response", "forwardingTimeouts.responseHeaderTimeout", at(forwarding, "responseHeaderTimeout")),
    ...timer("upstream-idle", "forwardingTimeouts.idleConnTimeout", at(forwarding, "idleConnTimeout")),
  ];
}

function timer(id: ConfiguredTimer["id"], setting: string, tree: Tree | undefined): ConfiguredTimer[] {
  return timers(id, setting, offAtZero(treeSpan(tree, traefikTime)), textOf(tree) ?? "", tree?.at);
}

/** Log files that it writes. */
export function logsOf(root: Tree): ConfiguredHop["logs"] {
  const row = (kind: "error" | "access", tree: Tree | undefined) => {
    const file = textOf(tree);
    return file === undefined || !tree ? [] : [{ kind, file, at: tree.at }];
  };
  return [...row("error", at(root, "log", "filePath")), ...row("access", at(root, "accessLog", "filePath"))];
}
