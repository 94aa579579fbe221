const whole = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });
const short = new Intl.NumberFormat('en', { maximumSignificantDigits: 3 });
const compact = new Intl.NumberFormat('en', { notation: 'compact', maximumSignificantDigits: 3 });

/** What stands where there is nothing to tell. */
export const NOTHING = '–';

export const count = (value: number) => (value < 100_000 ? whole : compact).format(value);
export const clock = (at: number) => new Date(at).toLocaleTimeString('en-GB');

export function percent(hits: number, misses: number): string {
  const all = hits + misses;
  if (all === 0) return NOTHING;
  const share = (100 * hits) / all;
  // 100 % is said only of all.
  return `${misses > 0 && share > 99 ? Math.min(share, 99.99).toFixed(2) : whole.format(share)} %`;
}

const UNITS: [number, string][] = [
  [86_400_000, 'd'],
  [3_600_000, 'h'],
  [60_000, 'min'],
  [1000, 's'],
  [1, 'ms'],
];

export function duration(milliseconds: number | null): string {
  if (milliseconds === null) return NOTHING;
  const [size, unit] = UNITS.find(([least]) => milliseconds >= least) ?? [1, 'ms'];
  return `${short.format(milliseconds / size)} ${unit}`;
}

export function bytes(value: number): string {
  const step = Math.min(4, Math.max(0, Math.floor(Math.log10(Math.max(1, value)) / 3)));
  return `${short.format(value / 1000 ** step)} ${['B', 'kB', 'MB', 'GB', 'TB'][step]}`;
}

export function money(value: number, currency: string): string {
  const digits = value >= 0.1 || value === 0 ? {} : { maximumSignificantDigits: 2 };
  return new Intl.NumberFormat('en', { style: 'currency', currency, ...digits }).format(value);
}
