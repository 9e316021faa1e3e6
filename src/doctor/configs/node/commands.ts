// What an application server's command line says: where it listens and its timers. Known: gunicorn, uvicorn, fastapi,
// hypercorn, puma, flask, Django's runserver, next, php -S. A default is told as one, and only where no file of the
// program's own could have changed it (gunicorn.conf.py, puma.rb).
import type { Place } from "../../evidence.ts";
import type { SoftwareId } from "../../software.ts";
import type { TimerId } from "../../timeouts/model.ts";
import { timers } from "../finding.ts";
import type { ConfiguredTimer } from "../model.ts";
import type { AppListen } from "../platform.ts";
import { optionOf, portOf, programsOf } from "./command-words.ts";

export interface CommandSays {
  readonly software: SoftwareId;
  /** null = it does not say, and a file may. */
  readonly listen: AppListen | null;
  readonly timers: readonly ConfiguredTimer[];
  /** Set in a file of its own. */
  readonly timersUnknown?: readonly TimerId[];
}

type Environment = Readonly<Record<string, { readonly text: string | null }>>;

interface Said {
  readonly words: readonly string[];
  readonly env: Environment;
  readonly at: Place;
}

/** What the first known program of a command says; null = none is known. */
export function commandSays(words: readonly string[], env: Environment, at: Place): CommandSays | null {
  for (const program of programsOf(words)) {
    const name = (program[0] ?? "").replace(/^.*\//, "");
    const said = PROGRAMS[name]?.({ words: program, env, at });
    if (said) return said;
  }
  return null;
}

const PROGRAMS: Readonly<Record<string, (said: Said) => CommandSays | null>> = {
  gunicorn,
  uvicorn,
  hypercorn: (said) => bound(said, "app", optionOf(said.words, "-b", "--bind") ?? null, null),
  puma: (said) => bound(said, "puma", optionOf(said.words, "-b", "--bind")?.replace(/^tcp:\/\//, "") ?? null, null),
  fastapi: (said) => hosted(said, "uvicorn", said.words[1] === "dev" ? "127.0.0.1" : null, "8000"),
  flask: (said) => (said.words.includes("run") ? hosted(said, "app", "127.0.0.1", "5000", "FLASK_RUN_") : null),
  "manage.py": django,
  next,
  php: (said) => (optionOf(said.words, "-S") ? bound(said, "app", optionOf(said.words, "-S") ?? null, null) : null),
  node: () => ({ software: "node", listen: null, timers: [] }),
};

function gunicorn(said: Said): CommandSays {
  const { words, env, at } = said;
  const more = env["GUNICORN_CMD_ARGS"];
  // What the environment says is not known: it may bind as well.
  const all = more?.text ? [...more.text.split(/\s+/), ...words] : words;
  const bind = optionOf(all, "-b", "--bind") ?? null;
  const unix = bind?.startsWith("unix:") || bind?.startsWith("fd://");
  const says = bound({ ...said, words: all }, "gunicorn", unix ? null : bind, null, [
    ...seconds("worker", "--timeout", optionOf(all, "-t", "--timeout"), at),
    ...seconds("client-idle", "--keep-alive", optionOf(all, "--keep-alive"), at),
    ...seconds("drain", "--graceful-timeout", optionOf(all, "--graceful-timeout"), at),
  ]);
  const elsewhere = optionOf(all, "-c", "--config") !== undefined || more?.text === null;
  if (!elsewhere) return says;
  const unknown = (["worker", "client-idle", "drain"] as const).filter(
    (id) => !says.timers.some((each) => each.id === id),
  );
  return { ...says, timersUnknown: unknown };
}

function uvicorn(said: Said): CommandSays {
  const { words, at } = said;
  const held = [
    ...seconds("client-idle", "--timeout-keep-alive", optionOf(words, "--timeout-keep-alive"), at),
    ...seconds("drain", "--timeout-graceful-shutdown", optionOf(words, "--timeout-graceful-shutdown"), at),
  ];
  if (optionOf(words, "--uds", "--fd")) return { software: "uvicorn", listen: null, timers: held };
  return { ...hosted(said, "uvicorn", "127.0.0.1", "8000", "UVICORN_"), timers: held };
}

function next(said: Said): CommandSays | null {
  if (!["start", "dev"].includes(said.words[1] ?? "")) return null;
  const keep = optionOf(said.words, "--keepAliveTimeout");
  const value = /^\d+$/.test(keep ?? "") ? Number(keep) : undefined;
  const says = hosted(
    {
      ...said,
      words: said.words.map((word) =>
        word === "-H" || word === "--hostname" ? "--host" : word.replace(/^--hostname=/, "--host="),
      ),
    },
    "nextjs",
    null,
    said.env["PORT"]?.text ?? "3000",
  );
  return { ...says, timers: timers("client-idle", "--keepAliveTimeout", value, keep ?? "", said.at) };
}

function django(said: Said): CommandSays | null {
  const index = said.words.indexOf("runserver");
  if (index < 0) return null;
  const address = said.words.slice(index + 1).find((word) => !word.startsWith("-")) ?? "8000";
  return bound(said, "app", address.includes(":") ? address : `127.0.0.1:${address}`, null, [], !address.includes(":"));
}

/** A program with --host and --port. */
function hosted(said: Said, software: SoftwareId, byDefault: string | null, port: string, prefix = ""): CommandSays {
  const { words, env } = said;
  const own = prefix === "" ? undefined : env[`${prefix}HOST`];
  const host = optionOf(words, "--host") ?? (software === "app" ? optionOf(words, "-h") : undefined);
  const written = host ?? own?.text ?? null;
  const ownPort = prefix === "" ? null : env[`${prefix}PORT`]?.text;
  const wantedPort = optionOf(words, "--port", "-p") ?? ownPort ?? port;
  // A variable without a known value may be any address.
  if (host === undefined && own !== undefined && own.text === null) return { software, listen: null, timers: [] };
  return bound(
    said,
    software,
    `${bracketed(written ?? byDefault ?? "0.0.0.0")}:${wantedPort}`,
    null,
    [],
    written === null,
  );
}

function bracketed(host: string): string {
  return host.includes(":") && !host.startsWith("[") ? `[${host}]` : host;
}

function bound(
  { words, at }: Said,
  software: SoftwareId,
  address: string | null,
  port: number | null,
  held: readonly ConfiguredTimer[] = [],
  hostByDefault = false,
): CommandSays {
  const match = /^(\[[^\]]*\]|[^:]*)(?::(.+))?$/.exec(address ?? "");
  if (address === null || !match || /^\$/.test(match[1] ?? "")) return { software, listen: null, timers: held };
  const { port: number, variable } = portOf(match[2] ?? "");
  const host = (match[1] ?? "").replace(/^\[|\]$/g, "");
  const everywhere = host === "" || host === "0.0.0.0" || host === "::" || host === "*" || host === "0";
  const listen: AppListen = {
    software,
    host: everywhere ? null : host,
    port: number ?? port,
    portVariable: variable,
    hostVariable: null,
    hostByDefault,
    text: `${words[0] ?? ""} ${host === "" ? "*" : host}:${match[2] ?? ""}`,
    at,
  };
  return { software, listen, timers: held };
}

function seconds(id: ConfiguredTimer["id"], setting: string, text: string | undefined, at: Place): ConfiguredTimer[] {
  const value = text !== undefined && /^\d+$/.test(text) ? Number(text) * 1000 : undefined;
  return timers(id, setting, value === 0 && id === "worker" ? null : value, text ?? "", at);
}
