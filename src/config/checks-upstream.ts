// Findings of an upstream: its endpoints, its connections, how long its requests may take.
import { formatDuration, type Ms } from "../std/units.ts";
import { overlaps } from "./address.ts";
import { checkAttempts, checkHeadTimeout } from "./checks-waiting.ts";
import type { Address, Config, UpstreamConfig } from "./config.ts";
import type { Path } from "./document.ts";
import { type Add, type IsWritten, warning } from "./finding.ts";

/** Node's server.keepAliveTimeout: the shortest among the common application servers that is not configured away. */
const NODE_KEEPALIVE_MS: Ms = 5000;
/** What is wrong or risky in an upstream as such. */
export function checkUpstream(config: Config, upstream: UpstreamConfig, add: Add, isWritten: IsWritten): void {
  const path: Path = ["upstreams", upstream.name];
  const { endpoints, keepalive, retry, timeouts } = upstream;
  const up = endpoints.filter((endpoint) => !endpoint.down);
  if (endpoints.length === 0)
    add(
      warning(`the upstream ${upstream.name} has no endpoints`, "every request to it fails", "backend-absent"),
      path,
      "key",
    );
  else if (up.length === 0)
    add(
      warning(`every endpoint of ${upstream.name} is down`, "every request to it fails", "no-healthy-upstream"),
      path,
      "key",
    );
  else if (up.every((endpoint) => endpoint.backup)) {
    add(
      warning(`every endpoint of ${upstream.name} in use is a backup`, "one of them is the primary: leave backup out"),
      path,
      "key",
    );
  }
  endpoints.forEach((endpoint, index) => {
    const place: Path = [...path, "endpoints", index];
    if (endpoints.findIndex((other) => other.label === endpoint.label) < index) {
      add(warning(`the endpoint ${endpoint.label} is given twice`, "use weight to give it a larger share"), place);
    }
    if (isOwn(endpoint.address, config))
      add(
        warning(`${endpoint.label} is this gateway itself`, "requests would go round in a circle", "proxy-loop"),
        place,
      );
  });
  if (keepalive.connections > 0 && keepalive.idleMs >= NODE_KEEPALIVE_MS) {
    add(
      warning(
        `idle connections are kept for ${formatDuration(keepalive.idleMs)}`,
        "Node closes them after 5s, gunicorn after 2s: a request that meets the close is a 502. Stay below the upstream's own keep-alive, or leave it at auto",
        "keepalive-race",
      ),
      [...path, "keepalive", "idle"],
    );
  }
  checkAttempts(retry, timeouts, path, add, isWritten);
  checkHeadTimeout(timeouts.headMs, config, [...path, "timeouts", "head"], add);
  if (upstream.tls && !upstream.tls.verify) {
    add(
      warning(
        "the upstream's certificate is not verified",
        "anyone on the way can read and change the traffic; name its CA with tls: { ca: FILE }",
      ),
      [...path, "tls", "verify"],
    );
  }
}

/** Whether an address on this machine is one that we listen on. */
function isOwn(address: Address, { listeners }: Config): boolean {
  return listeners.some(({ address: own }) => {
    if (own.kind === "unix" || address.kind === "unix") return overlaps(own, address);
    const local = ["localhost", "127.0.0.1", "::1"];
    return (
      own.port === address.port &&
      own.port !== 0 &&
      (own.host === address.host ||
        (local.includes(address.host) && (local.includes(own.host) || ["", "0.0.0.0", "::"].includes(own.host))))
    );
  });
}
