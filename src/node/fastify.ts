// A Fastify plugin. Within it (and nowhere else in the application) Fastify leaves bodies alone, every path and method
// goes to the proxy, and the prefix that the plugin is registered with is taken off, as Express does it.
import type { AnyRequest, AnyResponse } from "./handled-request.ts";
import type { FastifyReplyLike, FastifyRequestLike, Next, NodeProxy } from "./public.ts";

type Handle = (request: AnyRequest, response: AnyResponse, next: Next | undefined, strip: string) => Promise<void>;

/** The plugin around a handler. */
export function fastifyPlugin(handle: Handle): NodeProxy["fastify"] {
  return (instance, _options, done) => {
    const strip = instance.prefix.replace(/\/$/, "");
    const handler = (request: FastifyRequestLike, reply: FastifyReplyLike): Promise<void> =>
      new Promise((resolve, reject) => {
        let passed = false;
        const next: Next = (error) => {
          passed = true;
          if (error !== undefined) return reject(error);
          // No route of the proxy takes it.
          reply.callNotFound();
          resolve();
        };
        void handle(request.raw, reply.raw, next, strip).then(() => {
          if (passed) return;
          // Fastify has no more to say about this response.
          reply.hijack();
          resolve();
        });
      });
    instance.removeAllContentTypeParsers();
    instance.addContentTypeParser("*", (_request, _payload, parsed) => parsed(null));
    instance.all("/", handler);
    instance.all("/*", handler);
    done();
  };
}
