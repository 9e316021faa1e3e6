// What the tests use of express 4, which has no declarations of its own.
declare module "express" {
  import type { IncomingMessage, ServerResponse } from "node:http";

  namespace express {
    type Next = (error?: unknown) => void;
    type Handler = (request: IncomingMessage & { body?: unknown }, response: ServerResponse, next: Next) => unknown;
    type ErrorHandler = (error: unknown, request: IncomingMessage, response: ServerResponse, next: Next) => unknown;
    interface ParserOptions {
      readonly type?: string;
      readonly extended?: boolean;
      readonly verify?: (request: IncomingMessage, response: ServerResponse, bytes: Buffer) => void;
    }
    interface Application {
      (request: IncomingMessage, response: ServerResponse): void;
      use(handler: Handler): this;
      use(handler: ErrorHandler): this;
      use(path: string, handler: Handler): this;
    }
    const json: (options?: ParserOptions) => Handler;
    const urlencoded: (options?: ParserOptions) => Handler;
    const text: (options?: ParserOptions) => Handler;
    const raw: (options?: ParserOptions) => Handler;
  }

  function express(): express.Application;
  export default express;
}
