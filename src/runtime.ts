/**
 * What the runtime itself has, whatever a test put in the place of its globals: taken when this is
 * loaded, and from Node's modules where it has them. Fake timers (Jest, Vitest, node:test, sinon)
 * neither freeze nor hurry then what the package waits for: I/O, locks, pauses, turns of the event
 * loop. And jsdom lacks `setImmediate` and `TextEncoder`, and its timers are numbers.
 *
 * TTLs and the pauses of breakers go by the globals instead, so that a test can make time pass.
 */
const getBuiltinModule = globalThis.process?.getBuiltinModule;
const timers = getBuiltinModule?.('node:timers') ?? globalThis;
const { performance: clock = Date } = getBuiltinModule?.('node:perf_hooks') ?? globalThis;

export const { TextEncoder, TextDecoder } = getBuiltinModule?.('node:util') ?? globalThis;

export const { clearTimeout, clearInterval } = timers;

/** The longest delay of a timer, in milliseconds: the runtime takes 1 ms for any that is longer. */
export const MAX_TIMER_MS = 2 ** 31 - 1;

/** What takes no longer delay than a timer can have. */
function withLongestDelay<Timer>(start: (run: () => void, milliseconds: number) => Timer) {
  return (run: () => void, milliseconds: number): Timer => start(run, Math.min(milliseconds, MAX_TIMER_MS));
}

export const setTimeout = withLongestDelay<NodeJS.Timeout>(timers.setTimeout);
export const setInterval = withLongestDelay<NodeJS.Timeout>(timers.setInterval);

/** A browser has none. */
export const setImmediate = timers.setImmediate ?? ((run: () => void) => setTimeout(run, 0));
export const clearImmediate = timers.clearImmediate ?? clearTimeout;

/** In milliseconds. */
export const performance = { now: clock.now.bind(clock) };

/**
 * Runs when the code under way has ended, before any I/O: `queueMicrotask`, which fake timers
 * replace.
 */
export function soon(run: () => void): void {
  void Promise.resolve().then(run);
}

/** Lets the process end although a timer runs. Not every host has timers that keep one alive. */
export function unref<T>(timer: T): T {
  (timer as { unref?: () => void }).unref?.();
  return timer;
}

/** Lets others have the thread. */
export function yieldThread(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

/**
 * Resolves after some time. Rejects with the signal's reason where that is aborted before.
 *
 * @param options `ref` says whether the process is kept alive meanwhile. @default true
 */
export function sleep(
  milliseconds: number,
  options: { signal?: AbortSignal | undefined; ref?: boolean } = {},
): Promise<void> {
  const { signal, ref = true } = options;
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const abort = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', abort);
      resolve();
    }, milliseconds);
    if (!ref) unref(timer);
    signal?.addEventListener('abort', abort, { once: true });
  });
}
