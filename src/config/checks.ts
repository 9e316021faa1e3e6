// What single fields cannot show: references between parts (errors), and settings that are allowed but will cause
// gateway errors one day (findings: warnings with the cause they end in). Works on a Config, whatever syntax it came
// from; the paths are those of goodgate.yaml, and the caller turns them into places in a file.
import { formatDuration } from "../std/units.ts";
import { formatAddress, overlaps } from "./address.ts";
import { checkResilience } from "./checks-resilience.ts";
import { checkRoute } from "./checks-route.ts";
import { checkUpstream } from "./checks-upstream.ts";
import type { Address, Config, Problem } from "./config.ts";
import type { Path } from "./document.ts";
import { type Add, type Finding, FRONT_MS, type IsWritten, warning } from "./finding.ts";
import { formatPathPattern } from "./path-pattern.ts";

/** Everything that is wrong or risky in a configuration. `isWritten` tells settings from defaults. */
export function checkConfig(config: Config, isWritten: IsWritten = () => false): Finding[] {
  const findings: Finding[] = [];
  const add = (problem: Problem, path: Path, which: "value" | "key" = "value") =>
    findings.push({ problem, path, which });
  checkListeners(config, add);
  if (!config.servers) checkClient(config, add);
  for (const upstream of config.upstreams.values()) {
    checkUpstream(config, upstream, add, isWritten);
    if (!config.servers) checkResilience(upstream, add, isWritten);
  }
  for (const [index, route] of config.routes.entries()) checkRoute(config, route, ["routes", index], add, isWritten);
  if (!config.servers) checkReach(config, add);
  return findings;
}

function checkListeners({ listeners, console: console_, trust, servers }: Config, add: Add): void {
  const all: { address: Address; path: Path }[] = listeners.map(({ address }, index) => ({
    address,
    path: ["listen", index],
  }));
  if (listeners.length === 0)
    add({ severity: "error", message: "nothing listens", hint: 'write an address such as ":8080"' }, ["listen"], "key");
  if (console_) all.push({ address: console_, path: ["console"] });
  all.forEach(({ address, path }, index) => {
    // Servers share listeners, and one of all addresses may stand beside one of them.
    if (servers && path[0] === "listen") return;
    const taken = all.slice(0, index).find((other) => overlaps(other.address, address));
    if (!taken) return;
    const what =
      taken.path[0] === "listen" && path[0] === "console"
        ? "the console has the address of a listener"
        : "this address is listened on already";
    add(
      {
        severity: "error",
        message: `${what}: ${formatAddress(address)}`,
        hint: `${formatAddress(taken.address)} stands above`,
      },
      path,
    );
  });
  trust.forEach((block, index) => {
    if (block.endsWith("/0"))
      add(warning(`${block} trusts everyone`, "any client can then claim any address; list your own proxies"), [
        "trust",
        index,
      ]);
  });
}

function checkClient({ client }: Config, add: Add): void {
  const { idleMs } = client.timeouts;
  if (idleMs <= FRONT_MS) {
    add(
      warning(
        `clients' connections are closed after ${formatDuration(idleMs)}`,
        "balancers before us reuse theirs for up to 60s and answer 502 when one was just closed: more than 60s is safe",
        "keepalive-race",
      ),
      ["client", "timeouts", "idle"],
    );
  }
  if (client.limits.lineBytes > client.limits.headBytes) {
    add(warning("the request line may be longer than the whole head", "raise head, or lower line"), [
      "client",
      "limits",
      "line",
    ]);
  }
}

/** Routes that no request reaches because an earlier one has all their hosts, paths and methods; unused upstreams. */
function checkReach(config: Config, add: Add): void {
  const taken = new Map<string, { index: number; methods: readonly string[] }[]>();
  config.routes.forEach((route, index) => {
    const hosts = route.hosts.length === 0 ? [""] : route.hosts;
    const keys = hosts.flatMap((host) => route.paths.map((pattern) => `${host} ${formatPathPattern(pattern)}`));
    const earlier = keys.map((key) => taken.get(key)?.find(({ methods }) => covers(methods, route.methods)));
    if (keys.length > 0 && earlier.every((route_) => route_ !== undefined)) {
      const first = config.routes[earlier[0]!.index]!.name;
      add(
        warning(
          "no request reaches this route",
          `the route "${first}" (number ${earlier[0]!.index + 1}) has the same host and path`,
        ),
        ["routes", index],
        "key",
      );
    }
    for (const key of keys) taken.set(key, [...(taken.get(key) ?? []), { index, methods: route.methods }]);
  });
  const used = new Set(config.routes.map(({ action }) => (action.kind === "proxy" ? action.upstream : "")));
  for (const name of config.upstreams.keys()) {
    if (config.routes.length > 0 && !used.has(name))
      add(
        warning(`no route leads to the upstream ${name}`, `write a route with proxy: ${name}, or take it out`),
        ["upstreams", name],
        "key",
      );
  }
}

/** Whether every request of `later` is taken by `earlier`; a route with methods comes before one without. */
function covers(earlier: readonly string[], later: readonly string[]): boolean {
  if (later.length === 0) return earlier.length === 0;
  return earlier.length > 0 && later.every((method) => earlier.includes(method));
}
