// The files that readers read, passed in so that tests need no disk. A file is text or the reason why it is not:
// absent, forbidden, a folder, a device, too large, binary, empty. Nothing waits: pipes and devices are not opened.
// Texts are UTF-8; UTF-16 with its mark is decoded, what is no UTF-8 is taken as Latin-1, and both are told.
import { closeSync, fstatSync, openSync, readdirSync, readSync, statSync } from "node:fs";

/** Larger files are no configurations. */
export const FILE_BYTES_MAX = 16 * 1024 * 1024;
const NAMES_MAX = 10_000;

export type Encoding = "utf-8" | "utf-16" | "latin-1";

/** A file that can be read. */
export interface FileText {
  readonly kind: "text";
  /** Without a byte order mark. */
  readonly text: string;
  readonly encoding: Encoding;
}

/** A file that cannot be read. */
export interface FileFault {
  readonly kind: "fault";
  readonly reason: "absent" | "forbidden" | "folder" | "special" | "too-large" | "binary" | "empty" | "other";
  /** "there is no such file": behind the file's name. */
  readonly text: string;
  readonly next: string;
}

export interface FileAccess {
  readonly read: (path: string) => FileText | FileFault;
  /** Names in a folder, sorted; null = there is none, or it may not be read. At most 10 000. */
  readonly list: (folder: string) => readonly string[] | null;
}

/** The files of this machine. */
export const FILES_ON_DISK: FileAccess = { read: readOnDisk, list: listOnDisk };

/** Files that are held in memory, by full name: for tests. */
export function filesInMemory(files: Readonly<Record<string, string | Uint8Array>>): FileAccess {
  const bytesOf = (content: string | Uint8Array) => (typeof content === "string" ? Buffer.from(content) : content);
  const list = (folder: string): readonly string[] | null => {
    const inside = `${folder.replace(/\/+$/, "")}/`;
    const below = Object.keys(files).filter((path) => path.startsWith(inside));
    const names = below.map((path) => path.slice(inside.length).split("/")[0] ?? "");
    return below.length === 0 ? null : [...new Set(names)].sort();
  };
  const read = (path: string): FileText | FileFault => {
    const content = files[path];
    if (content !== undefined) return decoded(bytesOf(content));
    return list(path) === null ? fault("absent") : fault("folder");
  };
  return { read, list };
}

/** Bytes as text, or why they are none. */
export function decoded(bytes: Uint8Array): FileText | FileFault {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (buffer.length === 0) return fault("empty");
  if (buffer.length > FILE_BYTES_MAX) return fault("too-large");
  const [first, second] = buffer;
  if (first === 0xff && second === 0xfe) return text(buffer.subarray(2).toString("utf16le"), "utf-16");
  if (first === 0xfe && second === 0xff) {
    const even = Buffer.from(buffer.subarray(2, buffer.length - (buffer.length % 2)));
    return text(even.swap16().toString("utf16le"), "utf-16");
  }
  if (isBinary(buffer)) return fault("binary");
  try {
    return text(new TextDecoder("utf-8", { fatal: true }).decode(buffer), "utf-8");
  } catch {
    // No UTF-8: every byte is a character of Latin-1.
    return text(buffer.toString("latin1"), "latin-1");
  }
}

function text(value: string, encoding: Encoding): FileText | FileFault {
  const content = value.replace(/^\ufeff/, "");
  return content.trim() === "" ? fault("empty") : { kind: "text", text: content, encoding };
}

/** Zero bytes, or many control characters, in the beginning. */
function isBinary(buffer: Buffer): boolean {
  const head = buffer.subarray(0, 8192);
  let controls = 0;
  for (const byte of head) {
    if (byte === 0) return true;
    if (byte < 0x20 && byte !== 0x09 && byte !== 0x0a && byte !== 0x0d && byte !== 0x0c && byte !== 0x1b) controls += 1;
  }
  return controls * 20 > head.length;
}

const FAULTS: Readonly<Record<FileFault["reason"], readonly [text: string, next: string]>> = {
  absent: ["there is no such file", "check the path, and whether it is on this machine or inside a container"],
  forbidden: ["it may not be read by this user", "run as a user who may read it, or copy it to a place of your own"],
  folder: ["it is a folder", "name the file itself"],
  special: ["it is no regular file (a device, a pipe or a socket)", "name the configuration file itself"],
  "too-large": ["it is larger than 16 MiB, which no configuration is", "name the configuration file; logs go to --log"],
  binary: ["it holds binary data, no text", "name the configuration file itself, unpacked"],
  empty: ["it is empty", "name the file that the program really reads"],
  other: ["it could not be read", "check the path and the file system"],
};

function fault(reason: FileFault["reason"], detail = ""): FileFault {
  const [said, next] = FAULTS[reason];
  return { kind: "fault", reason, text: detail === "" ? said : `${said} (${detail})`, next };
}

function readOnDisk(path: string): FileText | FileFault {
  try {
    // Opening a pipe would wait for its writer.
    const before = statSync(path);
    if (before.isDirectory()) return fault("folder");
    if (!before.isFile()) return fault("special");
    if (before.size > FILE_BYTES_MAX) return fault("too-large");
    return decoded(bytesOf(path));
  } catch (error) {
    return faultOf(error);
  }
}

/** Read to its end rather than to its size, which is 0 for what the kernel makes. */
function bytesOf(path: string): Uint8Array {
  const descriptor = openSync(path, "r");
  try {
    const chunks: Buffer[] = [];
    let length = 0;
    while (length <= FILE_BYTES_MAX) {
      const chunk = Buffer.alloc(Math.max(fstatSync(descriptor).size - length, 0) + 4096);
      const count = readSync(descriptor, chunk, 0, chunk.length, null);
      if (count === 0) break;
      chunks.push(chunk.subarray(0, count));
      length += count;
    }
    return Buffer.concat(chunks);
  } finally {
    closeSync(descriptor);
  }
}

function faultOf(error: unknown): FileFault {
  const code = error instanceof Error && "code" in error ? String(error.code) : String(error);
  if (code === "ENOENT" || code === "ENOTDIR") return fault("absent");
  if (code === "EACCES" || code === "EPERM") return fault("forbidden");
  return fault("other", code);
}

function listOnDisk(folder: string): readonly string[] | null {
  try {
    return readdirSync(folder).sort().slice(0, NAMES_MAX);
  } catch {
    // As glob(3) has it: what cannot be listed holds nothing that fits.
    return null;
  }
}
