// The command line. Commands load their code when they run, so that `goodgate --help` and a start are quick.
import { existsSync } from "node:fs";
import { Command, CommanderError, Option } from "commander";
import { loadInParts } from "./in-parts.ts";
import { looksLikeUrl } from "./target.ts";
import { version } from "./version.ts";
import { workerId } from "./worker-messages.ts";

/** Wrong usage or unusable input. */
const EXIT_USAGE = 2;

function collect(value: string, previous: string[]): string[] {
  return [...previous, value];
}

function program(): Command {
  const root = new Command("goodgate")
    .description("The gateway that names every 502.")
    .version(version)
    .exitOverride()
    .showSuggestionAfterError()
    .showHelpAfterError("(goodgate --help shows the commands)");
  root
    .command("run", { isDefault: false })
    .description(
      "run the gateway in the foreground: before URLs, or with a configuration file (default ./goodgate.yaml)",
    )
    .argument(
      "[config-or-url...]",
      "goodgate.yaml or nginx.conf, or one or more http(s):// URLs that form one upstream",
    )
    .option("--listen <address>", "address to listen on (repeatable; default :8080)", collect, [])
    .option("--console <address|off>", "listener of the console, /metrics, /healthz, /readyz (default 127.0.0.1:8502)")
    .option("--workers <n|auto>", "worker processes (default 1)")
    .option("--data <dir>", "folder for what the gateway keeps")
    .option("--pid-file <file>", "where to write the process id")
    .addOption(new Option("--as <language>", "read the file as …").choices(["yaml", "nginx"]))
    .option("--lenient", "run an nginx.conf although some of it is not done here; that is answered with 501")
    .action(async (targets: string[], options) => {
      await loadInParts();
      // A worker is given its configuration: it needs nothing that reads one.
      if (workerId > 0) return exit(await (await import("./worker.ts")).runWorker());
      exit(await (await import("./run.ts")).run(targets, options));
    });
  root
    .command("demo")
    .description("a small shop on three endpoints, the gateway in front, and faults at the press of a button")
    .option("--listen <address>", "address of the gateway (default :8080)")
    .option("--console <address|off>", "listener of the console, /metrics, /healthz, /readyz (default 127.0.0.1:8502)")
    .action(async (options) => {
      await loadInParts();
      exit(await (await import("./demo.ts")).demo(options));
    });
  root
    .command("check")
    .description("validate a goodgate.yaml or an nginx.conf; every problem with file:line:column")
    .argument("<config>")
    .option("--json", "print one JSON document")
    .option("--verbose", "of an nginx.conf, list the directives too that make no difference here")
    .addOption(new Option("--as <language>", "read the file as …").choices(["yaml", "nginx"]))
    .action(async (file: string, options) => exit(await (await import("./check.ts")).check(file, options)));
  root
    .command("adapt")
    .description("print an nginx.conf as goodgate.yaml of the same behaviour")
    .argument("<nginx.conf>")
    .option("--prefix <dir>", "what relative names of files are relative to, as for nginx -p")
    .action(async (file: string, options) => exit(await (await import("./adapt.ts")).adapt(file, options)));
  root
    .command("format")
    .description("print an nginx.conf in canonical form")
    .argument("<nginx.conf>")
    .option("--write", "change the file instead")
    .option("--check", "print nothing; exit code 1 where the file is not in that form")
    .addOption(new Option("--as <language>", "read the file as …").choices(["nginx"]))
    .action(async (file: string, options) => {
      exit(await (await import("./nginx/format-file.ts")).formatFile(file, options));
    });
  root
    .command("reload")
    .description("make the running gateway read its configuration again; exit code 1 where the old one stays")
    .option("--data <dir>")
    .option("--pid-file <file>")
    .action(async (options) => exit(await (await import("./signal.ts")).signal("reload", options)));
  root
    .command("upgrade")
    .description("start the program anew in place of the running gateway; no connection is refused or cut")
    .option("--data <dir>")
    .option("--pid-file <file>")
    .action(async (options) => exit(await (await import("./signal.ts")).signal("upgrade", options)));
  root
    .command("stop")
    .description("drain and stop the running gateway")
    .option("--data <dir>")
    .option("--pid-file <file>")
    .action(async (options) => exit(await (await import("./signal.ts")).signal("stop", options)));
  root
    .command("explain")
    .description("paste an error, a log line or a status: the cause and the fix; nothing leaves this machine")
    .argument("[text...]", 'the text; "-" or nothing reads standard input')
    .option("--lines <file>", "explain each line of a file by itself (- = standard input)")
    .option("--log <file>", "a whole log, grouped by cause (- = standard input; .gz is unpacked)")
    .option("--json", "print one JSON document (with --lines, one object a line)")
    .option("--page", "print the page of the reference, too")
    .action(async (texts: string[], options) => {
      exit(await (await import("./explain.ts")).explainCommand(texts, options));
    });
  root
    .command("doctor")
    .description("find the failing hop of a site: probes it, reads configurations and logs, and says what is proven")
    .argument("[url]", "the address that fails; nothing but GET and HEAD is sent to it, at most 10 requests")
    .option("--origin <host:port>", "the server behind the CDN or balancer, asked the same (repeatable)", collect, [])
    .option(
      "--config <file>",
      "a configuration of any hop: nginx.conf, haproxy.cfg, compose … (repeatable)",
      collect,
      [],
    )
    .option("--log <file>", "a log of any hop (repeatable; .gz is unpacked)", collect, [])
    .option("--host <name>", "ask for this host (Host and SNI) instead of the address's")
    .option("--resolver <address>", "a DNS server to ask beside the system's")
    .option("--ca <file>", "certificate authorities to trust besides (PEM, repeatable)", collect, [])
    .option("--upgrade", "try a WebSocket handshake, too")
    .option("--no-redirects", "do not ask where redirects to other hosts and ports lead")
    .option("--requests <n>", "at most so many requests per target (default 10)")
    .option("--timeout <duration>", "for all of it (default 10s)")
    .option("--local", "this is the gateway's own machine")
    .option("--no-local", "it is not: look at nothing of this machine")
    .option("--chain <hops>", 'timeouts of a chain: "cloudflare > alb > nginx > node"')
    .option("--what-if <change>", 'the chain with a change: "nginx.proxy_read_timeout=30s" (repeatable)', collect, [])
    .option("--json", "print one JSON document with all evidence")
    .option("--markdown", "print the report as Markdown")
    .option("--html <file>", "write the report as one HTML file, too")
    .option("--verbose", "show all evidence and the notes")
    .action(async (url: string | undefined, options) => {
      exit(await (await import("./doctor.ts")).doctor(url, options));
    });
  root
    .command("incidents")
    .description("what went wrong, why, and what to do: from the running gateway, or from what it has left")
    .argument("[list|show|replay]", "list them (default), show one, or send a failed request again")
    .argument("[id]", "of an incident or a failure; its first characters are enough")
    .option("--open", "list: only those that last")
    .option("--since <duration>", "list: those of the last 24h, 30m …")
    .option("--upstream <name>", "list: of this upstream")
    .option("--cause <id>", "list: with this cause")
    .option("--limit <n>", "list: at most so many (default 20)")
    .option("--failures <n>", "show: so many of its failures")
    .option("--endpoint <upstream endpoint>", 'replay: where to, as "app 10.0.0.1:3000"; default: where it failed')
    .option("--console <address>", "where the gateway's console is (default 127.0.0.1:8502)")
    .option("--data <dir>", "folder of what the gateway kept, where none runs")
    .option("--json", "print one JSON document")
    .action(async (action: string | undefined, id: string | undefined, options) => {
      const words = [action, id].filter((word) => word !== undefined);
      exit(await (await import("./incidents.ts")).incidentsCommand(words, options));
    });
  root
    .command("top")
    .description("the running gateway at a glance, live in the terminal: upstreams, endpoints, incidents")
    .option("--console <address>", "where its console is (default 127.0.0.1:8502)")
    .option("--once", "print it once and end")
    .option("--json", "with --once: print one JSON document")
    .action(async (options) => exit(await (await import("./top.ts")).topCommand(options)));
  root
    .command("lab")
    .description("an upstream that misbehaves on request in every named way")
    .option("--listen <address>", "address to listen on (default 127.0.0.1:8503)")
    .action(async (options) => exit(await (await import("./lab.ts")).runLab(options)));
  root
    .command("site")
    .description("the reference of errors as a web site")
    .command("build")
    .description("write it into a folder, for any web server (the console serves the same at /reference)")
    .argument("<dir>")
    .option("--base <url>", "the address that it will have: for the site map, canonical addresses and previews")
    .action(async (dir: string, options) => exit(await (await import("./site.ts")).buildSite(dir, options)));
  return root;
}

/** `goodgate http://localhost:3000`, `goodgate goodgate.yaml`, `goodgate --listen :80 …` mean `goodgate run …`. */
function withCommand(argv: readonly string[], commands: readonly string[]): readonly string[] {
  const [first] = argv;
  if (first === undefined || commands.includes(first) || /^(?:-h|--help|-V|--version)$/.test(first)) return argv;
  const isTarget =
    first.startsWith("-") || looksLikeUrl(first) || /\.(?:ya?ml|json|conf)$/i.test(first) || existsSync(first);
  return isTarget ? ["run", ...argv] : argv;
}

/** Ends the process with `code` once output has gone out; undefined = goes on running. */
function exit(code: number | undefined): void {
  if (code !== undefined) process.exitCode = code;
}

/** Runs the command line; the exit code is set on the process. */
export async function main(argv: readonly string[]): Promise<void> {
  try {
    const root = program();
    const commands = root.commands.map((command) => command.name()).concat("help");
    await root.parseAsync(withCommand(argv, commands), { from: "user" });
  } catch (error) {
    if (error instanceof CommanderError) {
      process.exitCode = error.exitCode === 0 ? 0 : EXIT_USAGE;
      return;
    }
    throw error;
  }
}
