import { BackendError } from '../errors.js';

/** What a timer can wait for at most, in milliseconds: it takes longer times for 1 ms. */
const LONGEST_TIMER = 2 ** 31 - 1;

/** By how much a timer may be late where the thread is not held up, in milliseconds. */
const LATENESS = 100;

/** For how long a call is waited for. */
export interface Patience {
  /** In milliseconds. */
  limit: number;
  /** Aborted where nobody waits any more. */
  signal?: AbortSignal | undefined;
  /** Whether the call hears the signal itself and may answer with what there is: that is waited for, one turn long. */
  isPatient?: boolean;
  /** What the call rejects with then. @default a `BackendError` that there was no answer in time */
  error?: () => Error;
}

/**
 * Waits for a call, and rejects as soon as its time is over or the signal is aborted. The call itself goes on, and what comes of it is
 * ignored: not everything heeds a signal. Where the signal is aborted already nothing is called.
 * @param onOver runs when it was given up
 */
export async function inTime<T>(call: () => Promise<T>, patience: Patience, onOver = () => {}): Promise<T> {
  const { limit, signal, isPatient = false, error = () => new BackendError('no answer in time') } = patience;
  if (signal?.aborted) throw error();
  let giveUp = () => {};
  const over = new Promise<never>((_, reject) => {
    giveUp = () => {
      // First this: what hears that it is over may fail with words of its own.
      reject(error());
      onOver();
    };
  });
  const planned = Math.min(limit, LONGEST_TIMER);
  const start = performance.now();
  let timer = setTimeout(() => {
    // A thread that was busy, or a process that was paused, has not read what may have come: it gets a moment for that.
    if (performance.now() - start - planned > LATENESS) timer = setTimeout(giveUp, Math.min(limit, LATENESS));
    else giveUp();
  }, planned);
  const onAbort = () => (isPatient ? setImmediate(giveUp) : giveUp());
  signal?.addEventListener('abort', onAbort);
  try {
    return await Promise.race([call(), over]);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', onAbort);
  }
}

/** The same for a request that is handed a signal of its own, which is aborted when it is given up. */
export function requestInTime<T>(request: (signal: AbortSignal) => Promise<T>, patience: Patience): Promise<T> {
  const controller = new AbortController();
  return inTime(
    () => request(controller.signal),
    patience,
    () => controller.abort(),
  );
}
