// A Caddyfile snippet as a whole file: plain HTTP on loopback, no admin endpoint; directives alone are those of a site.
import { hasten, portsFor, type Surroundings, tlsFiles, type Wrapped, withApplications } from "./surroundings.ts";

const OPTIONS = "admin off\n\tauto_https off\n\tdefault_bind 127.0.0.1";
/** "https://shop.example:8443", ":80", "localhost", "*.example"; no directive looks like one. */
const ADDRESS = /^(?:https?:\/\/)?((?:[\w*-]+(?:\.[\w-]+)+|localhost)?)(?::(\d+))?$/;

/** The snippet with everything around it that Caddy needs. */
export async function wrapCaddy(code: string, around: Surroundings): Promise<Wrapped> {
  const lines = code.split("\n");
  const isOpening = (line: string) => /^\S.*\{\s*$/.test(line);
  const hasSite = lines.some((line) => isOpening(line) && addressesOf(line) !== null);
  const whole = hasSite || lines.some((line) => /^\([\w-]+\)/.test(line)) ? lines : [":8080 {", ...lines, "}"];
  const written = whole.flatMap((line) => (isOpening(line) ? (addressesOf(line) ?? []) : []));
  const ports = await portsFor(
    written.map(({ port }) => port),
    around,
  );
  const sites = whole.map((line) => {
    const addresses = isOpening(line) ? addressesOf(line) : null;
    return addresses === null
      ? line
      : `${addresses.map(({ host, port }) => `http://${host}:${ports.get(port)}`).join(", ")} {`;
  });
  const text = named(sites.join("\n"), around);
  const hurried = hasten(text, /\b(\w*timeout[ \t]+)(\d+)(ms|s|m|h)\b/g, "s", around);
  const withOptions = /^\{\s*$/m.test(hurried)
    ? hurried.replace(/^\{\s*$/m, `{\n\t${OPTIONS}`)
    : `{\n\t${OPTIONS}\n}\n${hurried}`;
  return { text: withApplications(withOptions, around), port: [...ports.values()][0] ?? 0 };
}

interface Address {
  readonly host: string;
  readonly port: string;
}

/** Of the line that opens a site; null = it opens something else. */
function addressesOf(line: string): Address[] | null {
  const found = line
    .replace(/\{\s*$/, "")
    .split(/[,\s]+/)
    .filter((word) => word !== "")
    .map((word) => ADDRESS.exec(word));
  if (found.length === 0 || found.some((each) => each === null)) return null;
  return found.map((each) => ({ host: each![1]!, port: each![2] ?? "80" }));
}

/** Files that this machine does not have become ones that it has. */
function named(code: string, { folder }: Surroundings): string {
  const files = tlsFiles(folder);
  return code
    .replace(/\b(tls_trusted_ca_certs)[ \t]+\S+/g, `$1 ${files.ca}`)
    .replace(/\b(tls_client_auth)[ \t]+\/\S+[ \t]+\/\S+/g, `$1 ${files.cert} ${files.key}`)
    .replace(/^([ \t]*tls)[ \t]+\/\S+[ \t]+\/\S+/gm, `$1 ${files.cert} ${files.key}`);
}
