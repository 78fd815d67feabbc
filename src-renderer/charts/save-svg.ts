/** Saves a drawing of the page as PNG at twice its size, with its colours as they are shown now. */
import { colourOf } from './line-chart.ts';
import { savePicture } from './save-chart.ts';

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
    savePicture(image, width, height, title);
  } finally {
    URL.revokeObjectURL(address);
  }
}
