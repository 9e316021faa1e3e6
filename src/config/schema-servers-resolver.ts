// Name servers that are asked, of a block or of an upstream.
import { duration, flag, list, plain } from "./forms.ts";
import { part, record } from "./forms-record.ts";
import type { ResolverConfig } from "./servers.ts";

export const resolver = record<ResolverConfig>({
  servers: part("servers", list(plain, "an address"), "DNS servers that are asked."),
  timeoutMs: part("timeout", duration, "For an answer.", 30_000),
  validMs: part("valid", duration, "How long an answer is used; 0s is its TTL.", 0),
  ipv4: part("ipv4", flag, "Whether IPv4 addresses are asked for.", true),
  ipv6: part("ipv6", flag, "Whether IPv6 addresses are asked for.", true),
});
