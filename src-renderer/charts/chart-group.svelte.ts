/** What the charts of one page share: the visible range of steps and the step under the cursor. */
export interface Range {
  readonly from: number;
  readonly to: number;
}

export class ChartGroup {
  /** The whole range of steps there is. */
  extent = $state.raw<Range>({ from: 0, to: 1 });
  /** What is zoomed to; null shows everything. */
  zoom = $state.raw<Range | null>(null);
  cursor = $state<number | null>(null);
  readonly range: Range = $derived(this.zoom ?? this.extent);

  /** Moves the cursor by a share of the visible range; starts in its middle. */
  moveCursor(share: number): void {
    const { from, to } = this.range;
    const start = this.cursor ?? (from + to) / 2;
    this.cursor = Math.round(Math.min(to, Math.max(from, start + share * (to - from))));
  }

  /** Zooms by a factor around the cursor (or the middle); above the whole extent it shows everything. */
  zoomBy(factor: number): void {
    const { from, to } = this.range;
    const centre = this.cursor ?? (from + to) / 2;
    const width = Math.max(2, (to - from) * factor);
    if (width >= this.extent.to - this.extent.from) {
      this.zoom = null;
      return;
    }
    const left = Math.min(this.extent.to - width, Math.max(this.extent.from, centre - width / 2));
    this.zoom = { from: Math.round(left), to: Math.round(left + width) };
  }
}
