import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { LocationConfig, LocationMatch } from "../config/servers.ts";
import { compileLocations, findLocation } from "./locations.ts";
import { compileAsIs, pattern } from "./pattern.fixture.ts";

/** "= /a", "/a", "^~ /a", "/a/ +" (redirects), "~ a", "~* a", "@a", with what is within. */
function location(text: string, ...locations: LocationConfig[]): LocationConfig {
  // Only what is matched is read here.
  return { match: matchOf(text), locations } as unknown as LocationConfig;
}

function matchOf(text: string): LocationMatch {
  if (text.startsWith("@")) return { kind: "named", name: text };
  const [, sign, path = "", plus] = /^(?:(=|\^~|~\*?) )?(.*?)( \+)?$/.exec(text) ?? [];
  if (sign === "=") return { kind: "exact", path, redirectBare: plus !== undefined };
  if (sign === "~" || sign === "~*") return pattern(path, sign === "~*");
  return { kind: "prefix", path, final: sign === "^~", redirectBare: plus !== undefined };
}

function shown({ match }: LocationConfig): string {
  if (match.kind === "named") return match.name;
  if (match.kind === "pattern") return `${match.ignoreCase ? "~*" : "~"} ${match.source}`;
  return match.kind === "exact" ? `= ${match.path}` : `${match.final ? "^~ " : ""}${match.path}`;
}

function find(locations: readonly LocationConfig[], uri: string): string | null {
  const { location: found, redirect } = findLocation(compileLocations(locations, shown, compileAsIs), uri);
  return redirect ? `to ${found}` : found;
}

describe("one level", () => {
  const locations = [
    location("/"),
    location("/images/"),
    location("^~ /static/"),
    location("/static/x/"),
    location("= /"),
    location("= /static/exact.php"),
    location("~ \\.(php|gif)$"),
    location("~* \\.GIF$"),
    location("/image"),
  ];

  test.each([
    ["/", "= /"],
    ["/index", "/"],
    ["/images/a", "/images/"],
    ["/images", "/image"],
    ["/imag", "/"],
    ["/images/a.gif", "~ \\.(php|gif)$"],
    ["/images/a.GIF", "~* \\.GIF$"],
    ["/static/a.gif", "^~ /static/"],
    ["/static/x/a.gif", "~ \\.(php|gif)$"],
    ["/static/exact.php", "= /static/exact.php"],
    ["/Images/", "/"],
  ])("%s is in %s", (uri, expected) => {
    expect(find(locations, uri)).toBe(expected);
  });

  test("nothing may be found", () => {
    expect(find([location("/a"), location("= /b"), location("~ c$")], "/d")).toBeNull();
    expect(find([], "/")).toBeNull();
    expect(find([location("/")], "no-slash")).toBeNull();
  });

  test("named ones are for those who name them", () => {
    const tree = compileLocations([location("@a"), location("/")], shown, compileAsIs);
    expect(tree.named.get("@a")).toBe("@a");
    expect(findLocation(tree, "@a").location).toBeNull();
  });

  test("what patterns capture comes with the location", () => {
    const tree = compileLocations([location("~ ^/(?<first>[^/]+)/(.*)$"), location("/")], shown, compileAsIs);
    const { pattern: match } = findLocation(tree, "/a/b/c");
    expect([...(match?.captures ?? [])]).toEqual(["/a/b/c", "a", "b/c"]);
    expect(match?.pattern.names).toEqual(["first"]);
    expect(match?.captures.groups).toEqual({ first: "a" });
    expect(findLocation(tree, "/a").pattern).toBeNull();
  });

  test("answers without captures are made once", () => {
    const tree = compileLocations([location("/a"), location("= /b"), location("/c/ +")], shown, compileAsIs);
    for (const uri of ["/a/x", "/b", "/c", "/none"]) expect(findLocation(tree, uri)).toBe(findLocation(tree, uri));
  });
});

