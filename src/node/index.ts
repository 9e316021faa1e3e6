// goodgate/node: the gateway inside a Node application. Its types are those of public.ts.
export { createProxy } from "./create-proxy.ts";
export { GatewayError } from "./gateway-error.ts";
