// The static site: every address of the reference as a file of a folder that any web server can serve, at any address.
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { addressesOf, type Reference, resourceAt } from "./reference.ts";

export interface SiteReport {
  readonly files: number;
  readonly bytes: number;
}

/** Writes the site into `folder`, over what is there. */
export async function writeSite(reference: Reference, folder: string): Promise<SiteReport> {
  let bytes = 0;
  const addresses = addressesOf(reference);
  for (const path of addresses) {
    const resource = await resourceAt(reference, path);
    if (resource === null) throw new Error(`nothing stands at ${path}, which the list of addresses has`);
    const file = join(folder, path === "" || path.endsWith("/") ? `${path}index.html` : path);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, resource.body);
    bytes += Buffer.byteLength(resource.body);
  }
  return { files: addresses.length, bytes };
}
