// What active checks have found of one endpoint. unknown → up with the first good check; unknown or up → down after
// `fall` bad ones in a row; down → up after `rise` good ones. A result that agrees with the status ends the row
// against it, so an endpoint that alternates stays what it was. Unknown is usable: traffic never waits for a check.
// Callers keep one per endpoint, and check more often while it is changing.

/** One endpoint's state; only the functions here change it. */
export interface Health {
  status: "unknown" | "up" | "down";
  /** Results in a row against the status. */
  streak: number;
}

export interface HealthOptions {
  /** Good checks in a row that bring it back. */
  readonly rise: number;
  /** Bad checks in a row that take it out. */
  readonly fall: number;
}

export function newHealth(): Health {
  return { status: "unknown", streak: 0 };
}

/** A check has its result; true = the endpoint is usable now and was not, or the reverse. */
export function noteCheck(health: Health, good: boolean, { rise, fall }: HealthOptions): boolean {
  const down = health.status === "down";
  if (good !== down) {
    if (good) health.status = "up";
    health.streak = 0;
    return false;
  }
  health.streak += 1;
  if (health.streak < (down ? rise : fall)) return false;
  health.status = down ? "up" : "down";
  health.streak = 0;
  return true;
}

/** The kernel said that nothing listens there: no further check is needed to know. True = it was usable before. */
export function noteGone(health: Health): boolean {
  const usable = health.status !== "down";
  health.status = "down";
  health.streak = 0;
  return usable;
}

/** The latest results speak against the status: more of them are wanted soon. */
export function isChanging(health: Health): boolean {
  return health.streak > 0;
}
