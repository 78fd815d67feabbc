/** A metric as lines: the raw line, and over it the average where there are many points. */
import { averageWindow, centredMean } from './downsample.ts';
import type { Line } from './line-chart.ts';

const fewPoints = 30;

/** Lines of one metric. `xs` are steps. */
export function averagedLines(
  label: string,
  xs: ArrayLike<number>,
  ys: ArrayLike<number>,
  style: { readonly colour: string; readonly dash?: readonly number[] },
): Line[] {
  const raw: Line = { label, xs, ys, colour: style.colour };
  if (xs.length <= fewPoints) return [raw];
  return [
    { ...raw, faint: true },
    {
      label: 'Average',
      xs,
      ys: centredMean(ys, averageWindow(ys.length)),
      colour: style.colour,
      dash: style.dash ?? [],
    },
  ];
}
