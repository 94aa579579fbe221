import { MODE, type Precision } from './modes.js';
import { boundOf } from './within.js';

/** A precision as one number, as it crosses to the native engine: the bound of a `maxError`, or one of these. */
export const TOLERANCE = { exact: 0, float16: -1, int8: -2 } as const;

/** The least bound that may be asked for: below the least normal float32, a bound would have few bits itself. */
export const LEAST_MAX_ERROR = 1e-37;

export function toleranceOf(precision: Precision): number {
  return typeof precision === 'string' ? TOLERANCE[precision] : precision.maxError;
}

/** The largest float32 that is not above `x`, a number above 0: what a record can state as its bound. */
export function float32Below(x: number): number {
  const nearest = new Float32Array([x]);
  if ((nearest[0] as number) <= x) return nearest[0] as number;
  const bits = new Uint32Array(nearest.buffer);
  bits[0] = (bits[0] as number) - 1;
  return nearest[0] as number;
}

/** Why a reader who asked for `tolerance` takes no payload of this mode (docs/format.md section 2); undefined where it does. */
export function whyNotAccepted(
  mode: number,
  payload: Uint8Array,
  tolerance: number,
): 'mode' | 'payload' | 'precision' | undefined {
  switch (mode) {
    case MODE.raw:
    case MODE.planes:
    case MODE.exponent:
    case MODE.grid:
    case MODE.decimal:
      return undefined;
    case MODE.steps: {
      const bound = boundOf(payload);
      if (bound === undefined) return 'payload';
      return bound <= tolerance ? undefined : 'precision';
    }
    case MODE.float16:
      return tolerance < 0 ? undefined : 'precision';
    case MODE.int8:
      return tolerance === TOLERANCE.int8 ? undefined : 'precision';
    default:
      return 'mode';
  }
}
