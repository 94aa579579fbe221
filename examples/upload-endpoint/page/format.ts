const whole = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });
const short = new Intl.NumberFormat('en', { maximumSignificantDigits: 3 });

/** What stands where there is nothing to tell. */
export const NOTHING = '–';

export const count = (value: number) => whole.format(value);

export const plural = (value: number, one: string, many = `${one}s`) => `${count(value)} ${value === 1 ? one : many}`;

export const percent = (share: number | null) => (share === null ? NOTHING : `${whole.format(share * 100)} %`);

export function milliseconds(value: number | null): string {
  if (value === null) return NOTHING;
  return value >= 1000 ? `${short.format(value / 1000)} s` : `${short.format(value)} ms`;
}

const dollars = new Intl.NumberFormat('en', { style: 'currency', currency: 'USD' });
const cents = new Intl.NumberFormat('en', { maximumSignificantDigits: 2 });

/** Dollars; less than 10 cents as cents, so that small sums are no row of zeros. */
export const money = (value: number) => (value < 0.1 ? `${cents.format(100 * value)} ¢` : dollars.format(value));

export function bytes(value: number): string {
  const step = Math.min(3, Math.max(0, Math.floor(Math.log10(Math.max(1, Math.abs(value))) / 3)));
  return `${short.format(value / 1000 ** step)} ${['bytes', 'kB', 'MB', 'GB'][step]}`;
}

export const clock = (at: number) => new Date(at).toLocaleTimeString('en-GB');
