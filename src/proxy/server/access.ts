// Who may: addresses, passwords, and what a subrequest says; all of them, or any one (satisfy).

import { type BasicOutcome, checkBasicAuth } from "../../access/basic-auth.ts";
import type { AccessConfig, Text } from "../../config/servers.ts";
import { type AccessRules, compileAccess as compileRules, decideAccess } from "../../routing/access.ts";
import { eventTime, Timed, wheel } from "../../std/clock.ts";
import type { Ms } from "../../std/units.ts";
import type { CompiledText } from "../../variables/subject.ts";
import { fieldValue, fieldValues } from "../../wire/head.ts";
import type { Compiler } from "./compiler.ts";
import { DONE, GO_ON, type Outcome, type ServerRequest, WAIT } from "./request.ts";
import { type MoreFields, respondStatus } from "./special.ts";
import { subrequest } from "./subrequest.ts";

export interface AccessPlan {
  readonly config: AccessConfig;
  readonly rules: AccessRules;
  readonly basic: { readonly realm: CompiledText; readonly file: CompiledText; readonly folder: string } | null;
  readonly sets: readonly { readonly value: CompiledText; readonly assign: ReturnType<Compiler["assign"]> }[];
}

/** What one of the checks says: "skip" = it has nothing to say. */
type Answer = "ok" | "skip" | Refusal;

interface Refusal {
  readonly status: number;
  readonly more: MoreFields;
}

export function compileAccess(config: AccessConfig, compiler: Compiler): AccessPlan | null {
  if (config.rules.length === 0 && !config.basic && !config.request) return null;
  const text = (value: Text): CompiledText => compiler.text(value);
  return {
    config,
    rules: compileRules(config.rules),
    basic: config.basic && {
      realm: text(config.basic.realm),
      file: text(config.basic.file),
      folder: config.basic.folder ?? "",
    },
    sets: config.requestSets.map(({ variable, value }) => ({ value: text(value), assign: compiler.assign(variable) })),
  };
}

const CHECKS: readonly ((request: ServerRequest, plan: AccessPlan) => Answer | Promise<Answer>)[] = [
  checkAddress,
  checkPassword,
  askSubrequest,
];

export function checkAccess(request: ServerRequest): Outcome {
  const { access } = request.location;
  if (access === null || request.parent !== null) return GO_ON;
  return goThrough(request, access, 0, null);
}

/** From one check on; `refused` = the refusal that would be told where any check may let it in. */
function goThrough(request: ServerRequest, plan: AccessPlan, from: number, refused: Refusal | null): Outcome {
  let refusal = refused;
  for (let index = from; index < CHECKS.length; index++) {
    const answer = CHECKS[index]!(request, plan);
    if (answer instanceof Promise) {
      void wait(request, plan, index, answer, refusal);
      return WAIT;
    }
    const next = weigh(plan, answer, refusal);
    if (next === "in") return GO_ON;
    if (next === "out") return refuse(request, plan, answer as Refusal);
    refusal = next;
  }
  return refusal ? refuse(request, plan, refusal) : GO_ON;
}

async function wait(
  request: ServerRequest,
  plan: AccessPlan,
  index: number,
  answer: Promise<Answer>,
  refused: Refusal | null,
): Promise<void> {
  try {
    const told = await answer;
    if (request.exchange.ended) return;
    const next = weigh(plan, told, refused);
    if (next === "out") refuse(request, plan, told as Refusal);
    else if (next === "in" || goThrough(request, plan, index + 1, next) === GO_ON) request.resume();
  } catch (error) {
    request.exchange.client.onInternalError(error);
  }
}

/** In, out, or on to the next check with what would be told. */
function weigh({ config }: AccessPlan, answer: Answer, refused: Refusal | null): "in" | "out" | Refusal | null {
  if (answer === "skip") return refused;
  if (answer === "ok") return config.satisfy === "any" ? "in" : refused;
  if (config.satisfy === "all" || (!isChallenge(answer) && answer.status !== 403)) return "out";
  // Of several refusals the one that a client can do something about is told.
  return refused && isChallenge(refused) && answer.status === 403 ? refused : answer;
}

function isChallenge({ status }: Refusal): boolean {
  return status === 401 || status === 407;
}

