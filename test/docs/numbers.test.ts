/** The README claims no number that was not measured. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';

const root = fileURLToPath(new URL('../..', import.meta.url));
const read = (path: string) => readFileSync(`${root}${path}`, 'utf8');

/** What is set and not measured: counts of the examples, the read timeout, dimensions and their raw bytes. */
const SET = new Set(['1000', '250', '768', '3072', '1.89']);

function numbersOf(text: string): string[] {
  const prose = text.replace(/```[\s\S]*?```/g, '').replace(/\]\([^)]*\)/g, ']');
  const numbers = prose.match(/\d[\d,]*(?:\.\d+)?/g) ?? [];
  return numbers
    .map((number) => number.replaceAll(',', ''))
    .filter((number) => Number(number) >= 100 || number.includes('.'));
}

test('every number of the README and its picture stands on a page of measurements', () => {
  const measured = ['docs/benchmarks.md', 'docs/codec.md'].map((path) => read(path).replaceAll(',', '')).join('\n');
  const picture = [...read('docs/images/lookups.svg').matchAll(/<(?:text|title)[^>]*>([^<]*)</g)].map(
    ([, text]) => text,
  );
  const numbers = [...numbersOf(read('README.md')), ...numbersOf(picture.join('\n'))];
  assert.ok(numbers.includes('2.58'));
  const unknown = numbers.filter(
    (number) => !SET.has(number) && !new RegExp(`(?<![\\d.])${number.replace('.', '\\.')}(?![\\d])`).test(measured),
  );
  assert.equal(unknown, []);
});

test.run();
