/** Text tables and the writing of numbers, times and sizes for people. Pure. */

export interface Column {
  readonly title: string;
  readonly align?: 'left' | 'right';
  /** Cells are cut to this many characters. */
  readonly maximum?: number;
}

/** One line, cut to `width` characters with an ellipsis; line breaks are shown as ⏎. */
export function oneLine(text: string, width: number): string {
  const flat = text.replaceAll(/\r\n|\r|\n/g, '⏎').replaceAll('\t', ' ');
  const characters = Array.from(flat);
  return characters.length <= width ? flat : `${characters.slice(0, Math.max(0, width - 1)).join('')}…`;
}

/** Rows under their titles, columns two blanks apart, no blanks at line ends. */
export function renderTable(columns: readonly Column[], rows: readonly (readonly string[])[]): string {
  const cells = [columns.map((column) => column.title), ...rows].map((row) =>
    columns.map((column, index) => oneLine(row[index] ?? '', column.maximum ?? 200)),
  );
  const widths = columns.map((_, index) =>
    Math.max(...cells.map((row) => Array.from(row[index] ?? '').length)),
  );
  return cells
    .map((row) =>
      row
        .map((cell, index) => {
          const blanks = ' '.repeat((widths[index] ?? 0) - Array.from(cell).length);
          return columns[index]?.align === 'right' ? blanks + cell : cell + blanks;
        })
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** Pairs of name and value, one a line. */
export function renderPairs(pairs: readonly (readonly [string, string])[]): string {
  const width = Math.max(0, ...pairs.map(([name]) => name.length));
  return pairs.map(([name, value]) => `${name.padEnd(width)}  ${value}`).join('\n');
}

/** At most four significant digits, thousands separated; – for nothing. */
export function formatNumber(value: number | null | undefined): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return '–';
  return new Intl.NumberFormat('en', {
    maximumSignificantDigits:
      Math.abs(value) >= 1000 ? Math.max(4, Math.trunc(Math.log10(Math.abs(value))) + 1) : 4,
  }).format(value);
}

/** Seconds as 4.2 s, 42 s, 3:07 min or 1:02:03 h. */
export function formatDuration(seconds: number | null | undefined): string {
  if (seconds === null || seconds === undefined || !Number.isFinite(seconds)) return '–';
  const whole = Math.max(0, Math.round(seconds));
  if (seconds > 0 && seconds < 9.95) return `${seconds.toFixed(1)} s`;
  if (whole < 60) return `${whole} s`;
  const two = (value: number): string => String(value).padStart(2, '0');
  const minutes = Math.trunc(whole / 60);
  if (minutes < 60) return `${minutes}:${two(whole % 60)} min`;
  return `${Math.trunc(minutes / 60)}:${two(minutes % 60)}:${two(whole % 60)} h`;
}

/** Bytes in the nearest unit of 1024, one decimal. */
export function formatBytes(bytes: number): string {
  const units = ['bytes', 'KB', 'MB', 'GB', 'TB'];
  let value = bytes;
  let unit = 0;
  while (Math.abs(value) >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`;
}

/** A moment, in the local time zone, to the minute. */
export function formatMoment(milliseconds: number | null): string {
  if (milliseconds === null) return '–';
  const date = new Date(milliseconds);
  const two = (value: number): string => String(value).padStart(2, '0');
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ${two(date.getHours())}:${two(date.getMinutes())}`;
}
