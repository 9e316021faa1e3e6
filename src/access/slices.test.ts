import { expect, test } from "vitest";
import { SliceQueue } from "./slices.ts";

function* steps(count: number, name: string, done: string[]): Generator<void, string> {
  for (let step = 0; step < count; step++) yield;
  done.push(name);
  return name;
}

test("jobs run in their order, each to its end, over several turns of the loop", async () => {
  const queue = new SliceQueue();
  const done: string[] = [];
  const first = queue.run(steps(10, "first", done));
  const second = queue.run(steps(1, "second", done));
  expect(done).toEqual([]);
  expect(await Promise.all([first, second])).toEqual(["first", "second"]);
  expect(done).toEqual(["first", "second"]);
  expect(await queue.run(steps(0, "third", done))).toBe("third");
});

test("an error is the job's own", async () => {
  const queue = new SliceQueue();
  const failing = queue.run(
    // biome-ignore lint/correctness/useYield: it fails before it could
    (function* (): Generator<void, string> {
      throw new Error("no");
    })(),
  );
  const next = queue.run(steps(1, "next", []));
  await expect(failing).rejects.toThrow("no");
  expect(await next).toBe("next");
});

test("more than a thousand are not kept waiting", async () => {
  const queue = new SliceQueue();
  const jobs = Array.from({ length: 1000 }, () => queue.run(steps(0, "", [])));
  expect(queue.run(steps(0, "", []))).toBe(null);
  await Promise.all(jobs);
  expect(queue.run(steps(0, "", []))).not.toBe(null);
});
