// Connecting to one address: whether it opens, how fast, and if not, whether it says so (RST) or is silent. One that
// opens is measured twice; one that fails is tried up to three times, since a full accept queue or a lost packet shows
// as sometimes. A silent one is tried twice, where there is time: the kernel has sent several SYNs by then.
import type { Failure } from "../../failure/failure.ts";
import { type Destination, destinationText } from "../../net/connect.ts";
import { now } from "../../std/clock.ts";
import type { Ms } from "../../std/units.ts";
import type { TcpEvidence } from "../evidence.ts";
import { connectTo } from "./connection.ts";
import { leaveOut, leftMs, MORE_TIME, pause, roundedMs, type Scene } from "./context.ts";

const TRIES_WHEN_OPEN = 2;
const TRIES_WHEN_FAILING = 3;
/** Silence for less than this says nothing: the first SYN may be lost, and the kernel repeats it after a second. */
const TELLING_MS: Ms = 1_000;
const TRIES_WHEN_SILENT = 2;
const BETWEEN_TRIES_MS: Ms = 100;

/** Whether an address opens, for the layers above: at its first success, or when it is clear that there is none. */
export interface Opening {
  /** null = it opens. */
  readonly failure: Failure | null;
}

/** Tries one address. `tell` is called once; null = the time was up before anything was known. */
export async function probeTcp(
  scene: Scene,
  destination: Destination,
  tell: (opening: Opening | null) => void,
): Promise<TcpEvidence> {
  const tries: TcpEvidence["tries"][number][] = [];
  const address = destinationText(destination);
  const { limits } = scene;
  let failure: Failure | null = null;
  while (tries.length < (failure ? TRIES_WHEN_FAILING : TRIES_WHEN_OPEN)) {
    const startedAt = now();
    const limited = leftMs(scene) < limits.connectMs;
    const connected = await connectTo(scene, destination);
    const silent = !connected.ok && connected.failure.cause === "connect-timeout";
    if (silent && limited && connected.tookMs < TELLING_MS) {
      leaveOut(scene, `connecting to ${address}`, "the time was up", MORE_TIME);
      break;
    }
    tries.push({ tookMs: roundedMs(connected.tookMs), failure: connected.ok ? null : connected.failure });
    if (connected.ok) connected.socket.destroy();
    else failure = connected.failure;
    if (connected.ok) tell({ failure: null });
    // Another wait as long as this one would cost what is above its time.
    else if (silent) tell({ failure });
    if (silent && tries.length >= TRIES_WHEN_SILENT) break;
    const roomFor = silent ? limits.connectMs * 2 : BETWEEN_TRIES_MS * 2;
    if (limited || leftMs(scene) < roomFor) break;
    await pause(scene, Math.max(0, BETWEEN_TRIES_MS - (now() - startedAt)));
  }
  // Where it has been told already, this changes nothing.
  tell(failure && { failure });
  return { address, family: familyOf(destination), tries };
}

/** The family of an address. */
export function familyOf(destination: Destination): TcpEvidence["family"] {
  if (destination.kind === "unix") return "unix";
  return destination.ip.includes(":") ? 6 : 4;
}
