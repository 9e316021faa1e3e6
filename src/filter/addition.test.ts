import { expect, test } from "vitest";
import { AdditionFilter } from "./addition.ts";
import { Collector, NO_EVENTS, through } from "./filter.fixture.ts";
import type { Place } from "./filter.ts";

const answers: Readonly<Record<string, string>> = { "/head": "<", "/foot": ">", "/empty": "" };

async function include(uri: string, place: Place): Promise<void> {
  await Promise.resolve();
  place.write(Buffer.from(answers[uri]!));
  place.end(200);
}

test.each([
  ["/head", "/foot", "<body>"],
  ["", "/foot", "body>"],
  ["/head", "", "<body"],
  ["/empty", "/empty", "body"],
])("before %j, behind %j", async (before, after, expected) => {
  const make = (pieces: string[]) =>
    through((next, events) => new AdditionFilter({ before, after, include }, next, events), pieces);
  expect(await make(["body"])).toBe(expected);
  expect(await make(["b", "od", "y"])).toBe(expected);
  expect(await make([])).toBe(expected.replace("body", ""));
});

test("what is behind is not asked for before the body has ended, and a flush keeps its place", async () => {
  const asked: string[] = [];
  const sink = new Collector();
  let give: (text: string) => void = () => undefined;
  const slow = (uri: string, place: Place) => {
    asked.push(uri);
    give = (text) => {
      place.write(Buffer.from(text));
      place.end(200);
    };
  };
  const filter = new AdditionFilter({ before: "/a", after: "/b", include: slow }, sink, NO_EVENTS);
  filter.write(Buffer.from("body"));
  filter.flush();
  expect([asked, sink.calls, filter.pendingBytes]).toEqual([["/a"], [], 4]);
  give("A");
  expect([sink.calls, filter.pendingBytes]).toEqual([["A", "body", "(flush)"], 0]);
  filter.end();
  expect(asked).toEqual(["/a", "/b"]);
  give("B");
  expect(sink.calls).toEqual(["A", "body", "(flush)", "B", "(end)"]);
});

test("an addition that fails is the body's error", async () => {
  const failing = (_uri: string, place: Place) => place.fail(new Error("gone"));
  const run = through(
    (next, events) => new AdditionFilter({ before: "/a", after: "", include: failing }, next, events),
    ["x"],
  );
  await expect(run).rejects.toThrow("gone");
});

test("a destroyed filter gives nothing on", async () => {
  const sink = new Collector();
  const filter = new AdditionFilter({ before: "/head", after: "", include }, sink, NO_EVENTS);
  filter.write(Buffer.from("body"));
  filter.destroy();
  await Promise.resolve();
  await Promise.resolve();
  expect([sink.calls, filter.pendingBytes]).toEqual([[], 0]);
});
