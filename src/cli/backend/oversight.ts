// What watches over a gateway beside its traffic, as one thing: the keeper with its store, and the console before them.
// It opens once the gateway serves, and what fails here costs incidents or the console, never the traffic.
import { hostname } from "node:os";
import { formatAddress } from "../../config/address.ts";
import type { Address, Config, Problem } from "../../config/config.ts";
import type { ActionResult, DemoBackend } from "../../console/model.ts";
import type { ConsoleServer } from "../../console/options.ts";
import { log } from "../../std/log.ts";
import type { Ms } from "../../std/units.ts";
import type { GatewayInfo, StoreTarget } from "../../store/model.ts";
import { openStore } from "../../store/store.ts";
import type { Loaded } from "../load.ts";
import { type ConsoleHandlers, openConsole } from "../serve.ts";
import type { Language } from "../target.ts";
import { version } from "../version.ts";
import { ProgramBackend } from "./backend.ts";
import { type CommandLine, RunningConfig } from "./config-view.ts";
import { dataFolder, gatewayId } from "./identity.ts";
import { Keeper } from "./keeper.ts";
import { isWatched } from "./setting.ts";
import type { Source } from "./source.ts";

/** What it watches over, and how it was told to. */
export interface Watched {
  readonly config: Config;
  readonly problems: readonly Problem[];
  readonly file: string | null;
  /** What a file would say, where there is none. */
  readonly text?: string;
  /** What --as says; missing = the file tells. */
  readonly language?: Language;
  readonly commandLine: CommandLine;
  /** --data. */
  readonly data: string | undefined;
  readonly load: () => Promise<Loaded>;
  readonly source: Source;
  readonly handlers: ConsoleHandlers;
  readonly ports: () => readonly number[];
  readonly reload: () => Promise<ActionResult>;
  readonly demo?: DemoBackend;
}

/** Console and keeper of a gateway at work. */
export class Oversight {
  readonly #watched: Watched;
  readonly #keeper: Keeper | null;
  readonly #running: RunningConfig;
  readonly #console: ConsoleServer | null;

  private constructor(watched: Watched, keeper: Keeper | null, running: RunningConfig, console: ConsoleServer | null) {
    this.#watched = watched;
    this.#keeper = keeper;
    this.#running = running;
    this.#console = console;
  }

  static async open(watched: Watched): Promise<Oversight> {
    const { config, file, commandLine, load, source, handlers, problems } = watched;
    const running = new RunningConfig(file, commandLine, load, watched.text ?? null, watched.language ?? null);
    running.taken(problems, Date.now());
    const keeper = isWatched(config) ? await openKeeper(watched, () => running.language) : null;
    const backend =
      keeper &&
      new ProgramBackend({
        keeper,
        source,
        running,
        ready: async () => handlers.ready(),
        ports: watched.ports,
        reload: watched.reload,
        demo: watched.demo ?? null,
      });
    const metrics = async (): Promise<string> =>
      (await handlers.metrics()) + (keeper?.metrics.renderRegistered() ?? "");
    const console = await openConsole(config, { ...handlers, metrics, ...(backend && { backend }) });
    return new Oversight(watched, keeper, running, console);
  }

  /** Where the console listens; null = there is none. */
  get consoleAddress(): Address | null {
    return this.#console?.address ?? null;
  }

  /** The console as people open it; null = there is none. */
  get consoleUrl(): string | null {
    const address = this.consoleAddress;
    if (address === null) return null;
    const tls = this.#watched.config.observability.console.tls !== null;
    return `${tls ? "https" : "http"}://${formatAddress(address)}`;
  }

  /** Another configuration was taken on, or was not. */
  reloaded(config: Config | null, problems: readonly Problem[]): void {
    const { file } = this.#watched;
    const name = file ?? "the configuration";
    if (config === null) {
      this.#keeper?.mark("reload-refused", `reload: ${name} was not taken on; the one before stays in force`);
      return;
    }
    this.#running.taken(problems, Date.now());
    this.#keeper?.reloaded(config, `reload: ${name} taken on`);
    try {
      this.#console?.renewCertificate();
    } catch (error) {
      log.error(`the console's certificate stays as it was: ${(error as Error).message}`);
    }
  }

  /** Writes what waits; takes at most some seconds. */
  async close(): Promise<void> {
    await this.#console?.close();
    await this.#keeper?.close();
  }
}

/** So long a start waits for a PostgreSQL. */
const REMOTE_MS: Ms = 1_500;

async function openKeeper({ config, file, data, source }: Watched, language: () => Language): Promise<Keeper | null> {
  const { store: settings, data: configured } = config.observability;
  const at: Ms = Date.now();
  const gateway: GatewayInfo = {
    id: gatewayId(config),
    name: config.name,
    host: hostname(),
    version,
    startedAt: Math.round(at - process.uptime() * 1000),
    seenAt: at,
  };
  const target: StoreTarget =
    settings!.target.kind === "sqlite" ? { kind: "sqlite", folder: dataFolder(data, configured) } : settings!.target;
  try {
    const keep = { forMs: settings!.forMs, bytes: settings!.bytes };
    // Another machine may be away: nobody who waits for this process to be ready waits for that.
    const store = await openStore({ target, gateway, keep }, target.kind === "postgres" ? { openMs: REMOTE_MS } : {});
    return await Keeper.open({ config, file, language, gateway, source, store });
  } catch (error) {
    log.error(`no incidents: ${(error as Error).message}`);
    return null;
  }
}
