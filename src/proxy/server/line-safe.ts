// What variables bring into heads. Texts of a configuration may hold what a client sent, decoded ($uri, captures): it
// must end neither a field nor a request line, whatever the configuration does with it.

const BREAKS = /[\r\n\0]/;
const BREAKS_EACH = /[\r\n\0]+/g;
const NOT_IN_TARGET = /[\x00-\x20\x7f]/;
const NOT_IN_TARGET_EACH = /[\x00-\x20\x7f]/g;

/** A value as it may stand in a field. */
export function fieldSafe(value: string): string {
  return BREAKS.test(value) ? value.replace(BREAKS_EACH, "") : value;
}

/** A target as it may stand in a request line: spaces and controls are percent-encoded. */
export function targetSafe(target: string): string {
  if (!NOT_IN_TARGET.test(target)) return target;
  return target.replace(NOT_IN_TARGET_EACH, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`);
}

/** A method of the configuration's; null = it is none. */
export function methodSafe(method: string): string | null {
  return /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,32}$/.test(method) ? method : null;
}
