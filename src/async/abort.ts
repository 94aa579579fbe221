import { setMaxListeners } from 'node:events';

/**
 * By signal, what is to be called when it is aborted: a signal may be handed to any number of
 * calls, and gets one listener.
 */
const callbacks = new WeakMap<AbortSignal, Set<() => void>>();

/** Calls `callback` when `signal` is aborted, which it is not yet. Returns what ends that. */
export function onAbort(signal: AbortSignal, callback: () => void): () => void {
  const known = callbacks.get(signal);
  const waiting = known ?? new Set();
  // Of one call each, however often the same function is given.
  const entry = () => callback();
  waiting.add(entry);
  if (known === undefined) {
    callbacks.set(signal, waiting);
    signal.addEventListener('abort', fire);
  }
  return () => {
    waiting.delete(entry);
    if (waiting.size > 0 || callbacks.get(signal) !== waiting) return;
    callbacks.delete(signal);
    signal.removeEventListener('abort', fire);
  };
}

function fire(this: AbortSignal): void {
  const waiting = callbacks.get(this);
  callbacks.delete(this);
  this.removeEventListener('abort', fire);
  for (const callback of waiting ?? []) callback();
}

/** Lets so many listen to a signal without a warning of Node's; 0 is any number. */
export function allowListeners(count: number, signal: AbortSignal): void {
  try {
    setMaxListeners(count, signal);
  } catch {
    // Node takes no signal of jsdom's, which never warns of many listeners.
  }
}

/**
 * Settles as `promise` does, unless `signal` is aborted first: then it rejects with the signal's
 * reason.
 */
export async function untilAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise;
  if (signal.aborted) {
    promise.catch(() => {});
    throw signal.reason;
  }
  let end = () => {};
  const aborted = new Promise<never>((_, reject) => {
    end = onAbort(signal, () => reject(signal.reason));
  });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    end();
  }
}