function refuse(request: ServerRequest, { config }: AccessPlan, { status, more }: Refusal): Outcome {
  if (status === 403 && !request.forbiddenTold) request.log("error", "access forbidden by rule");
  if (config.delayMs > 0 && (status === 401 || status === 407)) new LateAnswer(request, config.delayMs, status, more);
  else respondStatus(request, status, more);
  return DONE;
}

function checkAddress(request: ServerRequest, { config, rules }: AccessPlan): Answer {
  if (config.rules.length === 0) return "skip";
  const may = decideAccess(rules, request.subject.remoteAddress);
  if (may === null) return "skip";
  return may ? "ok" : { status: 403, more: {} };
}

function checkPassword(request: ServerRequest, { basic }: AccessPlan): Answer | Promise<Answer> {
  if (!basic) return "skip";
  const realm = basic.realm.render(request.subject);
  if (realm === "off") return "skip";
  const field = request.method === "CONNECT" ? "proxy-authorization" : "authorization";
  const authorization = fieldValue(request.exchange.head, field);
  const file = basic.file.render(request.subject);
  const path = file.startsWith("/") ? file : basic.folder + file;
  const checked = checkBasicAuth(authorization, realm, request.servers.userFiles, path);
  return checked instanceof Promise ? checked.then((outcome) => told(request, outcome)) : told(request, checked);
}

function told(request: ServerRequest, outcome: BasicOutcome): Answer {
  if (outcome.kind === "ok") {
    request.main.remoteUser = outcome.user;
    return "ok";
  }
  request.log(outcome.log.level, outcome.log.text);
  switch (outcome.kind) {
    case "challenge":
      // Who opens a tunnel is asked by the proxy, not by the origin.
      return request.method === "CONNECT"
        ? { status: 407, more: { "Proxy-Authenticate": outcome.challenge } }
        : { status: 401, more: { "WWW-Authenticate": outcome.challenge } };
    case "forbidden":
      request.forbiddenTold = true;
      return { status: 403, more: {} };
    case "error":
      return { status: 500, more: {} };
  }
}

/** auth_request: 2xx lets in, 401 and 403 are told on, the rest is an error. */
function askSubrequest(request: ServerRequest, { config, sets }: AccessPlan): Answer | Promise<Answer> {
  if (!config.request) return "skip";
  const { uri } = config.request;
  return new Promise((resolve) => {
    const began = subrequest(request, { uri, args: undefined }, ({ status, request: asked }) => {
      for (const { value, assign } of sets) assign(request, value.render(asked.subject));
      if (status >= 200 && status < 300) return resolve("ok");
      request.forbiddenTold = true;
      if (status === 403) return resolve({ status, more: {} });
      if (status === 401) {
        const challenges = challengesOf(asked);
        return resolve({ status, more: challenges.length > 0 ? { "WWW-Authenticate": challenges } : {} });
      }
      request.log("error", `auth request unexpected status: ${status}`);
      resolve({ status: 500, more: {} });
    });
    if (!began) resolve({ status: 500, more: {} });
  });
}

/** All WWW-Authenticate of a subrequest, or of its upstream. */
function challengesOf({ output, upstreamHead }: ServerRequest): readonly string[] {
  const name = "www-authenticate";
  const own = (output.header?.lines ?? []).filter((line) => line.name.toLowerCase() === name);
  if (own.length > 0) return own.map(({ value }) => value);
  return upstreamHead ? fieldValues(upstreamHead, name) : [];
}

/** auth_delay: who guesses passwords waits for the answer. */
class LateAnswer extends Timed {
  readonly #request: ServerRequest;
  readonly #status: number;
  readonly #more: MoreFields;

  constructor(request: ServerRequest, delayMs: Ms, status: number, more: MoreFields) {
    super();
    this.#request = request;
    this.#status = status;
    this.#more = more;
    request.releases.push(() => wheel.remove(this));
    wheel.set(this, eventTime() + delayMs);
  }

  override onDeadline(): void {
    try {
      respondStatus(this.#request, this.#status, this.#more);
    } catch (error) {
      this.#request.exchange.client.onInternalError(error);
    }
  }
}
