// What stands on a chart besides its figures: shaded spans behind the lines, and marks (a deploy, a reload, a health
// change) as dashed lines with a small flag: a square for what somebody did, a triangle for a warning.
import type UPlot from "uplot";
import type { ChartProps } from "./chart.tsx";

type Colour = (name: string) => string;

export function drawMarks(
  plot: UPlot,
  { marks = [], bands = [] }: ChartProps,
  color: Colour,
  layer: "behind" | "front",
): void {
  const { ctx, bbox } = plot;
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  if (layer === "behind") {
    for (const band of bands) {
      const from = plot.valToPos(band.from / 1000, "x", true);
      const to = plot.valToPos(band.to / 1000, "x", true);
      ctx.globalAlpha = 0.14;
      ctx.fillStyle = color(band.color);
      ctx.fillRect(from, bbox.top, Math.max(2, to - from), bbox.height);
    }
  } else {
    for (const mark of marks) flag(plot, plot.valToPos(mark.at / 1000, "x", true), mark.level, color);
  }
  ctx.restore();
}

function flag({ ctx, bbox }: UPlot, x: number, level: "info" | "warn", color: Colour): void {
  if (x < bbox.left - 8 || x > bbox.left + bbox.width + 8) return;
  const scale = devicePixelRatio;
  const size = 5 * scale;
  ctx.strokeStyle = ctx.fillStyle = color(level === "warn" ? "--warn" : "--info");
  ctx.lineWidth = scale;
  ctx.setLineDash([3 * scale, 3 * scale]);
  ctx.beginPath();
  ctx.moveTo(x, bbox.top);
  ctx.lineTo(x, bbox.top + bbox.height);
  ctx.stroke();
  ctx.setLineDash([]);
  ctx.beginPath();
  if (level === "warn") {
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x + size, bbox.top + size * 1.8);
    ctx.lineTo(x - size, bbox.top + size * 1.8);
  } else {
    ctx.rect(x - size * 0.8, bbox.top, size * 1.6, size * 1.6);
  }
  ctx.fill();
}
