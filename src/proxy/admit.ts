// Whether a request may go on, and where to: methods, route, loop, declared size. Decides; sends nothing.
import { failureOf } from "../failure/classify.ts";
import type { Failure } from "../failure/failure.ts";
import { fieldValue, type RequestHead } from "../wire/head.ts";
import { viaContains } from "../wire/via.ts";
import type { Exchange } from "./exchange.ts";
import { tooLarge } from "./request-body.ts";
import { targetFor } from "./send-request.ts";

/** Finds the exchange's plan and upstream; returns what forbids it, or null. */
export function admit(exchange: Exchange): Failure | null {
  const { head, runtime } = exchange;
  if (head.method === "CONNECT" || head.method === "TRACE") {
    return {
      ...failureOf("client-request-invalid", { detail: `method ${head.method} is not served here` }),
      status: 405,
    };
  }
  const match = runtime.router.match(head.host, head.path, head.method);
  if (!match.route) return failureOf("route-not-found", {});
  const plan = runtime.plans[match.route.index]!;
  exchange.plan = plan;
  exchange.captures = match.captures;
  if (head.hasVia && viaContains(head, runtime.viaName)) {
    return failureOf("proxy-loop", { detail: `${runtime.viaName} is in Via already` });
  }
  if (head.bodyLength > plan.bodyBytesMax) return tooLarge(plan.bodyBytesMax);
  if (plan.group && maxForwards(head) === 0) {
    return failureOf("request-denied", { detail: "Max-Forwards is 0" });
  }
  if (plan.group) {
    const target = targetFor(exchange);
    if (target === null)
      return failureOf("gateway-config-invalid", { detail: `the rewrite of route ${plan.name} gave no path` });
    exchange.forwardTarget = target;
  }
  exchange.group = plan.group;
  if (plan.upgrade) exchange.upgrade = head.upgrade;
  return null;
}

/** RFC 9110 §7.6.2: only for OPTIONS (TRACE is not served). */
function maxForwards(head: RequestHead): number {
  if (head.method !== "OPTIONS") return Infinity;
  const value = fieldValue(head, "max-forwards");
  return value !== undefined && /^\d{1,9}$/.test(value) ? Number(value) : Infinity;
}
