import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** What is in use once the garbage is collected, in bytes: objects, and memory of typed arrays. */
export function used(): number {
  setFlagsFromString('--expose-gc');
  const gc: () => void = runInNewContext('gc');
  // The second one ends what the first one sweeps beside this thread.
  gc();
  gc();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}
