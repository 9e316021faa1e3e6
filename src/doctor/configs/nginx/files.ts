// The files of an nginx.conf as its loader wants them. Besides those of this machine: a copy of another machine's
// folder, in which absolute names of includes mean files beside the main file; and the output of `nginx -T`, which
// holds all files one after the other. Places name the files that the user has to change.
import { shown, toByteText } from "../../../nginx/byte-text.ts";
import type { Files, ReadFailure } from "../../../nginx/load.ts";
import type { FileAccess } from "../files.ts";
import { folderOf, type ReadInput } from "../reader.ts";

/** Where packages put nginx.conf. */
const HOMES =
  /^(?:\/etc\/nginx|\/usr\/local\/etc\/nginx|\/usr\/local\/nginx\/conf|\/opt\/nginx\/conf|\/opt\/homebrew\/etc\/nginx|\/usr\/local\/openresty\/nginx\/conf|\/etc\/openresty)\//;
const DUMPED = /^# configuration file (\/\S.*):\r?\n/gm;

/** What loadNginx starts from. Byte text. */
export interface NginxFiles {
  readonly main: string;
  readonly files: Files;
  /** Where a file was read, where that is not where its include says: full names as people read them. */
  readonly readAt: ReadonlyMap<string, string>;
}

/** The files that an input stands for. */
export function nginxFilesOf(input: ReadInput): NginxFiles {
  return dumpedFiles(input.text) ?? filesBeside(input);
}

/** Of `nginx -T`; null = it is none. */
function dumpedFiles(text: string): NginxFiles | null {
  const heads = [...text.matchAll(DUMPED)];
  const [first] = heads;
  if (!first?.[1]) return null;
  const held = new Map<string, string>();
  for (const [index, head] of heads.entries()) {
    const content = text.slice(head.index + head[0].length, heads[index + 1]?.index ?? text.length);
    held.set(toByteText(head[1] ?? ""), toByteText(content));
  }
  const list = (folder: string) => {
    const inside = folder.endsWith("/") ? folder : `${folder}/`;
    const names = [...held.keys()].filter((path) => path.startsWith(inside)).map((path) => path.slice(inside.length));
    return [...new Set(names.map((name) => name.split("/")[0] ?? ""))];
  };
  return { main: toByteText(first[1]), files: { read: (path) => held.get(path) ?? ABSENT, list }, readAt: new Map() };
}

const ABSENT: ReadFailure = { call: "open", errno: 2, text: "No such file or directory" };

function filesBeside({ file, text, files }: ReadInput): NginxFiles {
  const folder = folderOf(file);
  const main = toByteText(file);
  const found = new Map<string, string>();
  const moved = (path: string): string | null => {
    const home = HOMES.exec(path)?.[0];
    return home === undefined || home === folder ? null : folder + path.slice(home.length);
  };
  return {
    main,
    readAt: found,
    files: {
      read: (path) => {
        if (path === main) return toByteText(text);
        const name = shown(path);
        const beside = moved(name);
        const near = beside === null ? ABSENT : readAt(beside, files);
        if (typeof near !== "string") return readAt(name, files);
        if (beside !== null) found.set(name, beside);
        return near;
      },
      list: (path) => {
        const name = shown(path);
        const beside = moved(`${name.replace(/\/+$/, "")}/`);
        const names = (beside === null ? null : files.list(beside.replace(/\/+$/, "") || ".")) ?? files.list(name);
        return names?.map(toByteText) ?? null;
      },
    },
  };
}

function readAt(path: string, files: FileAccess): string | ReadFailure {
  const content = files.read(path);
  if (content.kind === "text") return toByteText(content.text);
  if (content.reason === "empty") return "";
  if (content.reason === "forbidden") return { call: "open", errno: 13, text: "Permission denied" };
  if (content.reason === "folder") return { call: "pread", errno: 21, text: "Is a directory" };
  return content.reason === "absent" ? ABSENT : { call: "open", errno: 5, text: content.text };
}
