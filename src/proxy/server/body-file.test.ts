import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { BodyFile, type BodyFileOptions, FileSending } from "./body-file.ts";

let folder = "";

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "goodgate-body-"));
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** A file, and what resolves at its next progress. */
function fileIn(path: string, options: Partial<BodyFileOptions> = {}) {
  let tell = (): void => {};
  const file = new BodyFile({
    folder: path,
    name: "unlinked",
    random: () => 0.25,
    onProgress: () => tell(),
    ...options,
  });
  const settled = async (): Promise<void> => {
    while (!file.settled) {
      await new Promise<void>((resolve) => {
        tell = resolve;
      });
    }
  };
  return { file, settled };
}

/** Collects what a file sends; each piece is taken, or every other one waits until it is drained. */
function send(file: BodyFile, waits: boolean): Promise<Buffer | string> {
  return new Promise((resolve, reject) => {
    const pieces: Buffer[] = [];
    const sending = new FileSending(file, {
      gone: false,
      take(piece) {
        pieces.push(piece);
        if (waits) setImmediate(() => sending.goOn());
        return !waits;
      },
      end: () => resolve(Buffer.concat(pieces)),
      fail: ({ problem }) => resolve(problem),
      onInternalError: reject,
    });
    sending.goOn();
    // Asked once more while it reads: nothing is sent twice.
    sending.goOn();
  });
}

describe("a body in a file", () => {
  test("has no name, and gives back what was put in, as often as it is asked", async () => {
    const { file, settled } = fileIn(folder);
    const bytes = Buffer.from(Array.from({ length: 200_000 }, (_, i) => i * 7));
    for (let at = 0; at < bytes.length; at += 30_000) file.append(bytes.subarray(at, at + 30_000));
    expect(file.behindBytes).toBe(200_000);
    await settled();
    expect([file.behindBytes, file.sizeBytes, file.problem]).toEqual([0, 200_000, null]);
    expect(readdirSync(folder)).toEqual([]);
    for (const waits of [false, true]) {
      const sent = await send(file, waits);
      expect(Buffer.isBuffer(sent) && sent.equals(bytes)).toBe(true);
    }
    file.release();
  });

  test("empty: nothing is sent but the end", async () => {
    const { file, settled } = fileIn(folder);
    await settled();
    expect(await send(file, true)).toHaveLength(0);
    file.release();
  });

  test("keeps its name as long as it is to; the last user removes it", async () => {
    const { file, settled } = fileIn(folder, { name: "removed" });
    file.append(Buffer.from("hello"));
    await settled();
    expect(file.path).toBe(join(folder, "2500000000"));
    file.share();
    file.release();
    expect(readFileSync(file.path, "latin1")).toBe("hello");
    file.release();
    while (existsSync(file.path)) await new Promise((resolve) => setTimeout(resolve, 5));
  });

  test("never takes a file that is there", async () => {
    const taken = join(folder, "2500000000");
    writeFileSync(taken, "somebody's");
    let asked = 0;
    const { file, settled } = fileIn(folder, { name: "kept", random: () => (asked++ === 0 ? 0.25 : 0.5) });
    file.append(Buffer.from("ours"));
    await settled();
    expect(file.path).toBe(join(folder, "5000000000"));
    expect(readFileSync(taken, "latin1")).toBe("somebody's");
    file.release();
  });

  test("makes its folder", async () => {
    const { file, settled } = fileIn(join(folder, "new"), { name: "kept" });
    await settled();
    expect(file.problem).toBeNull();
    expect(readdirSync(join(folder, "new"))).toEqual(["2500000000"]);
    file.release();
  });

  test("says what the disk says", async () => {
    writeFileSync(join(folder, "none"), "");
    const { file, settled } = fileIn(join(folder, "none"));
    file.append(Buffer.from("x"));
    await settled();
    expect(file.problem).toMatchObject({
      problem: `open() "${join(folder, "none")}/2500000000" failed (20: Not a directory)`,
      code: "ENOTDIR",
    });
    file.release();
  });
});
