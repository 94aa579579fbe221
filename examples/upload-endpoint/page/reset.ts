import { byId, setText } from './dom.js';

/** The button that empties the cache. The stream tells this page, and all others, what became of it. */
export function startReset(): void {
  const message = byId('reset-message');
  byId('reset').addEventListener('click', async () => {
    const headers = { 'content-type': 'application/json' };
    const answer = await fetch('/api/reset', { method: 'POST', headers, body: '{}' }).catch(() => undefined);
    setText(
      message,
      answer?.ok ? 'The cache is empty, and the figures begin anew.' : 'The cache could not be emptied.',
    );
  });
}
