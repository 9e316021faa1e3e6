// A goodgate.yaml snippet with the files that it names, and its timers shortened; it needs nothing around it.
import { hasten, type Surroundings, tlsFiles } from "./surroundings.ts";

/** The snippet as the program reads it; applications are still those that are written. */
export function wrapGoodgate(code: string, around: Surroundings): string {
  const files = tlsFiles(around.folder);
  const named = code
    .replace(/\b(ca:\s*)["']?[/.][^\s,}"']+["']?/g, `$1${files.ca}`)
    .replace(/\b(cert:\s*)["']?[/.][^\s,}"']+["']?/g, `$1${files.cert}`)
    .replace(/\b(key:\s*)["']?[/.][^\s,}"']+["']?/g, `$1${files.key}`);
  return hasten(named, /\b((?:connect|head|send|idle-body|timeout):[ \t]*)(\d+)(ms|s|m|h)\b/g, "s", around);
}
