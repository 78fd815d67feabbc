/**
 * One Chart.js line chart: fixed settings, drawing of the cursor, of the dragged range and of marked steps,
 * and colours from the page's custom properties. Knows nothing of Svelte.
 */
import {
  Chart,
  LinearScale,
  LineController,
  LineElement,
  PointElement,
  type ChartDataset,
  type Plugin,
} from 'chart.js';
import { formatNumber } from '../lib/format.ts';
import type { Range } from './chart-group.svelte.ts';
import { downsample, type Point } from './downsample.ts';

Chart.register(LineController, LineElement, PointElement, LinearScale);

/** One line of a chart. `xs` rises. */
export interface Line {
  readonly label: string;
  readonly xs: ArrayLike<number>;
  readonly ys: ArrayLike<number>;
  /** Custom property that holds the colour, such as `--data-1`. */
  readonly colour: string;
  readonly dash?: readonly number[];
  /** Faint lines stand behind a smoothed or more important one. */
  readonly faint?: boolean;
  /** Draws a dot at each point, for few points that matter. */
  readonly dots?: boolean;
}

/** A step marked by a small triangle on the axis. */
export interface Mark {
  readonly x: number;
  readonly label: string;
}

export interface Picture {
  readonly lines: readonly Line[];
  readonly marks: readonly Mark[];
  readonly range: Range;
  readonly small: boolean;
  /** Smallest range of values that is shown, so that rounding noise does not look like an event. */
  readonly floor: { readonly from: number; readonly to: number } | null;
}

/** Chart.js and what is drawn over it. */
export class LineDrawing {
  readonly chart: Chart<'line', Point[]>;
  cursor: number | null = null;
  selection: Range | null = null;
  #marks: readonly Mark[] = [];

  constructor(canvas: HTMLCanvasElement) {
    this.chart = new Chart<'line', Point[]>(canvas, {
      type: 'line',
      data: { datasets: [] },
      options: {
        parsing: false,
        normalized: true,
        animation: false,
        responsive: true,
        maintainAspectRatio: false,
        events: [],
        layout: { padding: { top: 6, right: 6 } },
        scales: { x: { type: 'linear' }, y: { type: 'linear' } },
      },
      plugins: [this.#overlay()],
    });
  }

  /** Redraws everything: lines, axes and colours. */
  show(picture: Picture): void {
    const { lines, range, small, floor } = picture;
    this.#marks = picture.marks;
    const buckets = Math.max(40, Math.floor(this.chart.width / 2));
    this.chart.data.datasets = lines.map((line) => dataset(line, range, buckets));
    const text = colourOf('--muted');
    const grid = { color: colourOf('--hairline'), drawTicks: false, lineWidth: 1 };
    const ticks = {
      color: text,
      padding: 6,
      font: { family: getComputedStyle(document.body).fontFamily, size: 11 },
      callback: (value: number | string) => formatNumber(Number(value)),
    };
    this.chart.options.scales = {
      x: {
        type: 'linear',
        min: range.from,
        max: Math.max(range.to, range.from + 1),
        border: { color: colourOf('--hairline') },
        grid: { display: false },
        ticks: {
          ...ticks,
          maxTicksLimit: small ? 4 : 10,
          maxRotation: 0,
          precision: 0,
          includeBounds: false,
        },
      },
      y: {
        type: 'linear',
        ...(floor === null ? {} : { suggestedMin: floor.from, suggestedMax: floor.to }),
        border: { display: false },
        grid,
        ticks: { ...ticks, maxTicksLimit: small ? 4 : 7 },
        afterFit: (axis) => {
          // Charts under each other share the x axis, so their frames start at the same place.
          axis.width = Math.max(axis.width, small ? 44 : 52);
        },
      },
    };
    this.chart.update('none');
  }

  /** Redraws only what lies over the lines. */
  overlay(cursor: number | null, selection: Range | null): void {
    this.cursor = cursor;
    this.selection = selection;
    this.chart.draw();
  }

  /** The step at a horizontal position in the canvas, in CSS pixels. */
  stepAt(pixel: number): number {
    const scale = this.chart.scales['x'];
    if (!scale) return 0;
    const value = scale.getValueForPixel(pixel) ?? scale.min;
    return Math.round(Math.min(scale.max, Math.max(scale.min, value)));
  }

  destroy(): void {
    this.chart.destroy();
  }

  #overlay(): Plugin<'line'> {
    return {
      id: 'overlay',
      afterDatasetsDraw: (chart) => {
        const x = chart.scales['x'];
        if (!x) return;
        const { top, bottom, left, right } = chart.chartArea;
        const context = chart.ctx;
        context.save();
        context.beginPath();
        context.rect(left - 5, top - 5, right - left + 10, bottom - top + 10);
        context.clip();
        for (const mark of this.#marks) {
          const at = x.getPixelForValue(mark.x);
          context.fillStyle = colourOf('--muted');
          context.beginPath();
          context.moveTo(at - 4, bottom);
          context.lineTo(at + 4, bottom);
          context.lineTo(at, bottom - 7);
          context.fill();
        }
        if (this.selection) {
          const from = x.getPixelForValue(this.selection.from);
          const to = x.getPixelForValue(this.selection.to);
          context.globalAlpha = 0.15;
          context.fillStyle = colourOf('--accent');
          context.fillRect(from, top, to - from, bottom - top);
          context.globalAlpha = 1;
        }
        if (this.cursor !== null && this.cursor >= x.min && this.cursor <= x.max) {
          const at = Math.round(x.getPixelForValue(this.cursor)) + 0.5;
          context.strokeStyle = colourOf('--edge');
          context.lineWidth = 1;
          context.beginPath();
          context.moveTo(at, top);
          context.lineTo(at, bottom);
          context.stroke();
        }
        context.restore();
      },
    };
  }
}

function dataset(line: Line, range: Range, buckets: number): ChartDataset<'line', Point[]> {
  const colour = colourOf(line.colour);
  return {
    label: line.label,
    data: downsample(line.xs, line.ys, range.from, range.to, buckets),
    borderColor: line.faint ? withAlpha(colour, 0.32) : colour,
    backgroundColor: colour,
    borderWidth: line.faint ? 1 : 1.75,
    borderDash: [...(line.dash ?? [])],
    pointRadius: pointRadius(line),
    pointBorderWidth: 0,
    tension: 0,
    spanGaps: true,
  };
}

/** Dots shrink and vanish where they would merge into a band; a lone point is always seen. */
function pointRadius(line: Line): number {
  const count = line.xs.length;
  if (count === 1) return 3;
  if (!line.dots || count > 80) return 0;
  return count > 30 ? 2 : 3;
}

/** The value of a custom property. */
export function colourOf(property: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(property).trim();
}

/** A colour written as #rrggbb with an opacity. */
function withAlpha(colour: string, alpha: number): string {
  return /^#[0-9a-f]{6}$/i.test(colour)
    ? colour +
        Math.round(alpha * 255)
          .toString(16)
          .padStart(2, '0')
    : colour;
}
