// Which failures are kept whole, decided while they happen: a record cannot be looked at later, and its evidence costs
// far more than counting it. At most 20 a second and 5 of a group in a tick. Each cause has its share, and within it
// each group: where the room is taken, what has most gives way to what has less, so that under a storm of one kind
// the one failure of another kind is still kept. Replacing makes the shares more even each time, which bounds how
// often it can happen.
import type { Ms } from "../std/units.ts";
import type { GroupTally } from "./capture-group.ts";
import type { KeptFailure } from "./report.ts";

export const KEPT_PER_SECOND = 20;
export const KEPT_PER_GROUP = 5;
/** Of those in a group that nobody saw as an error of ours: the others are worth more. */
const MILD_PER_GROUP = 3;
/** Of a group of requests that we refused. */
const REFUSED_PER_GROUP = 2;
/** Until somebody takes them. */
const WAITING_MAX = 100;
const WINDOW_MS = 1000;

export type Weight = "shown" | "mild" | "refused";

interface Place {
  readonly group: GroupTally;
  readonly window: number;
  kept: KeptFailure;
}

export class Choice {
  #places: Place[] = [];
  #window = 0;
  #windowAt: Ms = Number.NaN;
  #inWindow = 0;

  /** Keeps what `make` gives, where there is room for a failure of this group. */
  offer(group: GroupTally, weight: Weight, wall: Ms, make: () => KeptFailure): void {
    if (group.kept >= MILD_PER_GROUP) {
      if (weight !== "shown" || group.kept >= KEPT_PER_GROUP) return;
    } else if (weight === "refused" && group.kept >= REFUSED_PER_GROUP) return;
    // A clock that was set back begins a new second, too.
    if (!(wall >= this.#windowAt && wall < this.#windowAt + WINDOW_MS)) {
      this.#windowAt = wall;
      this.#window++;
      this.#inWindow = 0;
    }
    if (this.#inWindow < KEPT_PER_SECOND && this.#places.length < WAITING_MAX) {
      this.#places.push({ group, window: this.#window, kept: make() });
      this.#inWindow++;
      group.kept++;
      return;
    }
    const victim = this.#victim(group);
    if (victim === null) return;
    const kept = make();
    victim.group.kept--;
    group.kept++;
    this.#places[this.#places.indexOf(victim)] = { group, window: this.#window, kept };
  }

  /** What was kept, by time. */
  take(): KeptFailure[] {
    const kept = this.#places.map((place) => place.kept);
    this.#places = [];
    return kept.sort((a, b) => a.at - b.at);
  }

  /** The one that gives way: of the cause with most places, else of the group with most within the cause; null = none. */
  #victim(group: GroupTally): Place | null {
    const places = this.#places;
    const { cause } = group.key;
    const byCause = new Map<string, number>();
    for (const place of places) byCause.set(place.group.key.cause, (byCause.get(place.group.key.cause) ?? 0) + 1);
    const own = byCause.get(cause) ?? 0;
    let fullest = cause as string;
    for (const [other, count] of byCause) if (count > (byCause.get(fullest) ?? 0)) fullest = other;
    const most = byCause.get(fullest) ?? 0;
    if (fullest === cause || most <= own + 1) {
      // Its own cause has its share: within it the groups share.
      return this.#ofFullestGroup(cause, group.kept + 1);
    }
    return this.#ofFullestGroup(fullest, 0);
  }

  /** The latest of the group with most places, among those of the cause with more than `above`, and of this second. */
  #ofFullestGroup(cause: string, above: number): Place | null {
    let victim: Place | null = null;
    for (const place of this.#places) {
      if (place.group.key.cause !== cause || place.group.kept <= above || place.window !== this.#window) continue;
      if (victim === null || place.group.kept >= victim.group.kept) victim = place;
    }
    return victim;
  }
}
