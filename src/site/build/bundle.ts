// What runs in the browser, bundled from TypeScript sources: the file that a page begins with, and those that it loads
// when they are needed, minified, with hashes of their content in their names.
import { rolldown } from "rolldown";

/** Bundles what begins with the file `input` into the folder `output`; returns the name of the file to begin with. */
export async function bundleScripts(input: string, output: string): Promise<string> {
  const bundle = await rolldown({
    input: { page: input },
    platform: "browser",
    transform: { target: "es2022", jsx: { runtime: "automatic", importSource: "preact" } },
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
