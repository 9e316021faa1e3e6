// What runs in the browser, as two files: what every page has, and what is loaded once somebody explains or searches.
// One import of TypeScript sources each, minified, with content hashes in their names.

import { join } from "node:path";
import { rolldown } from "rolldown";

/** Bundles `folder`/page.ts into `output`; returns the name of its file. */
export async function bundleScripts(folder: string, output: string): Promise<string> {
  const bundle = await rolldown({
    input: { page: join(folder, "page.ts") },
    platform: "browser",
    transform: { target: "es2022" },
    logLevel: "warn",
  });
  try {
    const { output: files } = await bundle.write({
      dir: output,
      format: "es",
      minify: true,
      entryFileNames: "[name]-[hash].js",
      chunkFileNames: "[name]-[hash].js",
    });
    return files.find((file) => file.type === "chunk" && file.isEntry)!.fileName;
  } finally {
    await bundle.close();
  }
}
