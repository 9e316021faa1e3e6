// The failure of a proxied request as an Error, for `onError: "next"`: what an error handler needs to answer, log and
// group by. It knows nothing of the rest of the program, since its type is part of the package's interface.

/** What a GatewayError is made of. */
export interface GatewayErrorFacts {
  readonly cause: string;
  readonly phase: string;
  readonly status: number;
  readonly sentence: string;
  readonly fix: string;
  readonly requestId: string;
  readonly reference: string;
  readonly retryable: boolean;
  readonly headers: Readonly<Record<string, string>>;
}

/** A request that could not be proxied. The message is the sentence, with addresses and settings in it: for the log. */
export class GatewayError extends Error {
  override readonly name = "GatewayError";
  /** Cause in the reference of errors: "connect-refused". */
  override readonly cause: string;
  /** Where in the exchange it happened: "connect", "response-head" … */
  readonly phase: string;
  /** What the gateway would have answered. Express and Connect read it from here. */
  readonly status: number;
  /** The same, under the name that Fastify and Koa read. */
  readonly statusCode: number;
  /** What happened, in one sentence. */
  readonly sentence: string;
  /** What to do, for whoever runs the application. */
  readonly fix: string;
  readonly requestId: string;
  /** Address of the cause's entry in the reference. */
  readonly reference: string;
  /** The same request may be sent again, and that may help. */
  readonly retryable: boolean;
  /** Fields of the answer that the gateway would have given: Proxy-Status, Retry-After, X-Request-Id. */
  readonly headers: Readonly<Record<string, string>>;

  constructor(facts: GatewayErrorFacts) {
    super(facts.sentence);
    this.cause = facts.cause;
    this.phase = facts.phase;
    this.status = facts.status;
    this.statusCode = facts.status;
    this.sentence = facts.sentence;
    this.fix = facts.fix;
    this.requestId = facts.requestId;
    this.reference = facts.reference;
    this.retryable = facts.retryable;
    this.headers = facts.headers;
  }
}
