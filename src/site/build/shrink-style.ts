// A style sheet without its comments and needless blanks. Strings stay as they are; nothing else is rewritten.

/** The same rules in fewer bytes. */
export function shrinkStyle(css: string): string {
  return css
    .replace(/("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')|\/\*[\s\S]*?\*\//g, "$1")
    .split(/("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')/)
    .map((part, index) => (index % 2 === 1 ? part : shrink(part)))
    .join("")
    .trim();
}

/** A blank before ":" or "(" and around "+" may be a part of the meaning: those stay. */
function shrink(css: string): string {
  return css
    .replace(/\s+/g, " ")
    .replace(/\s*([{};,>])\s*/g, "$1")
    .replace(/([:(])\s+/g, "$1")
    .replace(/;}/g, "}");
}
