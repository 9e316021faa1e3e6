import { expect, test } from "vitest";
import { Collector } from "./filter.fixture.ts";
import { OrderedOutput } from "./ordered-output.ts";

const KB = Buffer.alloc(1024, "x");

function begin(isFull = () => false) {
  const sink = new Collector();
  const progress: number[] = [];
  const errors: string[] = [];
  const output: OrderedOutput = new OrderedOutput(sink, {
    onProgress: () => progress.push(output.pendingBytes),
    onError: ({ message }) => errors.push(message),
    isFull,
  });
  return { sink, output, progress, errors };
}

test("the part whose turn it is goes through, those behind it wait, and go on when it is whole", () => {
  const { sink, output, progress } = begin();
  const [first, second] = [output.later(), output.later()];
  output.put(Buffer.from("end"));
  first.write(Buffer.from("a"));
  second.write(Buffer.from("b"));
  expect([sink.text, output.pendingBytes]).toEqual(["a", 4]);
  first.end(200);
  expect([sink.text, output.pendingBytes, progress]).toEqual(["ab", 3, [3]]);
  second.write(Buffer.from("B"));
  expect(sink.text).toBe("abB");
  second.end(200);
  expect([sink.text, output.pendingBytes]).toEqual(["abBend", 0]);
});

test("a part that waits has a bound of its own; the one whose turn it is asks what is behind the filter", () => {
  let full = false;
  const { output } = begin(() => full);
  const [first, second] = [output.later(), output.later()];
  for (let count = 0; count < 64; count++) {
    expect([first.full, second.full]).toEqual([false, false]);
    second.write(KB);
  }
  expect([first.full, second.full]).toEqual([false, true]);
  first.end(200);
  expect(second.full).toBe(false);
  full = true;
  expect(second.full).toBe(true);
});

test("its status is told once it is whole; a failure is that of the body, and what comes later goes nowhere", () => {
  const { sink, output, errors } = begin();
  const statuses: number[] = [];
  output.later((status) => statuses.push(status)).end(404);
  const [first, second] = [output.later(), output.later()];
  second.fail(new Error("cut"));
  first.write(KB);
  first.end(200);
  expect([statuses, errors, sink.calls, output.pendingBytes, first.full]).toEqual([[404], ["cut"], [], 0, false]);
});
