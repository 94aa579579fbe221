/** Links between the files of the repository resolve, anchors included. `npm run docs:links` asks for the others. */
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { linkProblem, linksOf, markdownFiles } from '../support/doc-links.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const links = markdownFiles(root).flatMap((page) => linksOf(root, page));

test('every relative link and anchor resolves', () => {
  const relative = links.filter(({ target }) => !/^[a-z]+:/.test(target));
  assert.ok(relative.length > 50, `found ${relative.length} links: is the pattern broken?`);
  assert.equal(
    relative.flatMap((link) => linkProblem(root, link) ?? []),
    [],
  );
});

test('external links are https', () => {
  const others = links.filter(({ target }) => /^(?!https:|mailto:)[a-z]+:/.test(target));
  assert.equal(others, []);
});

test('a missing file and a missing anchor are found', () => {
  const problem = (target: string) => linkProblem(root, { page: 'README.md', line: 1, target });
  assert.match(problem('docs/none.md') ?? '', /there is no docs\/none\.md/);
  assert.match(problem('docs/codec.md#none') ?? '', /has no heading #none/);
  assert.is(problem('docs/codec.md#profiles'), undefined);
});

test.run();
