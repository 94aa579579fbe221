/** A pattern of Redis (SCAN, KEYS) that matches this text and nothing else. */
export function escapeGlob(text: string): string {
  return text.replace(/[*?[\]\\^-]/g, '\\$&');
}
