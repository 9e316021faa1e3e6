// Classes of bytes (RFC 9110 §5.5, §5.6.2; RFC 3986), one table for all: BYTE_CLASS[byte] & IN_TOKEN tells whether a byte
// may stand in a field name, and so on. All that is not allowed is an error; nothing is repaired.

/** Token: field names, methods (RFC 9110 §5.6.2). */
export const IN_TOKEN = 1;
/** Field values and reason phrases: HTAB, SP, visible US-ASCII, obs-text. */
export const IN_VALUE = 2;
/** Request targets: visible US-ASCII but "#". What RFC 3986 wants encoded ("{", "|", …) passes, as browsers send it. */
export const IN_TARGET = 4;
/** Registered names and IPv4 addresses: unreserved and sub-delims, without "," and "%". */
export const IN_HOST = 8;
/** Unreserved (RFC 3986 §2.3): these are the same with and without percent-encoding. */
export const UNRESERVED = 16;

/** Targets, without the bytes that may ask for normalisation or end the path: "%", "." and "?". */
export const PLAIN_IN_PATH = 32;

/** Classes of each byte. */
export const BYTE_CLASS: Uint8Array = new Uint8Array(256);

/** IN_TOKEN for letters, digits and "-" only; and with "_". All other classes are not there. */
export const PLAIN_NAME: Uint8Array = new Uint8Array(256);
export const UNDERSCORE_NAME: Uint8Array = new Uint8Array(256);

/** Value of a hexadecimal digit; 255 = none. */
export const HEX_VALUE: Uint8Array = new Uint8Array(256).fill(255);

const ALPHANUMERIC = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

for (let byte = 0x20; byte < 0x100; byte++) if (byte !== 0x7f) mark(byte, IN_VALUE);
mark(0x09, IN_VALUE);
for (let byte = 0x21; byte < 0x7f; byte++) if (byte !== 0x23) mark(byte, IN_TARGET);
markAll(`${ALPHANUMERIC}!#$%&'*+-.^_\`|~`, IN_TOKEN);
for (let byte = 0x21; byte < 0x7f; byte++) if (!"#%.?".includes(String.fromCharCode(byte))) mark(byte, PLAIN_IN_PATH);
markAll(`${ALPHANUMERIC}-._~`, UNRESERVED);
markAll(`${ALPHANUMERIC}-._~!$&'()*+;=`, IN_HOST);
for (const character of `${ALPHANUMERIC}-`) PLAIN_NAME[character.charCodeAt(0)] = IN_TOKEN;
UNDERSCORE_NAME.set(PLAIN_NAME);
UNDERSCORE_NAME["_".charCodeAt(0)] = IN_TOKEN;
for (let digit = 0; digit < 16; digit++) {
  HEX_VALUE[digit.toString(16).charCodeAt(0)] = digit;
  HEX_VALUE[digit.toString(16).toUpperCase().charCodeAt(0)] = digit;
}

function mark(byte: number, classes: number): void {
  BYTE_CLASS[byte] = BYTE_CLASS[byte]! | classes;
}

function markAll(characters: string, classes: number): void {
  for (let i = 0; i < characters.length; i++) mark(characters.charCodeAt(i), classes);
}

export const HTAB = 0x09;
export const LF = 0x0a;
export const CR = 0x0d;
export const SP = 0x20;
export const COMMA = 0x2c;
export const DOT = 0x2e;
export const SLASH = 0x2f;
export const DIGIT_0 = 0x30;
export const DIGIT_9 = 0x39;
export const COLON = 0x3a;
export const SEMICOLON = 0x3b;
export const QUESTION = 0x3f;
export const PERCENT = 0x25;
export const DEL = 0x7f;
