// What commands that print reports know of the terminal: colours, width, waiting for the reader.

/** Whether reports have colours: a terminal that can, and NO_COLOR is not set; FORCE_COLOR has them anywhere. */
export function coloured(): boolean {
  if (process.env["FORCE_COLOR"] !== undefined) return true;
  return process.stdout.isTTY === true && !process.env["NO_COLOR"] && process.env["TERM"] !== "dumb";
}

/** The width of a report: that of the terminal, within what reads well. */
export function columns(): number {
  return Math.min(110, Math.max(50, process.stdout.columns || 100));
}

/** Prints to standard output and waits for the reader: a pipe may be slow. */
export function print(text: string): Promise<void> {
  return new Promise((resolve) => process.stdout.write(text, () => resolve()));
}
