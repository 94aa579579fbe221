/**
 * `npm run docs:links`: asks for every external link of the Markdown files once, and exits with 1
 * where one does not answer with 2xx or 3xx.
 */
import { fileURLToPath } from 'node:url';
import { linksOf, markdownFiles } from '../support/doc-links.js';

const TIMEOUT = 20_000;
const root = fileURLToPath(new URL('../..', import.meta.url));
const places = new Map<string, string>();
for (const { page, line, target } of markdownFiles(root).flatMap((page) => linksOf(root, page))) {
  if (target.startsWith('https:')) places.set(target.replace(/#.*/, ''), `${page}:${line}`);
}

const answers = await Promise.all(
  [...places].map(async ([url, place]) => {
    try {
      const { ok, status } = await fetch(url, { signal: AbortSignal.timeout(TIMEOUT) });
      return ok ? undefined : `${place}: ${url} answers ${status}`;
    } catch (error) {
      return `${place}: ${url} does not answer (${error instanceof Error ? error.message : error})`;
    }
  }),
);
const problems = answers.filter((answer) => answer !== undefined);
console.log([...problems, `${places.size} external links, ${problems.length} of them broken`].join('\n'));
process.exitCode = problems.length > 0 ? 1 : 0;
