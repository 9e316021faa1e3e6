import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { ServerListen, ServerName } from "../config/servers.ts";
import { NameTable } from "./name-table.ts";
import { compileAsIs, pattern } from "./pattern.fixture.ts";
import { compileServers } from "./server-names.ts";

interface Server {
  readonly id: string;
  readonly names: readonly ServerName[];
  readonly listen: readonly ServerListen[];
}

const compile = (servers: readonly Server[]) => compileServers(servers, (server) => server, compileAsIs);

function listen(host: string, port: number, isDefault = false): ServerListen {
  return { address: { kind: "tcp", host, port }, isDefault };
}

/** "a.b", "*.b", ".b", "a.*", "~pattern". */
function nameOf(text: string): ServerName {
  if (text.startsWith("~")) return pattern(text.slice(1));
  if (text.startsWith("*.")) return { kind: "below", name: text.slice(2) };
  if (text.startsWith(".")) return { kind: "below-or-same", name: text.slice(1) };
  if (text.endsWith(".*")) return { kind: "any-end", name: text.slice(0, -2) };
  return { kind: "exact", name: text };
}

/** Servers called after their first names, all on one address. */
function named(...names: string[][]): Server[] {
  return names.map((own) => ({ id: own[0] ?? "", names: own.map(nameOf), listen: [listen("0.0.0.0", 80)] }));
}

function find(servers: readonly Server[], host: string): string | undefined {
  return compile(servers).onPort("127.0.0.1", 80)?.find(host).server.id;
}

describe("names", () => {
  const servers = named(
    ["first"],
    ["~^www\\.(?<rest>.+)$"],
    ["*.example.com"],
    ["*.a.example.com"],
    [".same.org"],
    ["mail.*"],
    ["mail.same.*"],
    ["www.example.com"],
    ["~."],
  );

  test.each([
    ["www.example.com", "www.example.com"],
    ["b.example.com", "*.example.com"],
    ["c.b.example.com", "*.example.com"],
    ["b.a.example.com", "*.a.example.com"],
    ["a.example.com", "*.example.com"],
    ["example.com", "~."],
    [".example.com", "*.example.com"],
    ["same.org", ".same.org"],
    ["a.b.same.org", ".same.org"],
    ["notsame.org", "~."],
    ["mail.net", "mail.*"],
    ["mail.same.net", "mail.same.*"],
    ["mail.same.org", ".same.org"],
    ["mail", "~."],
    ["www.net", "~^www\\.(?<rest>.+)$"],
    ["", "first"],
  ])("%s is %s", (host, id) => {
    expect(find(servers, host)).toBe(id);
  });

  test("a pattern's captures and names come with it", () => {
    const match = compile(servers).onPort("127.0.0.1", 80)?.find("www.net");
    expect(match?.pattern?.pattern.names).toEqual(["rest"]);
    expect(match?.pattern?.captures.groups).toEqual({ rest: "net" });
    expect(compile(servers).onPort("127.0.0.1", 80)?.find("b.example.com").pattern).toBeNull();
  });

  test('the empty name is for requests without a host, and "" matches no wildcard or pattern', () => {
    expect(find(named(["a"], [""]), "")).toBe("");
    expect(find(named(["a"], ["~^$"]), "")).toBe("a");
  });

  test("what an earlier name says already is passed over", () => {
    expect(find(named(["x"], ["a.b", "1"], ["a.b", "2"]), "a.b")).toBe("a.b");
    expect(find(named(["x"], ["1", "a.b"], ["2", ".a.b"]), "c.a.b")).toBe("x");
    expect(find(named(["x"], ["1", ".a.b"], ["2", "a.b"]), "a.b")).toBe("1");
    expect(find(named(["x"], ["1", "*.a.b"], ["2", ".a.b"]), "a.b")).toBe("x");
    expect(find(named(["x"], ["1", "*.a.b"], ["2", ".a.b"]), "c.a.b")).toBe("1");
  });

  test("the table finds what looking at every name finds", () => {
    const label = fc.constantFrom("a", "b", "c");
    const host = fc.array(label, { minLength: 1, maxLength: 4 }).map((labels) => labels.join("."));
    const kind = fc.constantFrom("exact" as const, "below" as const, "any-end" as const);
    fc.assert(
      fc.property(fc.array(fc.record({ kind, name: host }), { maxLength: 12 }), host, (names, asked) => {
        const table = new NameTable<string>();
        for (const name of names) table.add(name, `${name.kind} ${name.name}`);
        expect(table.find(asked)).toBe(findSlowly(names, asked));
      }),
      { numRuns: 500 },
    );
  });
});

type Simple = { readonly kind: "exact" | "below" | "any-end"; readonly name: string };

function findSlowly(names: readonly Simple[], host: string): string | undefined {
  const fits = (kind: string, test: (name: string) => boolean) =>
    names
      .filter((name) => name.kind === kind && test(name.name))
      .toSorted((a, b) => b.name.length - a.name.length)
      .map((name) => `${name.kind} ${name.name}`)[0];
  return (
    fits("exact", (name) => name === host) ??
    fits("below", (name) => host.endsWith(`.${name}`)) ??
    fits("any-end", (name) => host.startsWith(`${name}.`))
  );
}

describe("addresses", () => {
  const server = (id: string, ...listens: ServerListen[]): Server => ({ id, names: [nameOf(id)], listen: listens });
  const table = compile([
    server("all", listen("0.0.0.0", 80)),
    server("one", listen("127.0.0.1", 80)),
    server("two", listen("127.0.0.1", 80, true), listen("::", 80)),
    server("six", listen("2001:DB8:0:0::1", 80), listen("0.0.0.0", 81)),
    server("any", listen("", 82), { address: { kind: "unix", path: "/run/a" }, isDefault: false }),
  ]);

  test.each([
    ["10.0.0.1", 80, "all"],
    ["127.0.0.1", 80, "two"],
    ["::ffff:127.0.0.1", 80, "two"],
    ["::1", 80, "two"],
    ["2001:db8::1", 80, "six"],
    ["127.0.0.1", 81, "six"],
    ["10.0.0.1", 82, "any"],
    ["::1", 82, "any"],
    ["127.0.0.1", 83, undefined],
    ["::1", 81, undefined],
  ])("%s port %i: %s", (address, port, id) => {
    expect(table.onPort(address, port)?.defaultServer.id).toBe(id);
  });

  test("names are those of the address", () => {
    expect(table.onPort("127.0.0.1", 80)?.find("one").server.id).toBe("one");
    expect(table.onPort("127.0.0.1", 80)?.find("all").server.id).toBe("two");
    expect(table.onPort("10.0.0.1", 80)?.find("one").server.id).toBe("all");
  });

  test("Unix sockets go by their path", () => {
    expect(table.onPath("/run/a")?.defaultServer.id).toBe("any");
    expect(table.onPath("/run/b")).toBeNull();
    expect(table.sets).toHaveLength(7);
  });
});
