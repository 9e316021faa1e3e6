// A HAProxy snippet as a whole file that logs to standard output: lines without a section are a backend's, a backend
// without a frontend gets one, a backend that is only named is the application.
import { hasten, portsFor, type Surroundings, tlsFiles, type Wrapped, withApplications } from "./surroundings.ts";

const SECTION =
  /^(?:global|defaults|frontend|backend|listen|resolvers|peers|userlist|mailers|cache|ring|program|http-errors|log-forward|fcgi-app)\b.*$/;
const GLOBAL = "  log stdout format raw local0\n";
/** What the snippet says itself comes behind, and wins. */
const DEFAULTS =
  "  mode http\n  log global\n  option dontlognull\n" +
  "  timeout connect 5s\n  timeout client 30s\n  timeout server 30s\n";
/** Set here, or not for a process that ends with its test. */
const OWN =
  /^[ \t]*(?:log[ \t]+(?:stdout|\/|\d|\S+:\d)|user|group|chroot|pidfile|stats[ \t]+socket|daemon|master-worker)\b.*$/gm;

interface Section {
  /** "backend app"; "" = lines before any section. */
  readonly heading: string;
  readonly lines: readonly string[];
}

/** The snippet with everything around it that HAProxy needs. */
export async function wrapHaproxy(code: string, around: Surroundings): Promise<Wrapped> {
  const sections = sectionsOf(named(code, around)).map((each) =>
    each.heading === "" ? { ...each, heading: "backend example" } : each,
  );
  const kind = (name: string) => sections.filter(({ heading }) => heading.split(/\s+/)[0] === name);
  const global = kind("global").flatMap(({ lines }) => lines);
  const defaults = kind("defaults");
  const others = sections.filter((each) => !kind("global").includes(each) && !defaults.includes(each));
  const parts = [
    `global\n${GLOBAL}${global.join("\n")}`,
    ...(defaults.length === 0 ? [`defaults\n${defaultsBefore([])}`] : []),
    ...[...defaults, ...others].map(({ heading, lines }) => {
      return `${heading}\n${heading.startsWith("defaults") ? defaultsBefore(lines) : ""}${lines.join("\n")}`;
    }),
    ...missingBackends(sections),
  ];
  if (kind("frontend").length + kind("listen").length === 0) {
    const backend = kind("backend")[0]?.heading.split(/\s+/)[1] ?? "example_app";
    if (backend === "example_app") parts.push("backend example_app\n  server app 127.0.0.1:3000");
    parts.push(`frontend example_in\n  bind :8080\n  default_backend ${backend}`);
  }
  // HAProxy insists on the end of the last line.
  return settle(`${parts.join("\n\n")}\n`, around);
}

/** A second format of the log would be a warning. */
function defaultsBefore(lines: readonly string[]): string {
  const hasFormat = lines.some((line) => /^\s*(?:log-format|option\s+\w+log)\b/.test(line));
  return hasFormat ? DEFAULTS : `${DEFAULTS}  option httplog\n`;
}

function sectionsOf(code: string): Section[] {
  const sections: { heading: string; lines: string[] }[] = [];
  for (const line of code.split("\n")) {
    if (SECTION.test(line)) sections.push({ heading: line, lines: [] });
    else if (sections.length > 0) sections.at(-1)!.lines.push(line);
    else if (line.trim() !== "" && !line.trim().startsWith("#")) sections.push({ heading: "", lines: [line] });
  }
  return sections;
}

function missingBackends(sections: readonly Section[]): string[] {
  const defined = new Set(sections.map(({ heading }) => heading.split(/\s+/)[1]));
  const named = sections
    .flatMap(({ lines }) => lines)
    .flatMap((line) => /^\s*(?:default_backend|use_backend)\s+([\w.-]+)/.exec(line)?.[1] ?? []);
  const missing = new Set(named.filter((name) => !defined.has(name)));
  return [...missing].map((name) => `backend ${name}\n  server app 127.0.0.1:3000`);
}

/** Files and names that this machine does not have become ones that it has. */
function named(code: string, { folder }: Surroundings): string {
  const files = tlsFiles(folder);
  return code
    .replace(/^([ \t]*server[ \t]+\S+)[ \t]+(?!localhost\b|unix@|ipv[46]@)[a-z][\w.-]*(?=[:\s])/gim, "$1 127.0.0.1")
    .replace(/\b(crt)[ \t]+\S+/g, `$1 ${files.both}`)
    .replace(/\b(ca-file)[ \t]+(?!@)\S+/g, `$1 ${files.ca}`)
    .replace(OWN, "");
}

const BIND = /^([ \t]*bind[ \t]+)(?:\S*:)(\d+)(?=\s)/gm;

async function settle(code: string, around: Surroundings): Promise<Wrapped> {
  const ports = await portsFor(
    Array.from(code.matchAll(BIND), ([, , port]) => port!),
    around,
  );
  const text = hasten(code, /^([ \t]*timeout[ \t]+[\w-]+[ \t]+)(\d+)(ms|s|m|h)?\b/gm, "ms", around).replace(
    BIND,
    (_, directive: string, port: string) => `${directive}127.0.0.1:${ports.get(port)}`,
  );
  return { text: withApplications(text, around), port: [...ports.values()][0] ?? 0 };
}
