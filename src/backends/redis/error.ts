import { BackendError } from '../../errors.js';
import { isError } from '../../realms.js';

/**
 * A `BackendError` that tells what went wrong and nothing else. What ioredis throws is not passed
 * on, not as a cause either: it carries the command with its arguments, which are keys and values.
 */
export function redisError(error: unknown): BackendError {
  return new BackendError(`Redis: ${redisReason(error)}`);
}

/**
 * Why a server that is a node of a cluster does not serve: its keys are looked for here, and lie
 * anywhere.
 */
export const IS_CLUSTER = 'the server is a node of a cluster: give RedisBackend an ioredis Cluster as its client';

/**
 * The server's error code (such as OOM), the system's (such as ECONNREFUSED), or what ioredis says
 * where that is fixed text.
 */
export function redisReason(error: unknown): string {
  if (!isError(error)) return 'failed';
  if (error instanceof BackendError) return error.message.replace(/^Redis: /, '');
  const { code } = error as NodeJS.ErrnoException;
  if (typeof code === 'string') return code;
  if (/^(MOVED|CROSSSLOT) /.test(error.message)) return IS_CLUSTER;
  if (error.name === 'ReplyError') return /^[A-Z]+(?= |$)/.exec(error.message)?.[0] ?? 'error reply';
  const isFixed = /^(Command timed out|Connection is closed|Stream isn't writeable|Socket timeout)/.exec(error.message);
  return isFixed ? isFixed[0].toLowerCase() : error.name;
}
