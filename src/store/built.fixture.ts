// The store's thread as JavaScript, for tests that run from the sources: a worker of Node 20 takes no TypeScript.
import { mkdtempSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { rolldown } from "rolldown";

const require = createRequire(import.meta.url);

export interface Built {
  readonly thread: URL;
  /** For processes of their own: exports openStore. */
  readonly store: URL;
  remove(): void;
}

/** Bundles the thread and the store into a folder of their own. */
export async function buildStore(): Promise<Built> {
  const folder = mkdtempSync(join(tmpdir(), "goodgate-store-built-"));
  const source = (name: string): string => fileURLToPath(new URL(`./${name}.ts`, import.meta.url));
  const bundle = await rolldown({
    input: { thread: source("thread"), store: source("store"), "read-only": source("read-only") },
    platform: "node",
    plugins: [
      {
        name: "packages-stay",
        resolveId(id) {
          if (id.startsWith(".") || id.startsWith("/") || id.startsWith("node:")) return null;
          return { id: pathToFileURL(require.resolve(id)).href, external: true };
        },
      },
    ],
  });
  await bundle.write({ dir: folder, format: "esm", entryFileNames: "[name].js", chunkFileNames: "[name]-[hash].js" });
  await bundle.close();
  return {
    thread: pathToFileURL(join(folder, "thread.js")),
    store: pathToFileURL(join(folder, "store.js")),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}
