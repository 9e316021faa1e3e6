// Commands that ask a running gateway: the console's API (console/model.ts) over HTTP, as any program would. The address
// is --console, else GOODGATE_CONSOLE, else the standard one; the token comes from GOODGATE_CONSOLE_TOKEN (or the one that
// may only look). Where nobody listens and where somebody refuses are two things: the first may be answered otherwise.
import { type ClientRequest, type IncomingMessage, request as plainRequest } from "node:http";
import { request as tlsRequest } from "node:https";
import { formatAddress, isProblem, parseAddress } from "../config/address.ts";
import type { Address } from "../config/config.ts";
import { printable } from "../wire/printable.ts";

const STANDARD = "127.0.0.1:8502";
const API = "/api/v1";
const WITHIN_MS = 15_000;
/** A replay waits for the endpoint's own timeouts. */
const SLOW_WITHIN_MS = 75_000;
/** A stream of events says something every 15 s. */
const SILENCE_MS = 45_000;
const ANSWER_BYTES_MAX = 64 * 1024 * 1024;

/** Where the console is, as it is asked. */
export interface ConsolePlace {
  readonly url: string;
  readonly tls: boolean;
  readonly address: Address;
}

/** Why a console gave no answer. */
export class ConsoleProblem extends Error {
  /** away = nobody listens there; refused = it answered, and not what was asked for; status of that. */
  readonly kind: "away" | "refused";
  readonly status: number;

  constructor(kind: "away" | "refused", message: string, status = 0) {
    super(message);
    this.kind = kind;
    this.status = status;
  }
}

/** Reads --console: an address as in the configuration, or http:// and https:// with one. A text = what is wrong. */
export function consolePlace(told: string | undefined): ConsolePlace | string {
  const given = told ?? (process.env["GOODGATE_CONSOLE"] || STANDARD);
  const [, scheme = "http", rest = ""] = /^(?:(https?):\/\/)?(.*?)\/?$/s.exec(given) ?? [];
  const tls = scheme === "https";
  const parsed = parseAddress(/:\d+$|^unix:/.test(rest) ? rest : `${rest}:${tls ? 443 : 80}`);
  if (isProblem(parsed))
    return `--console ${printable(given)}: ${parsed.message}${parsed.hint ? `; ${parsed.hint}` : ""}`;
  // All addresses of a machine are asked for at its own.
  const anywhere = parsed.kind === "tcp" && (parsed.host === "" || parsed.host === "0.0.0.0" || parsed.host === "::");
  const address = anywhere ? { ...parsed, host: "127.0.0.1" } : parsed;
  return { url: `${scheme}://${formatAddress(address)}`, tls, address };
}

/** The console of a running gateway. */
export class ConsoleClient {
  readonly place: ConsolePlace;
  readonly #token: string;

  constructor(place: ConsolePlace, env: NodeJS.ProcessEnv = process.env) {
    this.place = place;
    this.#token = env["GOODGATE_CONSOLE_TOKEN"] || env["GOODGATE_CONSOLE_READ_TOKEN"] || "";
  }

  /** Asks for a document; `query` without its undefined members. Rejects with a ConsoleProblem. */
  get<T>(path: string, query: Readonly<Record<string, string | number | undefined>> = {}): Promise<T> {
    const pairs = Object.entries(query).filter(([, value]) => value !== undefined);
    const search = new URLSearchParams(
      pairs.map(([name, value]): [string, string] => [name, String(value)]),
    ).toString();
    return this.#ask("GET", search === "" ? path : `${path}?${search}`, undefined, WITHIN_MS) as Promise<T>;
  }

  /** Does something. Rejects with a ConsoleProblem. */
  post<T>(path: string, body: unknown): Promise<T> {
    return this.#ask("POST", path, JSON.stringify(body), SLOW_WITHIN_MS) as Promise<T>;
  }

