import { isError } from '../realms.js';

/** How a connection ends that was there and is no more. */
const LOST = new Set(['ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET']);

/**
 * The system's code of an error (such as ECONNREFUSED), its own or that of its cause, where `fetch`
 * puts it. A code holds nothing of keys, values or addresses. Throws where the error's properties
 * do.
 */
export function systemCode(error: unknown): string | undefined {
  const { code, cause } = error as { code?: unknown; cause?: { code?: unknown } | null };
  return [code, cause?.code].find(isCode);
}

/**
 * Whether the connection ended before the whole answer was there, as one does that was kept open
 * for too long.
 */
export function isConnectionLost(error: unknown): boolean {
  try {
    return isError(error) && LOST.has(systemCode(error) ?? '');
  } catch {
    return false;
  }
}

function isCode(code: unknown): code is string {
  return typeof code === 'string' && /^[A-Z][A-Z\d_]{1,40}$/.test(code);
}
