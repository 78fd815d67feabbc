/** Saves what a chart shows: a picture at twice the size on the page's ground, or its numbers as CSV. */
import { saveFile } from '../lib/save-file.ts';
import { colourOf, type Line } from './line-chart.ts';

const margin = 16;
const headHeight = 36;
const scale = 2;

/** Saves an image of this size (in pixels of the page) as PNG with its title above. */
export function savePicture(image: CanvasImageSource, width: number, height: number, title: string): void {
  const picture = document.createElement('canvas');
  picture.width = (width + 2 * margin) * scale;
  picture.height = (height + headHeight + margin) * scale;
  const context = picture.getContext('2d');
  if (!context) return;
  context.scale(scale, scale);
  context.fillStyle = colourOf('--ground');
  context.fillRect(0, 0, width + 2 * margin, height + headHeight + margin);
  context.fillStyle = colourOf('--text');
  context.font = `600 14px ${getComputedStyle(document.body).fontFamily}`;
  context.fillText(title, margin, 23);
  context.drawImage(image, margin, headHeight, width, height);
  picture.toBlob((blob) => {
    if (blob) saveFile(`${fileName(title)}.png`, blob);
  }, 'image/png');
}

/** Saves the canvas of a chart as PNG with its title above. */
export function saveChartPicture(canvas: HTMLCanvasElement, title: string): void {
  const ratio = canvas.width / Math.max(1, canvas.clientWidth);
  savePicture(canvas, canvas.width / ratio, canvas.height / ratio, title);
}

/** Saves every point of the lines, one row a step. */
export function saveChartNumbers(lines: readonly Line[], title: string): void {
  const steps = new Set<number>();
  const byLine = lines.map((line) => {
    const values = new Map<number, number>();
    for (let index = 0; index < line.xs.length; index += 1) {
      const x = line.xs[index];
      const y = line.ys[index];
      if (x === undefined || y === undefined) continue;
      steps.add(x);
      values.set(x, y);
    }
    return values;
  });
  const quote = (text: string): string => (/[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  const rows = [...steps]
    .sort((a, b) => a - b)
    .map((step) => [step, ...byLine.map((values) => values.get(step) ?? '')].join(','));
  const head = ['step', ...lines.map((line) => quote(line.label))].join(',');
  saveFile(`${fileName(title)}.csv`, new Blob([[head, ...rows].join('\n') + '\n'], { type: 'text/csv' }));
}

/** A title as the name of a file, without its ending. */
export function fileName(title: string): string {
  return (
    title
      .toLowerCase()
      .replace(/[^\p{L}\p{N}]+/gu, '-')
      .replace(/^-|-$/g, '') || 'chart'
  );
}
