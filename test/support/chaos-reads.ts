import type { CacheBackend } from '../../src/backends/backend.js';

/** How often a backend was asked to read. */
export interface ReadCount {
  reads: number;
}

/** Counts the reads of a backend. A read that the backend makes of another one of its own is not counted again. */
export function countReads(backend: CacheBackend): ReadCount {
  const count: ReadCount = { reads: 0 };
  let isInside = false;
  const counted = <Arguments extends unknown[], T>(method: (...given: Arguments) => Promise<T>) => {
    return (...given: Arguments): Promise<T> => {
      if (isInside) return method.apply(backend, given);
      count.reads += 1;
      isInside = true;
      try {
        return method.apply(backend, given);
      } finally {
        isInside = false;
      }
    };
  };
  const { getMany, getRuns } = backend;
  backend.getMany = counted(getMany);
  if (getRuns) backend.getRuns = counted(getRuns);
  return count;
}
