// Which bytes are text, and in which encoding: told from the beginning of a file (and its end, where it can be read),
// never from its name. A byte order mark decides; without one, NULs at every second place are UTF-16; NULs in runs are
// holes that a truncated log has; bytes that are no UTF-8 are latin1. Known formats that are no text are named, with the
// command that makes text of them.

export type TextEncoding = "utf-8" | "utf-16le" | "utf-16be" | "latin1";

export type Content =
  | { readonly kind: "text"; readonly encoding: TextEncoding; readonly bomBytes: number }
  | { readonly kind: "gzip" }
  | { readonly kind: "foreign"; readonly what: string; readonly next: string };

interface Magic {
  readonly bytes: readonly number[];
  readonly what: string;
  readonly next: string;
}

const ascii = (text: string): readonly number[] => [...text].map((letter) => letter.charCodeAt(0));
const MAGICS: readonly Magic[] = [
  {
    bytes: [0x28, 0xb5, 0x2f, 0xfd],
    what: "compressed with zstd",
    next: "Unpack it: zstd -d FILE, and give the result.",
  },
  { bytes: ascii("BZh"), what: "compressed with bzip2", next: "Unpack it: bunzip2 -k FILE, and give the result." },
  { bytes: [0xfd, ...ascii("7zXZ")], what: "compressed with xz", next: "Unpack it: xz -dk FILE, and give the result." },
  { bytes: ascii("PK\x03\x04"), what: "a zip archive", next: "Unpack it and give the logs in it." },
  {
    bytes: ascii("LPKSHHRH"),
    what: "a journal of systemd",
    next: "Export it: journalctl --file FILE -o short-iso > journal.log, and give journal.log.",
  },
  { bytes: ascii("SQLite format 3"), what: "an SQLite database", next: "Give the log that a program wrote as text." },
  { bytes: [0xd4, 0xc3, 0xb2, 0xa1], what: "a packet capture", next: "Give the log that a program wrote as text." },
  { bytes: [0x0a, 0x0d, 0x0d, 0x0a], what: "a packet capture", next: "Give the log that a program wrote as text." },
  { bytes: [0x7f, ...ascii("ELF")], what: "a program", next: "Give the log that it wrote." },
];

/** Told from bytes of the file; more than the first of them is better, less is enough. */
export function contentOf(sample: Uint8Array): Content {
  if (sample[0] === 0x1f && sample[1] === 0x8b) return { kind: "gzip" };
  const magic = MAGICS.find(({ bytes }) => bytes.every((byte, at) => sample[at] === byte));
  if (magic) return { kind: "foreign", what: magic.what, next: magic.next };
  const bom = bomOf(sample);
  if (bom) return bom;
  const counts = countBytes(sample);
  const wide = wideOf(counts, sample.length);
  if (wide) return { kind: "text", encoding: wide, bomBytes: 0 };
  const rest = sample.length - counts.nulRuns;
  if (rest > 0 && (counts.controls + counts.loneNuls) / rest > 0.1)
    return { kind: "foreign", what: "not text", next: "Give the log that a program wrote as text." };
  return { kind: "text", encoding: isUtf8(sample) ? "utf-8" : "latin1", bomBytes: 0 };
}

function bomOf([first, second, third]: Uint8Array): Content | null {
  if (first === 0xef && second === 0xbb && third === 0xbf) return { kind: "text", encoding: "utf-8", bomBytes: 3 };
  if (first === 0xff && second === 0xfe) return { kind: "text", encoding: "utf-16le", bomBytes: 2 };
  if (first === 0xfe && second === 0xff) return { kind: "text", encoding: "utf-16be", bomBytes: 2 };
  return null;
}

interface Counts {
  /** NULs between other bytes, at even and at odd places. */
  readonly even: number;
  readonly odd: number;
  readonly loneNuls: number;
  /** NULs in runs of eight and more. */
  readonly nulRuns: number;
  readonly controls: number;
}

const RUN_MIN = 8;

function countBytes(sample: Uint8Array): Counts {
  const counts = { even: 0, odd: 0, loneNuls: 0, nulRuns: 0, controls: 0 };
  for (let at = 0; at < sample.length; at++) {
    const byte = sample[at] ?? 0;
    if (byte === 0) {
      let end = at + 1;
      while (end < sample.length && sample[end] === 0) end++;
      if (end - at >= RUN_MIN) counts.nulRuns += end - at;
      else {
        counts.loneNuls += end - at;
        for (let nul = at; nul < end; nul++) counts[nul % 2 === 0 ? "even" : "odd"]++;
      }
      at = end - 1;
    } else if (byte < 32 && byte !== 9 && byte !== 10 && byte !== 13 && byte !== 27) counts.controls++;
  }
  return counts;
}

/** Most text is of letters whose upper byte is 0. */
function wideOf({ even, odd, nulRuns }: Counts, length: number): TextEncoding | null {
  const pairs = (length - nulRuns) / 2;
  if (pairs < 2) return null;
  if (odd > pairs * 0.6 && even < pairs * 0.1) return "utf-16le";
  if (even > pairs * 0.6 && odd < pairs * 0.1) return "utf-16be";
  return null;
}

/** A character that the end of the sample cuts is none that is wrong. */
function isUtf8(sample: Uint8Array): boolean {
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(sample, { stream: true });
    return true;
  } catch {
    // That is what was asked: these bytes are no UTF-8.
    return false;
  }
}
