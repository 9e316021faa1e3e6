// Who asks: found from what a request brings (certificate, token, cookie), and login and logout. Without any credential
// configured, which loopback alone may be, everybody on the machine is the admin; the session's view says so.
// A wrong token costs its client a pause, whether it came by the form or in a field, and is told to the audit.
import { log } from "../std/log.ts";
import type { Ms } from "../std/units.ts";
import type { Problem, Reply } from "./answer.ts";
import { bearerOf, GuessLimit, roleOf, type Tokens } from "./credentials.ts";
import type { Caller, Place, Role } from "./guard.ts";
import type { Backend, SessionView } from "./model.ts";
import { cookieName, cookieOf, Sessions, setCookie } from "./session.ts";

/** What a request brings of who sends it. */
export interface Visit {
  /** Address of the peer; "unix" for a socket of the file system. */
  readonly client: string;
  readonly authorization: string | undefined;
  readonly cookie: string | undefined;
  /** Name in a certificate that the client CA signed; null = none was shown. */
  readonly certificate: string | null;
  /** The connection has TLS. */
  readonly tls: boolean;
  /** The browser's has: to us or to a proxy before us. */
  readonly secure: boolean;
}

export interface IdentityOptions {
  readonly tokens: Tokens;
  readonly clientCa: boolean;
  readonly readOnly: boolean;
  /** As listened on. */
  readonly place: () => Place;
  readonly audit: Backend["tellAudit"];
  readonly clock?: () => Ms;
}

export class Identity {
  readonly #options: IdentityOptions;
  readonly #clock: () => Ms;
  readonly #sessions = new Sessions();
  readonly #guesses = new GuessLimit();

  constructor(options: IdentityOptions) {
    this.#options = options;
    this.#clock = options.clock ?? (() => performance.now());
  }

  /** Whether anything has to be shown to be let in. */
  get needsCredential(): boolean {
    const { tokens, clientCa } = this.#options;
    return clientCa || tokens.token !== undefined || tokens.readToken !== undefined;
  }

  /** null = nobody that is known; a problem = this client guesses too fast. */
  callerOf(visit: Visit): Caller | Problem | null {
    const { client, certificate, authorization } = visit;
    if (certificate !== null) return this.#caller("admin", certificate, "certificate", client);
    if (!this.needsCredential) return this.#caller("admin", client, "none", client);
    if (authorization !== undefined) return this.#byToken(authorization, visit);
    const session = this.#sessions.find(this.#sessionId(visit), this.#clock());
    return session && this.#caller(session.role, session.by, "session", client);
  }

  /** Whether what a caller was known by still holds: of streams, which outlive a session. */
  stillHolds(visit: Visit, caller: Caller): boolean {
    if (caller.proof !== "session") return true;
    return this.#sessions.find(this.#sessionId(visit), this.#clock()) !== null;
  }

  view({ role, by }: Caller): SessionView {
    return { role, by, tokens: this.needsCredential };
  }

  login(token: string, visit: Visit): Reply {
    const { client, secure } = visit;
    if (this.#guesses.isKnown(client, token)) return { problem: WRONG_TOKEN };
    const pauseMs = this.#guesses.loginPauseMs(client, this.#clock());
    if (pauseMs > 0) return { problem: tooFast(pauseMs) };
    const role = roleOf(token, this.#options.tokens);
    if (role === null) {
      this.#noteWrong(client, token, "login");
      return { problem: WRONG_TOKEN };
    }
    if (role === "admin") this.#guesses.noteRight(client);
    this.#sessions.end(this.#sessionId(visit));
    const caller = this.#caller(role, role, "session", client);
    const id = this.#sessions.begin(role, role, this.#clock());
    this.#tell(caller.role, caller.by, client, "login", "ok");
    const name = cookieName(this.#options.place().address, secure);
    return { json: this.view(caller), headers: { "Set-Cookie": setCookie(name, id, secure) } };
  }

  logout(visit: Visit): Reply {
    const id = this.#sessionId(visit);
    const session = this.#sessions.find(id, this.#clock());
    this.#sessions.end(id);
    if (session) this.#tell(session.role, session.by, visit.client, "logout", "ok");
    const name = cookieName(this.#options.place().address, visit.secure);
    return { nothing: true, headers: { "Set-Cookie": setCookie(name, "", visit.secure) } };
  }

  #byToken(authorization: string, { client }: Visit): Caller | Problem | null {
    const given = bearerOf(authorization);
    if (given === null || this.#guesses.isKnown(client, given)) return null;
    const pauseMs = this.#guesses.pauseMs(client, this.#clock());
    if (pauseMs > 0) return tooFast(pauseMs);
    const role = roleOf(given, this.#options.tokens);
    if (role === null) {
      this.#noteWrong(client, given, "token");
      return null;
    }
    if (role === "admin") this.#guesses.noteRight(client);
    return this.#caller(role, role, "token", client);
  }

  #sessionId({ cookie, tls }: Visit): string | null {
    const { address } = this.#options.place();
    const secure = cookieOf(cookie, cookieName(address, true));
    // Under TLS only the name that plain HTTP cannot set counts.
    return secure ?? (tls ? null : cookieOf(cookie, cookieName(address, false)));
  }

  #caller(role: Role, by: string, proof: Caller["proof"], client: string): Caller {
    return { role: this.#options.readOnly ? "reader" : role, by, proof, client };
  }

  #noteWrong(client: string, token: string, action: string): void {
    this.#guesses.noteWrong(client, token, this.#clock());
    this.#tell("reader", "nobody", client, action, "refused: wrong token");
  }

  #tell(role: Role, by: string, client: string, action: string, outcome: string): void {
    tellAction(this.#options.audit, { role, by, client, action, outcome });
  }
}

const ACTION_CHARS_MAX = 300;

/** Says who did what, in the audit and in the program's log. */
export function tellAction(audit: Backend["tellAudit"], entry: Parameters<Backend["tellAudit"]>[0]): void {
  const action = entry.action.slice(0, ACTION_CHARS_MAX);
  const outcome = entry.outcome.slice(0, ACTION_CHARS_MAX);
  const { by, role, client } = entry;
  log.info("console action", { action, by, role, client, outcome });
  audit({ by, role, client, action, outcome });
}

const WRONG_TOKEN: Problem = {
  status: 401,
  title: "Not the token",
  detail:
    "This is not the console's token: it is in GOODGATE_CONSOLE_TOKEN (or the file of token-file) of the gateway.",
  field: "token",
};

function tooFast(pauseMs: Ms): Problem {
  const seconds = Math.ceil(pauseMs / 1000);
  return {
    status: 429,
    title: "Too many wrong tokens",
    detail: `Too many wrong tokens: try again in ${seconds} s.`,
    headers: { "Retry-After": String(seconds) },
  };
}
