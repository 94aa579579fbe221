import { AsyncLocalStorage } from 'node:async_hooks';

/** What an application wants to see in the log lines of what it does. */
export interface LogContext {
  userId?: string | undefined;
  /** A search's text, of which the first 50 characters are logged. */
  query?: string | undefined;
}

/** A symbol of the whole process: a bundle, or ESM beside CJS, can hold this module twice. */
const STORAGE = Symbol.for('vecstash.logContext');

/**
 * Runs `work`; the lines that `logEvents` logs of it say for whom it was. An inner context adds to
 * an outer one. This is the only way for a user's id or a text to get into a log line.
 */
export function withLogContext<T>(context: LogContext, work: () => T): T {
  return storage().run({ ...currentLogContext(), ...context }, work);
}

/** The context of the code that is running. */
export function currentLogContext(): LogContext | undefined {
  return storage().getStore();
}

function storage(): AsyncLocalStorage<LogContext> {
  const shared = globalThis as { [STORAGE]?: AsyncLocalStorage<LogContext> };
  shared[STORAGE] ??= new AsyncLocalStorage<LogContext>();
  return shared[STORAGE];
}
