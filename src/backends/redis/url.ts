import { InvalidOptionError } from '../../errors.js';

const EXPECTED = 'a Redis URL, with # / % @ and : in a user or password percent-encoded (encodeURIComponent)';

/**
 * What is sent for a user who has no password: ioredis sends no user without one, and Redis takes
 * any from a user without one.
 */
const NO_PASSWORD = 'none';

/**
 * The URL as ioredis takes it: without white space around it, and with a password wherever there is
 * a user. The path of a socket stays as it is. Throws `InvalidOptionError`, which never tells the
 * URL.
 */
export function normalizedUrl(text: string, option: string): string {
  const trimmed = text.trim();
  if (trimmed.startsWith('/')) return trimmed;
  let url: URL;
  try {
    url = new URL(trimmed);
    decodeURIComponent(url.username + url.password);
  } catch {
    throw new InvalidOptionError(option, EXPECTED, 'one that cannot be read');
  }
  if (url.hash !== '') throw new InvalidOptionError(option, EXPECTED, 'one with a #');
  if (url.username === '' || url.password !== '') return trimmed;
  url.password = NO_PASSWORD;
  return url.href;
}
