import * as v from 'valibot';
import { kindOf } from '../../describe.js';
import { InvalidInputError } from '../../errors.js';
import { type Outcome, quietly } from '../../events.js';
import { checkOptions } from '../../options.js';
import { listen } from '../listen.js';
import { currentLogContext } from './log-context.js';

/** A logger such as pino's. */
export interface EventLogger {
  debug(fields: Record<string, unknown>, message: string): void;
  warn(fields: Record<string, unknown>, message: string): void;
  error(fields: Record<string, unknown>, message: string): void;
  /** Where a logger has it, no line is made that it would throw away. */
  isLevelEnabled?(level: string): boolean;
}

export interface LogEventsOptions {
  /** Of how many keys of a batch a line shows the hash. @default 5 */
  keyHashes?: number | undefined;
}

/** Characters of a key's hash that are shown. */
const HASH_LENGTH = 6;

/** Characters of a query that are shown. */
const SNIPPET_LENGTH = 50;

const optionsSchema = v.strictObject({
  keyHashes: v.optional(v.pipe(v.number(), v.safeInteger('a whole number'), v.minValue(0, 'at least 0')), 5),
});

/**
 * Logs what all caches of this process tell, until the returned function is called: lookups at
 * debug, a breaker that closed at warn, and at error what failed or drifted. Lines hold no texts and no whole
 * keys; whose they are, and of what query, where `withLogContext` says it. What the logger throws,
 * or rejects with, is lost.
 *
 * Throws `InvalidInputError` for what is no logger and `InvalidOptionError` for options it does not
 * take.
 */
export function logEvents(logger: EventLogger, options: LogEventsOptions = {}): () => void {
  for (const level of ['debug', 'warn', 'error'] as const) {
    const kind = kindOf(logger?.[level]);
    if (kind !== 'function') throw new InvalidInputError(`logger.${level}`, 'a function', kind);
  }
  const { keyHashes: most } = checkOptions(optionsSchema, options, 'logEvents options');
  const log = (level: 'debug' | 'warn' | 'error', fields: Record<string, unknown>, message: string) =>
    quietly(() => logger[level](fields, message));
  return listen({
    lookup({ namespace, keys, outcomes, durationMs }) {
      const keysOf = (isMeant: (outcome: Outcome) => boolean) => keys.filter((_, i) => isMeant(outcomes[i] as Outcome));
      const corrupt = keysOf((outcome) => outcome === 'corrupt');
      if (corrupt.length > 0) {
        const fields = { namespace, corrupt: corrupt.length, ...hashesOf(corrupt, keys.length, most) };
        log('error', { ...fields, ...contextFields() }, 'Cache record refused');
      }
      let isWanted: unknown = true;
      quietly(() => {
        isWanted = logger.isLevelEnabled?.('debug');
        return isWanted;
      });
      if (isWanted === false) return;
      const missed = keysOf((outcome) => outcome !== 'hit');
      const isHit = missed.length === 0;
      const fields = {
        namespace,
        hits: keys.length - missed.length,
        misses: missed.length,
        ...hashesOf(isHit ? keys : missed, keys.length, most),
        durationMs,
      };
      log('debug', { ...fields, ...contextFields() }, isHit ? 'Cache hit' : 'Cache miss');
    },
    model({ namespace, model, inputs, durationMs, ok }) {
      if (!ok) log('error', { namespace, model, inputs, durationMs, ...contextFields() }, 'Model failed');
    },
    failure({ namespace, operation, error }) {
      log('error', { namespace, operation, error, ...contextFields() }, 'Cache failure');
    },
    drift({ namespace, model, epoch, distance, limit, drifted }) {
      if (drifted) log('error', { namespace, model, epoch, distance, limit }, 'Model drifted');
    },
    // Whoever happened to call says nothing about a breaker.
    breaker({ what, state }) {
      if (state === 'open') log('error', { what }, 'Cache breaker open');
      else log('warn', { what }, `Cache breaker ${state}`);
    },
  });
}

/**
 * The end of a key is the end of its digest: enough to find it again in the store, and nothing of
 * what it stands for.
 */
function hashesOf(keys: readonly string[], asked: number, most: number): { keyHash?: string; keyHashes?: string[] } {
  const hashes = keys.slice(0, most).map((key) => key.slice(-HASH_LENGTH));
  if (hashes.length === 0) return {};
  return asked === 1 ? { keyHash: hashes[0] as string } : { keyHashes: hashes };
}

function contextFields(): { userId?: string; querySnippet?: string } {
  const { userId, query } = currentLogContext() ?? {};
  return { ...(userId !== undefined && { userId }), ...(query !== undefined && { querySnippet: snippetOf(query) }) };
}

/**
 * Whole code points, none of which is longer than two units; a long text is not taken apart for its
 * beginning.
 */
function snippetOf(query: string): string {
  return [...query.slice(0, 2 * SNIPPET_LENGTH)].slice(0, SNIPPET_LENGTH).join('');
}
