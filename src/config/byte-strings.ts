// Byte text in a YAML file. A file is Unicode, the strings of virtual servers are bytes (one character each): what is
// written is taken as UTF-8. A byte that is no part of UTF-8 is a lone surrogate, "\udcff" for ff, as Python has it.

const DECODER = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** The bytes of what is written in a file. */
export function bytesOfText(text: string): string {
  if (/^[\0-\x7f]*$/.test(text)) return text;
  let bytes = "";
  for (const character of text) {
    const code = character.codePointAt(0)!;
    if (code < 0x80) bytes += character;
    else if (code >= 0xdc80 && code <= 0xdcff) bytes += String.fromCharCode(code - 0xdc00);
    else bytes += Buffer.from(character, "utf8").toString("latin1");
  }
  return bytes;
}

/** How bytes are written in a file. */
export function textOfBytes(bytes: string): string {
  if (/^[\0-\x7f]*$/.test(bytes)) return bytes;
  return bytes.replace(/[\xc2-\xf4][\x80-\xbf]{1,3}|[\x80-\xff]/g, (run) => {
    const [text, rest] = longestCharacter(run);
    return text + textOfBytes(rest);
  });
}

/** The character at the beginning of a run of bytes (or the byte, escaped), and what is left. */
function longestCharacter(run: string): readonly [string, string] {
  for (let length = run.length; length > 1; length--) {
    const character = decode(run.slice(0, length));
    if (character !== undefined && [...character].length === 1) return [character, run.slice(length)];
  }
  const code = run.charCodeAt(0);
  return [code < 0x80 ? run[0]! : String.fromCharCode(0xdc00 + code), run.slice(1)];
}

function decode(bytes: string): string | undefined {
  try {
    return DECODER.decode(Buffer.from(bytes, "latin1"));
  } catch {
    // It is no UTF-8: each byte is written by itself.
    return undefined;
  }
}
