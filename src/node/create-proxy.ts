// createProxy: the settings are checked and the engine is made at once, so that what is wrong is told when the
// application starts; what comes back is a handler as frameworks call it, with all that belongs to it.
import { Engine } from "./engine.ts";
import { fastifyPlugin } from "./fastify.ts";
import { type AnyRequest, type AnyResponse, HandledRequest, isClosed } from "./handled-request.ts";
import type { createProxy as Declared, Next, NodeProxy } from "./public.ts";
import { settingsOf } from "./settings.ts";
import { upgrade } from "./upgrade.ts";

/** Makes a proxy; throws an Error that tells every problem of its settings at once. */
export const createProxy: typeof Declared = (target, options = {}) => {
  const engine = new Engine(settingsOf(target, options));
  const handle = (request: AnyRequest, response: AnyResponse, next: Next | undefined, strip: string): Promise<void> => {
    if (response.headersSent) return tooLate(engine, request, response, next);
    if (isClosed(request, response)) return Promise.resolve();
    try {
      return new HandledRequest(engine, request, response, next).run(strip);
    } catch (error) {
      return unexpected(engine, request, error, next);
    }
  };
  const proxy = (request: AnyRequest, response: AnyResponse, next?: Next): Promise<void> =>
    // Some frameworks hand over other things in the third place.
    handle(request, response, typeof next === "function" ? next : undefined, "");
  const parts: Pick<NodeProxy, "upgrade" | "fastify" | "metrics" | "close"> = {
    upgrade: (request, socket, head) => {
      try {
        upgrade(engine, request, socket, head);
      } catch (error) {
        engine.gateway.reportInternal(error);
        socket.destroy();
      }
    },
    fastify: fastifyPlugin(handle),
    metrics: () => engine.observer.metrics.render(),
    close: () => engine.close(),
  };
  return Object.assign(proxy, parts);
};

/** Somebody has answered already: a second answer would spoil the first. */
function tooLate(engine: Engine, request: AnyRequest, response: AnyResponse, next: Next | undefined): Promise<void> {
  const error = new Error(
    `${request.method} ${request.url}: the response had begun before the request came to the proxy`,
  );
  if (next) next(error);
  else {
    engine.logger.error(error.message);
    if (!response.writableEnded) request.destroy();
  }
  return Promise.resolve();
}

/** A fault of ours, or a request object like no other: it costs this request, and not the application. */
function unexpected(engine: Engine, request: AnyRequest, error: unknown, next: Next | undefined): Promise<void> {
  engine.gateway.reportInternal(error);
  if (next) next(error);
  else request.destroy();
  return Promise.resolve();
}
