import { BackendError, VecstashError } from '../../errors.js';

/** SQLite's result codes that we can say something about, and what is to be done. */
const REASONS = {
  BUSY: { code: 5, advice: 'another process writes to the file' },
  READONLY: { code: 8, advice: 'make the file and its folder writable, or use another path' },
  IOERR: { code: 10, advice: 'the disk failed' },
  CORRUPT: { code: 11, advice: 'the file is damaged and was kept: move it away, or use another path' },
  FULL: { code: 13, advice: 'free space on the disk' },
  CANTOPEN: {
    code: 14,
    advice: 'the path must be a file that this process may read and write, in a folder that exists',
  },
  NOTADB: {
    code: 26,
    advice: 'the file is no SQLite database, or its beginning is damaged; it was kept: use another path',
  },
} as const;

export type SqliteReason = keyof typeof REASONS;

/** Which of SQLite's reasons an error has, by whichever driver threw it. */
export function sqliteReason(error: unknown): SqliteReason | undefined {
  const { code, errcode } = error as { code?: unknown; errcode?: unknown };
  for (const [name, reason] of Object.entries(REASONS)) {
    // better-sqlite3 tells names such as SQLITE_CORRUPT_INDEX, node:sqlite numbers whose low byte
    // is the code.
    if (typeof errcode === 'number' ? (errcode & 255) === reason.code : isNamed(code, name))
      return name as SqliteReason;
  }
  return undefined;
}

/** What SQLite would throw where the disk is full. */
export function fullError(message: string): Error {
  return Object.assign(new Error(message), { errcode: REASONS.FULL.code });
}

function isNamed(code: unknown, name: string): boolean {
  return typeof code === 'string' && (code === `SQLITE_${name}` || code.startsWith(`SQLITE_${name}_`));
}

/** SQLite's messages name tables and columns, never what was bound to a statement. */
export function sqliteError(error: unknown, reason = sqliteReason(error)): VecstashError {
  if (error instanceof VecstashError) return error;
  const { code, syscall } = error as NodeJS.ErrnoException;
  if (syscall !== undefined) {
    // Node's message holds the path.
    return new BackendError(`SQLite: the file cannot be looked at: ${code} (${REASONS.CANTOPEN.advice})`);
  }
  const message = `SQLite: ${(error as Error).message}`;
  return new BackendError(reason ? `${message} (${REASONS[reason].advice})` : message, { cause: error });
}
