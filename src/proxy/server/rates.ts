// limit_rate and proxy_limit_rate: bytes per second, made of variables.
import type { ServerRequest } from "./request.ts";

/** What the client gets per second; 0 = all that it takes. */
export function clientRate(request: ServerRequest): number {
  const { limitRate } = request.location;
  if (request.target) return 0;
  return bytesPerSecond(request.limitRate ?? limitRate.constant ?? limitRate.render(request.subject)) ?? 0;
}

/** What the client gets before that. */
export function clientRateAfter({ location, subject }: ServerRequest): number {
  return bytesPerSecond(location.limitRateAfter.render(subject)) ?? 0;
}

/** What is read of the upstream's response per second; 0 = all that comes. */
export function upstreamRate(request: ServerRequest): number {
  const { proxy } = request.location;
  if (!proxy || request.target) return 0;
  return bytesPerSecond(proxy.limitRate.constant ?? proxy.limitRate.render(request.subject)) ?? 0;
}

/** "0", "100", "10k", "1m"; null = it is none of these. */
export function bytesPerSecond(text: string): number | null {
  const match = /^(\d{1,15})([kKmMgG]?)$/.exec(text);
  if (!match) return null;
  const unit = { "": 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3 }[match[2]!.toLowerCase()] ?? 1;
  return Number(match[1]) * unit;
}
