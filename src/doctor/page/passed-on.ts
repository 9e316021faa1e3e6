// Fields that a hop adds only to what came from behind it: whatever the page looks like, that hop did not make it.
import { parseProxyStatus } from "../../failure/proxy-status.ts";
import type { Seen } from "./response.ts";

/** Marks that the response came from upstream of the program that set them, in words. */
export function passedOn(seen: Seen): readonly string[] {
  const reasons: string[] = [];
  if (seen.field("x-envoy-upstream-service-time") !== "")
    reasons.push("X-Envoy-Upstream-Service-Time: an upstream of Envoy answered");
  if (seen.field("x-kong-upstream-latency") !== "")
    reasons.push("X-Kong-Upstream-Latency: an upstream of Kong answered");
  if (/from cloudfront$/i.test(seen.field("x-cache")) && seen.server !== "cloudfront" && seen.server !== "")
    reasons.push("Server is not CloudFront's: the origin of CloudFront answered");
  const { members } = parseProxyStatus(seen.field("proxy-status"));
  for (const { name, params } of members) {
    const received = params.get("received-status");
    if (received === seen.status && !params.has("error"))
      reasons.push(`Proxy-Status: the hop "${name}" received status ${received} from behind it`);
  }
  return reasons;
}