describe("nesting", () => {
  test("the inner level comes first, then patterns beside the outer one", () => {
    const locations = [
      location("/a/", location("/a/b/"), location("~ inner"), location("= /a/exact.x")),
      location("~ \\.x$"),
      location("~ inner"),
    ];
    expect(find(locations, "/a/c")).toBe("/a/");
    expect(find(locations, "/a/b/c")).toBe("/a/b/");
    expect(find(locations, "/a/b/c.x")).toBe("~ \\.x$");
    expect(find(locations, "/a/inner.x")).toBe("~ inner");
    expect(find(locations, "/a/exact.x")).toBe("= /a/exact.x");
  });

  test("a final prefix keeps the patterns of its own level away, not those further out or within", () => {
    const locations = [
      location("/a/", location("^~ /a/b/", location("~ \\.y$")), location("~ z")),
      location("~ \\.x$"),
      location("^~ /c/", location("/c/d/")),
    ];
    expect(find(locations, "/a/b/z")).toBe("^~ /a/b/");
    expect(find(locations, "/a/b/z.x")).toBe("~ \\.x$");
    expect(find(locations, "/a/b/z.y")).toBe("~ \\.y$");
    expect(find(locations, "/c/d/e.x")).toBe("/c/d/");
  });

  test("of what is within a pattern only patterns are reached", () => {
    const locations = [location("~ /a", location("/a/b"), location("= /a/c"), location("~ d$", location("~ ^/a")))];
    expect(find(locations, "/a/b")).toBe("~ /a");
    expect(find(locations, "/a/c")).toBe("~ /a");
    expect(find(locations, "/x/a/d")).toBe("~ d$");
    expect(find(locations, "/a/d")).toBe("~ ^/a");
  });

  test("captures of the outer pattern stay at hand", () => {
    const tree = compileLocations([location("~ ^/(?<one>.)", location("~ (?<two>.)$"))], shown, compileAsIs);
    const { pattern: match } = findLocation(tree, "/ab");
    expect(match?.captures[1]).toBe("b");
    expect(match?.outer?.captures[1]).toBe("a");
    expect(match?.outer?.outer).toBeNull();
  });
});

describe("a slash that is missing", () => {
  test("sends to the location, before patterns are asked", () => {
    const locations = [location("/"), location("/a/ +"), location("~ a$"), location("= /e/ +"), location("/n/")];
    expect(find(locations, "/a")).toBe("to /a/");
    expect(find(locations, "/e")).toBe("to = /e/");
    expect(find(locations, "/n")).toBe("/");
    expect(find(locations, "/aa")).toBe("~ a$");
    expect(find(locations, "/b")).toBe("/");
  });

  test("but not where a location has that name", () => {
    expect(find([location("/a/ +"), location("/a"), location("~ a$")], "/a")).toBe("~ a$");
    expect(find([location("/a/ +"), location("= /a")], "/a")).toBe("= /a");
  });

  test("holds on inner levels, too", () => {
    expect(find([location("/a", location("/a/b/ +")), location("~ b")], "/a/b")).toBe("to /a/b/");
  });

  test("of two with the path the exact one is meant", () => {
    expect(find([location("/a/ +"), location("= /a/")], "/a")).toBe("to = /a/");
  });
});

test("the tree finds what looking at every location finds", () => {
  const piece = fc.constantFrom("/", "a", "b", "ab", "-", "/a/");
  const path = fc.array(piece, { maxLength: 5 }).map((pieces) => `/${pieces.join("")}`);
  const sign = fc.constantFrom("= ", "", "^~ ");
  const source = fc.constantFrom("~ a$", "~ ^/a", "~ b", "~ /$", "~* A-");
  const text = fc.oneof(
    { weight: 3, arbitrary: fc.tuple(sign, path, fc.constantFrom("", "", " +")).map((parts) => parts.join("")) },
    source,
  );
  const texts = fc.uniqueArray(text, {
    maxLength: 12,
    selector: (one) => one.replace(/ \+$/, "").replace(/^\^~ /, ""),
  });
  fc.assert(
    fc.property(texts, path, (own, uri) => {
      expect(
        find(
          own.map((one) => location(one)),
          uri,
        ),
      ).toBe(findSlowly(own.map(matchOf), uri));
    }),
    { numRuns: 1000 },
  );
});

function findSlowly(matches: readonly LocationMatch[], uri: string): string | null {
  const name = (match: LocationMatch) => shown({ match } as LocationConfig);
  const withPath = matches.filter((match) => match.kind === "exact" || match.kind === "prefix");
  const exact = withPath.find(({ kind, path }) => kind === "exact" && path === uri);
  if (exact) return name(exact);
  const prefixes = withPath.filter(({ kind, path }) => kind === "prefix" && uri.startsWith(path));
  const longest = prefixes.toSorted((a, b) => b.path.length - a.path.length)[0];
  if (longest?.path !== uri) {
    const slashed = withPath.filter(({ path }) => path === `${uri}/`);
    const target = slashed.find(({ kind }) => kind === "exact") ?? slashed[0];
    if (target && slashed.some(({ redirectBare }) => redirectBare)) return `to ${name(target)}`;
  }
  const isFinal = longest?.kind === "prefix" && longest.final;
  const first = matches.find(
    (match) => match.kind === "pattern" && new RegExp(match.source, match.ignoreCase ? "i" : "").test(uri),
  );
  if (first && !isFinal) return name(first);
  return longest ? name(longest) : null;
}
