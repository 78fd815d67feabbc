/** Saves a drawing of the page as PNG at twice its size, with its colours as they are shown now. */
import { saveFile } from '../lib/save-file.ts';
import { colourOf } from './line-chart.ts';
import { fileName } from './save-chart.ts';

const scale = 2;
const margin = 16;
const headHeight = 36;

/** Saves the drawing with its title above. */
export async function saveSvgPicture(svg: SVGSVGElement, title: string): Promise<void> {
  const { width, height } = svg.getBoundingClientRect();
  const copy = svg.cloneNode(true);
  if (!(copy instanceof SVGSVGElement)) return;
  copy.setAttribute('xmlns', 'http://www.w3.org/2000/svg');
  copy.setAttribute('width', String(width));
  copy.setAttribute('height', String(height));
  copy.setAttribute('font-family', getComputedStyle(document.body).fontFamily);
  copy.setAttribute('fill', colourOf('--text'));
  // Outside the page its custom properties mean nothing.
  const text = new XMLSerializer()
    .serializeToString(copy)
    .replaceAll(/var\((--[\w-]+)\)/g, (_, property: string) => colourOf(property));
  const address = URL.createObjectURL(new Blob([text], { type: 'image/svg+xml' }));
  try {
    const image = new Image();
    image.src = address;
    await image.decode();
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
  } finally {
    URL.revokeObjectURL(address);
  }
}
