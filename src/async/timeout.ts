import { BackendError } from '../errors.js';
import { clearTimeout, MAX_TIMER_MS, performance, setImmediate, setTimeout } from '../runtime.js';

/** By how much a timer may be late where the thread is not busy, in milliseconds. */
const LATENESS = 100;

/** How long a call is waited for. */
export interface TimeoutOptions {
  /** In milliseconds. */
  timeoutMs: number;
  /** Aborted when the caller no longer waits. */
  signal?: AbortSignal | undefined;
  /**
   * Whether the call hears the signal itself and may answer with what it has: one turn of the event
   * loop is left for that.
   */
  hearsSignal?: boolean;
  /** Makes the error of a call that was given up. @default a `BackendError`: no answer in time */
  error?: () => Error;
}

/**
 * Waits for a call, and rejects as soon as its time is over or the signal is aborted. The call
 * itself goes on, and its result is ignored: not every call heeds a signal. Where the signal is
 * aborted already nothing is called.
 * @param onTimeout runs when the call was given up
 */
export async function withTimeout<T>(
  call: () => Promise<T>,
  options: TimeoutOptions,
  onTimeout = () => {},
): Promise<T> {
  const { timeoutMs, signal, hearsSignal = false, error = () => new BackendError('no answer in time') } = options;
  if (signal?.aborted) throw error();
  let giveUp = () => {};
  const over = new Promise<never>((_, reject) => {
    giveUp = () => {
      // Reject first: the call may fail with an error of its own as soon as it hears of this.
      reject(error());
      onTimeout();
    };
  });
  const planned = Math.min(timeoutMs, MAX_TIMER_MS);
  const start = performance.now();
  let timer = setTimeout(() => {
    // A thread that was busy, or a process that was paused, has not read what may have arrived: it
    // gets a moment for that.
    if (performance.now() - start - planned > LATENESS) timer = setTimeout(giveUp, Math.min(timeoutMs, LATENESS));
    else giveUp();
  }, planned);
  const onAbort = () => (hearsSignal ? setImmediate(giveUp) : giveUp());
  signal?.addEventListener('abort', onAbort);
  try {
    return await Promise.race([call(), over]);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', onAbort);
  }
}

/**
 * The same for a request that gets a signal of its own, which is aborted when the request is given
 * up.
 */
export function requestWithTimeout<T>(
  request: (signal: AbortSignal) => Promise<T>,
  options: TimeoutOptions,
): Promise<T> {
  const controller = new AbortController();
  return withTimeout(
    () => request(controller.signal),
    options,
    () => controller.abort(),
  );
}
