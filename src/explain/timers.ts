// Timers that end a wait with a gateway error, by their default: a duration at one of these values says which one fired.
import type { Ms } from "../std/units.ts";

export interface Timer {
  readonly software: string;
  readonly setting: string;
  readonly ms: Ms;
}

const s = (software: string, setting: string, seconds: number): Timer => ({ software, setting, ms: seconds * 1000 });

/** Defaults of timers on the way of a response, of those that end a request. */
export const TIMERS: readonly Timer[] = [
  s("nginx", "proxy_read_timeout", 60),
  s("nginx", "proxy_connect_timeout", 60),
  s("ALB", "idle_timeout", 60),
  s("Traefik", "forwardingTimeouts.dialTimeout", 30),
  s("Envoy", "route timeout", 15),
  s("Envoy", "connect_timeout", 5),
  s("Caddy", "dial_timeout", 3),
  s("Apache", "Timeout", 60),
  s("Heroku", "H12, the router's limit", 30),
  s("Cloudflare", "proxy read timeout (524)", 120),
  s("CloudFront", "origin response timeout", 30),
  s("API Gateway", "integration timeout", 29),
  s("Google Cloud", "backend service timeout", 30),
  s("Application Gateway", "request timeout", 20),
  s("Fastly", "first_byte_timeout", 15),
  s("gunicorn", "--timeout", 30),
  s("PHP", "max_execution_time", 30),
  s("undici", "headersTimeout", 300),
  s("Node", "server.requestTimeout", 300),
  s("Goodgate", "timeouts.head", 30),
];

/** Within 2 % or 250 ms of the value, and not before it by more than 50 ms. */
export function timersNear(ms: Ms): readonly Timer[] {
  return TIMERS.filter((timer) => ms >= timer.ms - 50 && ms <= timer.ms + Math.max(250, timer.ms * 0.02));
}
