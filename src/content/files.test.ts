import { chmodSync, renameSync, symlinkSync, truncateSync, utimesSync, writeFileSync } from "node:fs";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { DiskPace } from "./disk-pace.ts";
import { type FileProblem, isProblem, problemStatus } from "./file-problem.ts";
import { FileStore } from "./files.ts";
import { type Folder, makeFolder } from "./folder.fixture.ts";
import { type OpenedFile, PIECE_BYTES } from "./opened-file.ts";

let folder: Folder;
beforeEach(() => {
  folder = makeFolder();
});
afterEach(() => folder.remove());

/** Everything in the thread pool, or nothing. */
class FixedPace extends DiskPace {
  readonly #direct: boolean;
  constructor(direct: boolean) {
    super();
    this.#direct = direct;
  }
  override run<T>(direct: () => T, pooled: () => Promise<T>): T | Promise<T> {
    return this.#direct ? direct() : pooled();
  }
}

async function opened(store: FileStore, path: string): Promise<OpenedFile> {
  const file = await store.open(path);
  if (isProblem(file)) throw new Error(file.problem);
  return file;
}

async function problemOf(store: FileStore, path: string): Promise<FileProblem> {
  const file = await store.open(path);
  if (!isProblem(file)) throw new Error("it is there");
  return file;
}

async function contentOf(file: OpenedFile): Promise<string> {
  let text = "";
  for (let at = 0; at < file.sizeBytes; ) {
    const piece = await file.read(at, file.sizeBytes - at);
    if (isProblem(piece)) return `${text}: ${piece.problem}`;
    text += piece.toString("latin1");
    at += piece.length;
  }
  return text;
}

for (const direct of [true, false]) {
  const how = direct ? "directly" : "in the thread pool";
  const newStore = (openMax = 10) => new FileStore(openMax, new FixedPace(direct));

  test(`${how}: facts and content of a file, in pieces of at most 64 KiB`, async () => {
    const content = "0123456789abcdef".repeat(10_000);
    const file = await opened(newStore(), folder.add("large", content));
    expect(file).toMatchObject({ sizeBytes: 160_000, mtimeMs: 1e12, isFile: true, isDirectory: false });
    const piece = await file.read(16, 1e6);
    expect(isProblem(piece) ? piece : piece.length).toBe(PIECE_BYTES);
    expect(await contentOf(file)).toBe(content);
    file.close();
  });

  test(`${how}: a name may be any bytes`, async () => {
    const file = await opened(newStore(), folder.add("\xff\xfe\xd1\x84 ?%", "here"));
    expect(await contentOf(file)).toBe("here");
    file.close();
  });

  test(`${how}: what is not there says so as nginx does`, async () => {
    const path = `${folder.path}/none`;
    const problem = await problemOf(newStore(), path);
    expect(problem.problem).toBe(`open() "${path}" failed (2: No such file or directory)`);
    expect(problemStatus(problem)).toEqual({ status: 404, level: "error" });
    const below = await problemOf(newStore(), `${folder.add("file")}/x`);
    expect(below.problem).toMatch(/\(20: Not a directory\)$/);
    expect(problemStatus(below).status).toBe(404);
    expect(problemStatus(await problemOf(newStore(), `/${"n".repeat(300)}`)).status).toBe(404);
    expect(await newStore().stat(path)).toMatchObject({
      problem: `stat() "${path}" failed (2: No such file or directory)`,
    });
  });

  test(`${how}: a bound on open files; closing twice frees one`, async () => {
    const path = folder.add("file", "x".repeat(PIECE_BYTES + 1));
    const store = newStore(2);
    const [one, two] = [await opened(store, path), await opened(store, path)];
    const refused = await problemOf(store, path);
    expect(refused.problem).toMatch(/^open\(\) ".*" failed \(24: Too many open files\)$/);
    expect(problemStatus(refused)).toEqual({ status: 500, level: "crit" });
    one.close();
    one.close();
    expect(store.openCount).toBe(1);
    (await opened(store, path)).close();
    two.close();
    expect(store.openCount).toBe(0);
    expect(await two.read(0, 1)).toMatchObject({ code: "EBADF" });
  });

  test(`${how}: a folder is looked at and holds no descriptor; neither does a failure`, async () => {
    const store = newStore();
    expect(await opened(store, folder.path)).toMatchObject({ isDirectory: true, isFile: false });
    await problemOf(store, `${folder.path}/none`);
    expect(store.openCount).toBe(0);
  });

  test(`${how}: a file that becomes shorter is a problem, one that grows is sent as it was`, async () => {
    const path = folder.add("file", "x".repeat(100_000));
    const file = await opened(newStore(), path);
    truncateSync(path, 70_000);
    const content = await contentOf(file);
    expect(content.slice(PIECE_BYTES)).toBe(`: "${path}" became shorter while it was sent: 70000 of 100000 bytes`);
    file.close();
    const growing = await opened(newStore(), folder.add("growing", "abc"));
    writeFileSync(`${folder.path}/growing`, "abcdef");
    expect(await contentOf(growing)).toBe("abc");
    growing.close();
  });

  test.skipIf(process.getuid?.() === 0)(`${how}: what may not be read is 403`, async () => {
    const path = folder.add("secret", "x");
    chmodSync(path, 0);
    const problem = await problemOf(newStore(), path);
    expect(problem.text).toBe("13: Permission denied");
    expect(problemStatus(problem)).toEqual({ status: 403, level: "error" });
  });
}

