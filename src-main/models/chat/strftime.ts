/** Dates and times as Python's `strftime` writes them, in English whatever the machine's language. */
import { unsupportedFeature } from './values.ts';

const days = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];
const months = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
];

/** `format` with the codes replaced by parts of `now` in local time. Throws for a code that is not supported. */
export function strftime(now: Date, format: string): string {
  const day = days[now.getDay()] ?? '';
  const month = months[now.getMonth()] ?? '';
  const midnight = (date: Date): number => Date.UTC(date.getFullYear(), date.getMonth(), date.getDate());
  const dayOfYear = (midnight(now) - Date.UTC(now.getFullYear(), 0, 1)) / 86_400_000 + 1;
  const numbers: Readonly<Record<string, readonly [number, number]>> = {
    Y: [now.getFullYear(), 1],
    y: [now.getFullYear() % 100, 2],
    m: [now.getMonth() + 1, 2],
    d: [now.getDate(), 2],
    H: [now.getHours(), 2],
    I: [now.getHours() % 12 || 12, 2],
    M: [now.getMinutes(), 2],
    S: [now.getSeconds(), 2],
    j: [dayOfYear, 3],
    U: [Math.floor((dayOfYear + 6 - now.getDay()) / 7), 2],
    W: [Math.floor((dayOfYear + 6 - ((now.getDay() + 6) % 7)) / 7), 2],
    w: [now.getDay(), 1],
  };
  const texts: Readonly<Record<string, () => string>> = {
    A: () => day,
    a: () => day.slice(0, 3),
    B: () => month,
    b: () => month.slice(0, 3),
    h: () => month.slice(0, 3),
    p: () => (now.getHours() < 12 ? 'AM' : 'PM'),
    e: () => String(now.getDate()).padStart(2, ' '),
    F: () => strftime(now, '%Y-%m-%d'),
    T: () => strftime(now, '%H:%M:%S'),
    D: () => strftime(now, '%m/%d/%y'),
    R: () => strftime(now, '%H:%M'),
    n: () => '\n',
    t: () => '\t',
    '%': () => '%',
  };
  return format.replace(/%(-?)([\s\S]?)/g, (all, dash: string, code: string) => {
    const number = numbers[code];
    if (number !== undefined)
      return dash === '' ? String(number[0]).padStart(number[1], '0') : String(number[0]);
    const text = texts[code];
    if (text === undefined || dash !== '') throw unsupportedFeature(`The date code "${all}"`);
    return text();
  });
}
