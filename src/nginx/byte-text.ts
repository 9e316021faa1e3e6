// Text of a configuration, as nginx has it: bytes. Each character of such a string is one byte (0 to 255), so that
// lengths and limits are nginx's, a file in any encoding is printed as it was read, and regular expressions compare
// bytes as PCRE does without its UTF mode. Only what people read is decoded.

/** One character for each byte. */
export function byteText(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1");
}

/** The bytes of an ordinary string (a literal in a program, a path), one character each. */
export function toByteText(text: string): string {
  return isAscii(text) ? text : Buffer.from(text, "utf8").toString("latin1");
}

/** As people read it: UTF-8, a replacement character for what is none. */
export function shown(text: string): string {
  return isAscii(text) ? text : Buffer.from(text, "latin1").toString("utf8");
}

function isAscii(text: string): boolean {
  for (let index = 0; index < text.length; index++) if (text.charCodeAt(index) > 0x7f) return false;
  return true;
}
