// The calls of node:fs that content is served by, each directly and by way of the thread pool; disk-pace.ts chooses.
// A failed call is a value. Paths come as byte text, for the log, and as the bytes that the call is given.
import * as fs from "node:fs";
import type { Bytes } from "../std/units.ts";
import { type FileProblem, fileProblem, problemOf } from "./file-problem.ts";
import { strerror } from "./strerror.ts";

/** O_NONBLOCK: opening a FIFO must not wait for its writer. */
export const READ_FLAGS = fs.constants.O_RDONLY | fs.constants.O_NONBLOCK;

/** What is known of a file without opening it. */
export interface FileFacts {
  readonly sizeBytes: Bytes;
  readonly mtimeMs: number;
  readonly isDirectory: boolean;
  readonly isFile: boolean;
  readonly isExecutable: boolean;
}

export function factsOf(stats: fs.Stats): FileFacts {
  return {
    sizeBytes: stats.size,
    mtimeMs: stats.mtimeMs,
    isDirectory: stats.isDirectory(),
    isFile: stats.isFile(),
    isExecutable: (stats.mode & fs.constants.S_IXUSR) !== 0,
  };
}

export function openDirect(path: string, bytes: Buffer): number | FileProblem {
  try {
    return fs.openSync(bytes, READ_FLAGS);
  } catch (error) {
    return fileProblem("open", path, error);
  }
}

export function openPooled(path: string, bytes: Buffer): Promise<number | FileProblem> {
  return new Promise((resolve) => {
    fs.open(bytes, READ_FLAGS, (error, fd) => resolve(error ? fileProblem("open", path, error) : fd));
  });
}

/** Of a descriptor: the file was found already, so that this waits for nothing. */
export function statDescriptor(path: string, fd: number): fs.Stats | FileProblem {
  try {
    return fs.fstatSync(fd);
  } catch (error) {
    return fileProblem("fstat", path, error);
  }
}

/** An absent file is usual (try_files, index): no exception is made for it. */
export function statDirect(path: string, bytes: Buffer): fs.Stats | FileProblem {
  try {
    return (
      fs.statSync(bytes, { throwIfNoEntry: false }) ?? problemOf("stat", path, "ENOENT", strerror("ENOENT", ENOENT))
    );
  } catch (error) {
    return fileProblem("stat", path, error);
  }
}

export function statPooled(path: string, bytes: Buffer): Promise<fs.Stats | FileProblem> {
  return new Promise((resolve) => {
    fs.stat(bytes, (error, stats) => resolve(error ? fileProblem("stat", path, error) : stats));
  });
}

export function readDirect(path: string, fd: number, into: Buffer, position: number): number | FileProblem {
  try {
    return fs.readSync(fd, into, 0, into.length, position);
  } catch (error) {
    return fileProblem("read", path, error);
  }
}

export function readPooled(path: string, fd: number, into: Buffer, position: number): Promise<number | FileProblem> {
  return new Promise((resolve) => {
    fs.read(fd, into, 0, into.length, position, (error, read) => {
      resolve(error ? fileProblem("read", path, error) : read);
    });
  });
}

const ENOENT = 2;
