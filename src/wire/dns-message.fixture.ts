// Responses of a DNS server, for tests: what a question is answered with.

/** A record of an answer; `data` as it stands in the message. */
export interface TestRecord {
  readonly type: number;
  readonly ttl?: number;
  readonly data: Buffer;
  /** Of the record; by default a pointer to the question's. */
  readonly owner?: Buffer;
}

const FROM_QUESTION = Buffer.from([0xc0, 12]);

/** Labels and the root. */
export function nameBytes(name: string): Buffer {
  const labels = name === "" ? [] : name.split(".");
  return Buffer.concat([
    ...labels.map((label) => Buffer.concat([Buffer.from([label.length]), Buffer.from(label, "latin1")])),
    Buffer.from([0]),
  ]);
}

export const a = (address: string, ttl = 60): TestRecord => ({
  type: 1,
  ttl,
  data: Buffer.from(address.split(".").map(Number)),
});

export const aaaa = (groups: readonly number[], ttl = 60): TestRecord => {
  const data = Buffer.alloc(16);
  for (const [index, group] of groups.entries()) data.writeUInt16BE(group, 2 * index);
  return { type: 28, ttl, data };
};

export const cname = (name: string, ttl = 60): TestRecord => ({ type: 5, ttl, data: nameBytes(name) });

export const srv = (priority: number, weight: number, port: number, name: string, ttl = 60): TestRecord => {
  const data = Buffer.alloc(6);
  for (const [index, value] of [priority, weight, port].entries()) data.writeUInt16BE(value, 2 * index);
  return { type: 33, ttl, data: Buffer.concat([data, nameBytes(name)]) };
};

/** The response to a question; flags as a server that recurses sets them. */
export function answerTo(
  question: Buffer,
  records: readonly TestRecord[],
  {
    code = 0,
    truncated = false,
    id,
  }: { readonly code?: number; readonly truncated?: boolean; readonly id?: number } = {},
): Buffer {
  const head = Buffer.from(question);
  if (id !== undefined) head.writeUInt16BE(id, 0);
  head.writeUInt16BE(0x8180 | code | (truncated ? 0x0200 : 0), 2);
  head.writeUInt16BE(records.length, 6);
  const answers = records.map(({ type, ttl = 60, data, owner = FROM_QUESTION }) => {
    const fixed = Buffer.alloc(10);
    fixed.writeUInt16BE(type, 0);
    fixed.writeUInt16BE(1, 2);
    fixed.writeUInt32BE(ttl, 4);
    fixed.writeUInt16BE(data.length, 8);
    return Buffer.concat([owner, fixed, data]);
  });
  return Buffer.concat([head, ...answers]);
}

/** Name and type that a question asks for. */
export function askedFor(question: Buffer): { readonly name: string; readonly type: number } {
  const labels: string[] = [];
  let at = 12;
  for (let length = question[at]!; length > 0; length = question[at]!) {
    labels.push(question.toString("latin1", at + 1, at + 1 + length));
    at += 1 + length;
  }
  return { name: labels.join("."), type: question.readUInt16BE(at + 1) };
}
