// The zone of a log whose times say none and lie ahead of the clock: nobody writes in the future, so they are of another
// zone. Which one is told by when the file was written last, where that fits a zone to the minute; else it is left open.
import { type FileHandle, open } from "node:fs/promises";
import { normalise } from "../../explain/normalise.ts";
import { recognise } from "../../explain/recognise.ts";
import type { Bytes, Ms } from "../../std/units.ts";
import { saysZone, timeReader } from "./time.ts";

const TAIL: Bytes = 16 * 1024;
/** A log cannot be ahead of the clock by more. */
const CLOCK_SKEW_MS: Ms = 5 * 60_000;
const HALF_HOUR_MS: Ms = 30 * 60_000;
/** The last line was written so shortly before the file was closed or looked at. */
const FITS_MS: Ms = 120_000;
const HALVES_MAX = 28;

/** Minutes east of UTC; null = its times are not ahead, or fit no zone. */
export async function zoneOfTail(file: string, writtenAtMs: number): Promise<number | null> {
  const lastMs = await lastUnzoned(file, writtenAtMs);
  if (lastMs === null || lastMs < Date.now() + CLOCK_SKEW_MS) return null;
  const halves = Math.round((lastMs - writtenAtMs) / HALF_HOUR_MS);
  const off = Math.abs(lastMs - writtenAtMs - halves * HALF_HOUR_MS);
  if (off > FITS_MS || halves < 1 || halves > HALVES_MAX) return null;
  return halves * 30 - new Date(lastMs).getTimezoneOffset();
}

/** The newest time of the last lines, where they say no zone: as if it were of this machine's. */
async function lastUnzoned(file: string, writtenAtMs: number): Promise<number | null> {
  const time = timeReader({ referenceMs: writtenAtMs, zoneMinutes: null });
  for (const line of (await tailOf(file)).reverse()) {
    const { facts, format } = recognise(normalise(line));
    const atMs = time(facts.time, format);
    if (atMs !== null && facts.time !== undefined) return saysZone(facts.time, format) ? null : atMs;
  }
  return null;
}

async function tailOf(file: string): Promise<string[]> {
  let handle: FileHandle | null = null;
  try {
    handle = await open(file);
    const { size } = await handle.stat();
    const from = Math.max(0, size - TAIL);
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(TAIL), 0, TAIL, from);
    const lines = buffer.toString("utf8", 0, bytesRead).split("\n");
    // Cut at its beginning.
    return (from > 0 ? lines.slice(1) : lines).slice(-50);
  } catch {
    // Reading it says what is wrong with it.
    return [];
  } finally {
    await handle?.close();
  }
}
