// Where the reference of errors is read on the web.

/** Where the reference stands: problem types are addresses below it. */
export const REFERENCE_BASE = "https://goodgate.dev";

/** The address of the reference entry of a cause. */
export function referenceOf(cause: string, base: string = REFERENCE_BASE): string {
  return `${base}/reference/cause/${cause}`;
}
