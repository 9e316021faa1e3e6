// The picture that other sites show beside a link (Open Graph wants a bitmap, and fonts are not to be had without a
// renderer): the three digits of a status drawn as strokes, above the way of a request with its broken place. A PNG with
// a palette, written here: a few filled shapes, a row at a time, and zlib.
import { crc32, deflateSync } from "node:zlib";

const WIDTH = 1200;
const HEIGHT = 630;

type Point = readonly [x: number, y: number];
/** A line between two points, with round ends. */
type Stroke = readonly [from: Point, to: Point];

/** The site's light scheme. */
const PAPER = 0xfaf9f7;
/** Ink, soft, bad; each in so many steps over the paper, for smooth edges. */
const COLOURS = [0x1d1c1a, 0x8d8880, 0xa8201a] as const;
const [INK, SOFT, BAD] = [0, 1, 2] as const;
const STEPS = 8;

/** Strokes of a digit: corners "x,y" in a box of 1 × 2, in order; "|" lifts the pen. */
const DIGITS: Readonly<Record<string, string>> = {
  0: ".3,0 .7,0 1,.35 1,1.65 .7,2 .3,2 0,1.65 0,.35 .3,0",
  1: ".15,.4 .6,0 .6,2",
  2: "0,.4 .3,0 .7,0 1,.35 1,.7 0,2 1,2",
  3: "0,.3 .3,0 .7,0 1,.3 1,.65 .7,.95 .4,.95|.7,.95 1,1.3 1,1.65 .7,2 .3,2 0,1.7",
  4: ".75,2 .75,0 0,1.4 1,1.4",
  5: ".95,0 .1,0 .05,.9 .7,.85 1,1.2 1,1.65 .7,2 .3,2 0,1.7",
  6: ".9,.2 .65,0 .35,0 0,.5 0,1.65 .3,2 .7,2 1,1.65 1,1.25 .7,.95 .3,.95 0,1.3",
  7: "0,0 1,0 .4,2",
  8: ".3,.95 0,.65 0,.3 .3,0 .7,0 1,.3 1,.65 .7,.95 .3,.95 0,1.3 0,1.65 .3,2 .7,2 1,1.65 1,1.3 .7,.95",
  9: ".1,1.8 .35,2 .65,2 1,1.5 1,.35 .7,0 .3,0 0,.35 0,.75 .3,1.05 .7,1.05 1,.7",
};

/** The picture for a status, as PNG. */
export function statusCard(status: string): Uint8Array {
  const pixels = new Uint8Array(WIDTH * HEIGHT);
  const [size, gap, top] = [150, 90, 110];
  const left = (WIDTH - status.length * size - (status.length - 1) * gap) / 2;
  [...status].forEach((digit, index) => {
    const x = left + index * (size + gap);
    for (const line of (DIGITS[digit] ?? "").split("|"))
      for (const stroke of strokesOf(line, x, top, size)) draw(pixels, stroke, { colour: INK, radius: 17 });
  });
  drawWay(pixels, 530, Number(status) >= 400);
  return png(pixels);
}

function strokesOf(line: string, left: number, top: number, size: number): Stroke[] {
  const corners = line.split(" ").map((corner): Point => {
    const [x = 0, y = 0] = corner.split(",").map(Number);
    return [left + x * size, top + y * size];
  });
  return corners.slice(1).map((corner, index) => [corners[index]!, corner]);
}

/** Client, gateway, application; where something failed, the stretch before the last is broken. */
function drawWay(pixels: Uint8Array, y: number, failed: boolean): void {
  const [first, second, third] = [380, 600, 820];
  const middle = (second + third) / 2;
  const line = (x1: number, y1: number, x2: number, y2: number, pen: Pen): void =>
    draw(pixels, [point(x1, y1), point(x2, y2)], pen);
  const thin = { colour: SOFT, radius: 3 };
  for (const x of [first, second, third])
    line(x, y, x, y, { colour: failed && x === third ? SOFT : INK, radius: 30, hole: 23 });
  line(first + 42, y, second - 42, y, thin);
  if (!failed) return line(second + 42, y, third - 42, y, thin);
  for (const x of [second + 48, second + 66, third - 76, third - 58]) line(x, y, x + 10, y, thin);
  line(middle - 20, y - 20, middle + 20, y + 20, { colour: BAD, radius: 7 });
  line(middle + 20, y - 20, middle - 20, y + 20, { colour: BAD, radius: 7 });
}

const point = (x: number, y: number): Point => [x, y];

interface Pen {
  readonly colour: number;
  readonly radius: number;
  /** Nearer than this stays free: a ring instead of a dot. */
  readonly hole?: number;
}

/** Sets all pixels within the pen's radius of the stroke. */
function draw(pixels: Uint8Array, [[x1, y1], [x2, y2]]: Stroke, { colour, radius, hole }: Pen): void {
  const [dx, dy] = [x2 - x1, y2 - y1];
  const length2 = dx * dx + dy * dy;
  const reach = radius + 1;
  const [fromX, toX] = [Math.floor(Math.min(x1, x2) - reach), Math.ceil(Math.max(x1, x2) + reach)];
  const [fromY, toY] = [Math.floor(Math.min(y1, y2) - reach), Math.ceil(Math.max(y1, y2) + reach)];
  for (let y = fromY; y <= toY; y++) {
    for (let x = fromX; x <= toX; x++) {
      const along = length2 === 0 ? 0 : Math.min(1, Math.max(0, ((x - x1) * dx + (y - y1) * dy) / length2));
      const distance = Math.hypot(x - x1 - along * dx, y - y1 - along * dy);
      const inner = hole === undefined ? 1 : part(distance - hole + 0.5);
      const step = Math.round(Math.min(part(radius + 0.5 - distance), inner) * STEPS);
      const at = y * WIDTH + x;
      // Strokes of one figure meet: the fuller one counts.
      if (step > 0 && step >= ((pixels[at]! - 1) % STEPS) + 1) pixels[at] = colour * STEPS + step;
    }
  }
}

const part = (amount: number): number => Math.min(1, Math.max(0, amount));

/** 0 = paper; colour × STEPS + step = that colour over the paper. */
function paletteBytes(): Buffer {
  const channels = (rgb: number): number[] => [rgb >> 16, (rgb >> 8) & 255, rgb & 255];
  const paper = channels(PAPER);
  const shades = COLOURS.flatMap((rgb) =>
    Array.from({ length: STEPS }, (_, index) =>
      channels(rgb).map((value, channel) =>
        Math.round(paper[channel]! + ((value - paper[channel]!) * (index + 1)) / STEPS),
      ),
    ),
  );
  return Buffer.from([paper, ...shades].flat());
}

function png(pixels: Uint8Array): Uint8Array {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(WIDTH, 0);
  header.writeUInt32BE(HEIGHT, 4);
  // 8 bits a pixel, palette.
  header.set([8, 3, 0, 0, 0], 8);
  const rows = Buffer.alloc((WIDTH + 1) * HEIGHT);
  // Each row begins with its filter: none.
  for (let y = 0; y < HEIGHT; y++) rows.set(pixels.subarray(y * WIDTH, (y + 1) * WIDTH), y * (WIDTH + 1) + 1);
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  const data = chunk("IDAT", deflateSync(rows, { level: 6 }));
  const parts = [signature, chunk("IHDR", header), chunk("PLTE", paletteBytes()), data, chunk("IEND", Buffer.alloc(0))];
  return Buffer.concat(parts);
}

function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, "latin1"), data]);
  const [length, check] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(data.length);
  check.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, check]);
}
