import { performance } from '../../src/runtime.js';

/** Runs a call on a machine that is so slow that every row takes the time of a whole step. */
export async function slowly(call: () => Promise<unknown>): Promise<void> {
  const real = performance.now;
  let now = real();
  performance.now = () => {
    now += 10;
    return now;
  };
  try {
    await call();
  } finally {
    performance.now = real;
  }
}
