// Colours for reports in a terminal, or none.

const CODES = {
  bold: "1",
  dim: "2",
  red: "31",
  green: "32",
  yellow: "33",
  cyan: "36",
  inverse: "7",
} as const;

export type Style = keyof typeof CODES;
export type Paint = (style: Style, text: string) => string;

/** Paints, or leaves the text as it is. */
export const painter =
  (colour: boolean): Paint =>
  (style, text) =>
    colour && text !== "" ? `\x1b[${CODES[style]}m${text}\x1b[0m` : text;
