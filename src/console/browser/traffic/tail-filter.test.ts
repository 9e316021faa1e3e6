import { expect, test } from "vitest";
import { namesOf, readScope, scopeValues } from "./scope.ts";
import { readTailFilter, statusProblem, tailFilterValues } from "./tail-filter.ts";

test.each([
  ["", {}],
  ["failures=1&status=5XX&min=250.4&text=cart", { failuresOnly: true, status: "5xx", minMs: 250, text: "cart" }],
  ["status=teapot&min=-3&failures=yes", {}],
  ["upstream=app&endpoint=10.0.0.7%3A3000&method=GET", { upstream: "app", endpoint: "10.0.0.7:3000", method: "GET" }],
])("the tail's filter of %s", (search, filter) => {
  expect(readTailFilter(new URLSearchParams(search))).toEqual(filter);
});

test("the filter goes into the address and comes back", () => {
  const filter = { failuresOnly: true, cause: "connect-refused", minMs: 20 };
  const values = tailFilterValues(filter);
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries(values)) if (value) params.set(name, value);
  expect(readTailFilter(params)).toEqual(filter);
  expect(values).toMatchObject({ status: null, text: null });
});

test("what is no status is said", () => {
  expect(["", "5xx", "404"].map(statusProblem)).toEqual(["", "", ""]);
  expect(statusProblem("6xx")).toContain("6xx");
});

test("whose figures: all is the standard, and has no name", () => {
  expect(readScope(new URLSearchParams("kind=moon&name=x"))).toEqual({ kind: "all", name: "" });
  expect(readScope(new URLSearchParams("kind=route&name=/a"))).toEqual({ kind: "route", name: "/a" });
  expect(scopeValues({ kind: "all", name: "x" })).toEqual({ kind: null, name: null });
  expect(namesOf(null, "route")).toBe("");
});
