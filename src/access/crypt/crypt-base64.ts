// The alphabet of crypt(3): six bits per character, the lowest first. Each scheme has its own order of the bytes.

/** "./0-9A-Za-z". */
export const CRYPT_ALPHABET = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/** The lowest six bits first. */
function cryptDigits(value: number, count: number): string {
  let text = "";
  for (let index = 0; index < count; index++) text += CRYPT_ALPHABET[(value >>> (6 * index)) & 0x3f];
  return text;
}

/** Bytes in groups of three, by the scheme's order: [0, 6, 12] has byte 0 in the highest place. A shorter group is padded. */
export function encodeGroups(digest: Buffer, groups: readonly (readonly number[])[]): string {
  let text = "";
  for (const group of groups) {
    const value = group.reduce((bits, index) => (bits << 8) | digest[index]!, 0);
    text += cryptDigits(value, group.length + 1);
  }
  return text;
}
