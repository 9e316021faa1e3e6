// Text of strangers for a terminal: what could steer it (escape sequences, C0 and C1 controls) or change the order in
// which a line is read (directional marks, separators of lines) is shown as an escape. Tabs and line feeds stay.

const STEERING = /[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/g;

/** The text with what could steer a terminal escaped. */
export function printable(text: string): string {
  return text.replace(STEERING, (character) => {
    const code = character.charCodeAt(0);
    return code < 256 ? `\\x${code.toString(16).padStart(2, "0")}` : `\\u${code.toString(16).padStart(4, "0")}`;
  });
}
