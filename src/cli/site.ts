// goodgate site build DIR: the reference as a folder of files for any web server. Exit codes: 0 written, 2 wrong usage,
// or a folder that holds something else.
import { existsSync, readdirSync, statSync } from "node:fs";
import { openLibrary } from "../site/library.ts";
import { writeSite } from "../site/write-site.ts";

const EXIT_FINE = 0;
const EXIT_USAGE = 2;

export interface SiteOptions {
  /** Where the folder will stand: "https://errors.example/reference". */
  readonly base?: string;
}

/** Writes the site; resolves with the exit code. */
export async function buildSite(folder: string, { base }: SiteOptions): Promise<number> {
  const address = base === undefined ? null : baseOf(base);
  if (address === undefined) return usage(`--base ${base}: an address like https://errors.example/reference is needed`);
  if (existsSync(folder) && !isOurs(folder)) return usage(`${folder} holds other files; give an empty or a new folder`);
  const library = openLibrary();
  const began = performance.now();
  const { files, bytes } = await writeSite(
    { library, site: { assets: library.assets, base: address, served: false } },
    folder,
  );
  const seconds = ((performance.now() - began) / 1000).toFixed(1);
  process.stdout.write(
    `${folder}: ${files} files, ${(bytes / 1e6).toFixed(1)} MB, ${library.index.cards.length} entries (${seconds} s)\n` +
      `Look at it: npx http-server ${folder}, or any other server of files.\n`,
  );
  return EXIT_FINE;
}

function baseOf(text: string): string | undefined {
  if (!URL.canParse(text)) return undefined;
  const { protocol, origin, pathname } = new URL(text);
  return /^https?:$/.test(protocol) ? `${origin}${pathname.replace(/\/+$/, "")}` : undefined;
}

/** An empty folder, or an earlier build: nothing of anybody's is written over. */
function isOurs(folder: string): boolean {
  if (!statSync(folder).isDirectory()) return false;
  const names = readdirSync(folder);
  return (
    names.length === 0 || ["index.html", "index.json", "assets", "generated"].every((name) => names.includes(name))
  );
}

function usage(message: string): number {
  process.stderr.write(`goodgate site: ${message}\n`);
  return EXIT_USAGE;
}