test("a path with a NUL leads nowhere", async () => {
  const path = `${folder.add("file")}\0.html`;
  const store = new FileStore(10);
  for (const problem of [await store.open(path), await store.stat(path)]) {
    expect(isProblem(problem) && problemStatus(problem).status).toBe(404);
  }
});

test("files that are being opened count as open", async () => {
  const store = new FileStore(1, new FixedPace(false));
  const path = folder.add("file");
  const [one, two] = await Promise.all([store.open(path), store.open(path)]);
  expect(isProblem(two) && two.code).toBe("EMFILE");
  if (!isProblem(one)) one.close();
  expect(store.openCount).toBe(0);
});

test("closing while the thread pool reads waits for the read", async () => {
  const store = new FileStore(10, new FixedPace(false));
  const file = await opened(store, folder.add("file", "content"));
  const reading = file.read(0, 7);
  file.close();
  expect(store.openCount).toBe(1);
  const piece = await reading;
  expect(isProblem(piece) ? piece : piece.toString()).toBe("content");
  expect(store.openCount).toBe(0);
});

test("a small file is kept and served again without a descriptor, as long as it is the same", async () => {
  const store = new FileStore(10, new FixedPace(true));
  const path = folder.add("file", "one");
  const serve = async (): Promise<[string, number]> => {
    const file = await opened(store, path);
    const held = store.openCount;
    const content = await contentOf(file);
    file.close();
    return [content, held];
  };
  // A file that has just changed is not kept: its change time is now.
  expect(await serve()).toEqual(["one", 1]);
  expect(await serve()).toEqual(["one", 1]);
  const clock = vi.spyOn(Date, "now").mockReturnValue(Date.now() + 10_000);
  try {
    expect(await serve()).toEqual(["one", 1]);
    expect(await serve()).toEqual(["one", 0]);
    // The same size and modification time: the inode differs.
    folder.add("other", "two");
    renameSync(`${folder.path}/other`, path);
    expect(await serve()).toEqual(["two", 1]);
    expect(await serve()).toEqual(["two", 0]);
    // The same inode, too: the change time differs.
    writeFileSync(path, "abc");
    utimesSync(path, 1e9, 1e9);
    expect(await serve()).toEqual(["abc", 1]);
    expect(store.openCount).toBe(0);
  } finally {
    clock.mockRestore();
  }
});

test("slow calls send what follows through the thread pool for a second", async () => {
  let at = 0;
  let takes = 0.01;
  const pace = new DiskPace(() => at);
  const call = (): string | Promise<string> =>
    pace.run(
      () => {
        at += takes;
        return "direct";
      },
      async () => "pooled",
    );
  const how = (): string => (typeof call() === "string" ? "direct" : "pooled");
  takes = 15;
  expect([how(), how(), how()]).toEqual(["direct", "direct", "pooled"]);
  at += 1001;
  // One slow call is enough to go back.
  expect([how(), how()]).toEqual(["direct", "pooled"]);
  at += 1001;
  takes = 0.01;
  for (let count = 0; count < 100; count++) expect(how()).toBe("direct");
  // A process that is stopped once in a while has no slow disk.
  takes = 20;
  expect(how()).toBe("direct");
  takes = 0.01;
  expect(how()).toBe("direct");
});

test("symbolic links are followed, refused, or refused where another owns them", async () => {
  const target = folder.add("dir/file", "linked");
  symlinkSync("dir/file", `${folder.path}/link`);
  symlinkSync("dir", `${folder.path}/dirlink`);
  symlinkSync("nowhere", `${folder.path}/dangling`);
  const store = new FileStore(10);
  const open = async (path: string, mode: "on" | "if-not-owner", from: string | null = null): Promise<string> => {
    const file = await store.open(path, { mode, from });
    if (isProblem(file)) return `${problemStatus(file).status} ${file.call} ${file.code}`;
    const stats = await store.stat(path, { mode, from });
    expect(isProblem(stats) ? stats : stats.sizeBytes).toBe(file.sizeBytes);
    const content = file.isDirectory ? "folder" : await contentOf(file);
    file.close();
    return content;
  };
  expect(await open(target, "on")).toBe("linked");
  expect(await open(`${folder.path}//dir/./file`, "on")).toBe("linked");
  expect(await open(`${folder.path}/link`, "on")).toBe("403 openat ELOOP");
  expect(await open(`${folder.path}/link`, "if-not-owner")).toBe("linked");
  expect(await open(`${folder.path}/dangling`, "if-not-owner")).toBe("404 openat ENOENT");
  expect(await open(`${folder.path}/dirlink/file`, "on")).toMatch(/^40[34] openat/);
  expect(await open(`${folder.path}/dirlink/file`, "if-not-owner")).toBe("linked");
  expect(await open(`${folder.path}/dir/`, "on")).toBe("folder");
  expect(await open(`${target}/`, "on")).toBe("404 openat ENOTDIR");
  expect(await open(`${folder.path}/none/file`, "on")).toBe("404 openat ENOENT");
  // Links before the end of "from" are trusted, a whole path that is "from" is as well.
  expect(await open(`${folder.path}/dirlink/file`, "on", `${folder.path}/dirlink`)).toBe("linked");
  expect(await open(`${folder.path}/dirlink/file`, "on", `${folder.path}/dirlink/`)).toBe("linked");
  expect(await open(`${folder.path}/link`, "on", `${folder.path}/link`)).toBe("linked");
  expect(await open(`${folder.path}/link`, "on", `${folder.path}/li`)).toBe("403 openat ELOOP");
  expect(await open(`${folder.path}/link`, "on", "")).toBe("403 openat ELOOP");
  expect(store.openCount).toBe(0);
});
