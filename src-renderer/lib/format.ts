/** Numbers, sizes and times as people read them: at most four significant digits, thousands separated, units. */

const grouped = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });

/** A number with at most four significant digits; very small and very large ones in powers of ten. */
export function formatNumber(value: number | null | undefined): string {
  if (value === null || value === undefined) return '–';
  if (!Number.isFinite(value)) return Number.isNaN(value) ? 'not a number' : value > 0 ? '∞' : '−∞';
  if (value === 0) return '0';
  const size = Math.abs(value);
  const sign = value < 0 ? '−' : '';
  if (size < 1e-4 || size >= 1e9) {
    const [digits = '', exponent = ''] = size.toExponential(3).split('e');
    return `${sign}${trimZeros(digits)}e${exponent.replace('+', '').replace('-', '−')}`;
  }
  if (size >= 1000) return sign + grouped.format(Number(size.toPrecision(size >= 10_000 ? 15 : 4)));
  return sign + trimZeros(size.toPrecision(4));
}

function trimZeros(text: string): string {
  return text.includes('.') ? text.replace(/\.?0+$/, '') : text;
}

/** A whole number with separated thousands. */
export function formatCount(value: number | null | undefined): string {
  return value === null || value === undefined ? '–' : grouped.format(value);
}

/** A share of one as a percentage with at most one decimal. */
export function formatShare(value: number | null | undefined): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return '–';
  const percent = value * 100;
  return `${Number.isInteger(percent) ? percent : percent.toFixed(1).replace(/\.0$/, '')} %`;
}

const byteUnits = ['B', 'kB', 'MB', 'GB', 'TB'];

/** Bytes in decimal units. */
export function formatBytes(bytes: number | null | undefined): string {
  if (bytes === null || bytes === undefined) return '–';
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < byteUnits.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${unit === 0 ? value : trimZeros(value.toPrecision(3))} ${byteUnits[unit] ?? 'B'}`;
}

const compactUnits: [number, string][] = [
  [1e12, 'T'],
  [1e9, 'B'],
  [1e6, 'M'],
  [1e3, 'k'],
];

/** Large counts such as parameters: 3.2 M. */
export function formatCompact(value: number): string {
  for (const [size, unit] of compactUnits) {
    if (value >= size) return `${trimZeros((value / size).toPrecision(3))} ${unit}`;
  }
  return String(value);
}

/** A length of time in its two largest units: 2 min 5 s. */
export function formatDuration(seconds: number | null | undefined): string {
  if (seconds === null || seconds === undefined || !Number.isFinite(seconds)) return '–';
  if (seconds < 10) return `${trimZeros(seconds.toPrecision(2))} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return joinUnits(Math.floor(whole / 60), 'min', whole % 60, 's');
  if (whole < 86_400) return joinUnits(Math.floor(whole / 3600), 'h', Math.floor((whole % 3600) / 60), 'min');
  return joinUnits(Math.floor(whole / 86_400), 'd', Math.floor((whole % 86_400) / 3600), 'h');
}

function joinUnits(large: number, largeUnit: string, small: number, smallUnit: string): string {
  return small === 0 ? `${large} ${largeUnit}` : `${large} ${largeUnit} ${small} ${smallUnit}`;
}

/** A moment seen from now: "just now", "4 min ago". Times are milliseconds since 1970. */
export function formatRelative(at: number, now: number): string {
  const seconds = Math.max(0, (now - at) / 1000);
  if (seconds < 10) return 'just now';
  if (seconds < 60) return `${Math.floor(seconds)} s ago`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h ago`;
  const days = Math.floor(seconds / 86_400);
  if (days < 31) return days === 1 ? 'yesterday' : `${days} days ago`;
  return new Date(at).toLocaleDateString();
}

/** A moment in full, for the text shown on hover. */
export function formatAbsolute(at: number): string {
  return new Date(at).toLocaleString();
}

/** The time of day of a log line. */
export function formatClock(at: number): string {
  return new Date(at).toLocaleTimeString(undefined, { hour12: false });
}