  /** Events as they come, until `signal` says stop or the stream ends. */
  async events(path: string, take: (event: string, data: unknown) => void, signal: AbortSignal): Promise<void> {
    const response = await this.#send("GET", path, undefined, SILENCE_MS, "text/event-stream", signal);
    if (response.statusCode !== 200) throw refusal(response, await textOf(response));
    response.setEncoding("utf8");
    let rest = "";
    for await (const chunk of response as AsyncIterable<string>) {
      const blocks = (rest + chunk).split(/\r?\n\r?\n/);
      rest = blocks.pop() ?? "";
      if (rest.length > ANSWER_BYTES_MAX)
        throw new ConsoleProblem("refused", "the console sends an event without an end");
      for (const block of blocks) {
        const event = /^event: ?(.*)$/m.exec(block)?.[1] ?? "message";
        const data = [...block.matchAll(/^data: ?(.*)$/gm)].map(([, line]) => line).join("\n");
        if (data !== "") take(event, parsed(data));
      }
    }
  }

  async #ask(method: string, path: string, body: string | undefined, withinMs: number): Promise<unknown> {
    const response = await this.#send(method, path, body, withinMs, "application/json");
    const text = await textOf(response);
    const status = response.statusCode ?? 0;
    // 409 is the gateway's own no, with an answer to it.
    if (status === 200 || status === 201 || (status === 409 && !isProblemDocument(response))) return parsed(text);
    throw refusal(response, text);
  }

  #send(
    method: string,
    path: string,
    body: string | undefined,
    withinMs: number,
    accept: string,
    signal?: AbortSignal,
  ): Promise<IncomingMessage> {
    const { address, tls, url } = this.place;
    const where =
      address.kind === "unix"
        ? { socketPath: address.path, host: "localhost" }
        : { host: address.host.replace(/^\[|\]$/g, ""), port: address.port };
    return new Promise((resolve, reject) => {
      const sent: ClientRequest = (tls ? tlsRequest : plainRequest)(
        {
          ...where,
          method,
          path: API + path,
          agent: false,
          timeout: withinMs,
          ...(signal ? { signal } : {}),
          headers: {
            Accept: accept,
            ...(this.#token === "" ? {} : { Authorization: `Bearer ${this.#token}` }),
            ...(body === undefined
              ? {}
              : { "Content-Type": "application/json", "Content-Length": Buffer.byteLength(body) }),
          },
        },
        resolve,
      );
      sent.on("timeout", () => sent.destroy(new Error(`no answer within ${withinMs / 1000} s`)));
      sent.on("error", (error: NodeJS.ErrnoException) => {
        const away = error.code === "ECONNREFUSED" || error.code === "ENOENT";
        const message = away
          ? `no gateway's console answers at ${url}`
          : `the console at ${url} gave no answer: ${error.message}`;
        reject(new ConsoleProblem("away", message));
      });
      sent.end(body);
    });
  }
}

async function textOf(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > ANSWER_BYTES_MAX) throw new ConsoleProblem("refused", "the console's answer is too large");
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Whatever it is, it is no console of ours.
    throw new ConsoleProblem("refused", "what answers there is no console of goodgate (its answer is not JSON)");
  }
}

function isProblemDocument({ headers }: IncomingMessage): boolean {
  return (headers["content-type"] ?? "").startsWith("application/problem+json");
}

/** What it says is wrong, in its own words where it has some. */
function refusal(response: IncomingMessage, text: string): ConsoleProblem {
  const status = response.statusCode ?? 0;
  if (isProblemDocument(response)) {
    const problem = parsed(text) as { readonly title?: string; readonly detail?: string };
    return new ConsoleProblem("refused", problem.detail ?? problem.title ?? `status ${status}`, status);
  }
  // The console is there, and has nothing but probes and figures.
  if (status === 404)
    return new ConsoleProblem("refused", "this gateway keeps nothing that could be shown (store: off)", status);
  const words = text.trim().split("\n", 1)[0] ?? "";
  const hint = status === 401 ? "GOODGATE_CONSOLE_TOKEN holds no token that it takes" : "it may be an older goodgate";
  const said = words !== "" && !words.startsWith("<") ? `: ${words.slice(0, 200)}` : "";
  return new ConsoleProblem("refused", `the console answers ${status}${said} (${hint})`, status);
}
