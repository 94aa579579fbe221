import type { SuiteResult } from '../suite.js';

/** One way of storing the made float32 vectors of 768 dimensions. */
export interface Point {
  name: string;
  isOwn: boolean;
  bytes: number;
  maxError: number;
  /** GB/s of float32s. */
  decode: number;
  copy: number;
}

const PREFIX = 'float32, 768-d, ';

/** What the core's table has of them. */
export function pointsOf({ tables = [] }: SuiteResult): Point[] {
  const rows = tables.find(({ id }) => id === 'core')?.rows ?? [];
  const points = rows.flatMap(({ set, name, modes, bytes, maxError, decodeGBps, copyGBps }) =>
    set === 'made' && String(name).startsWith(PREFIX)
      ? [
          {
            name: String(name).slice(PREFIX.length),
            isOwn: modes !== '',
            bytes: Number(bytes),
            maxError: Number(maxError),
            decode: Number(decodeGBps),
            copy: Number(copyGBps),
          },
        ]
      : [],
  );
  if (points.length === 0)
    throw new Error('the file has no figures of the core: run the suite with cargo, and not --short');
  // Forms of the option `compression` are what nobody gets who does not ask for them.
  return points.filter(({ name }) => !name.startsWith('exact, '));
}
