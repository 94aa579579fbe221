// Finds words that are no longer used, in names and prose of src, native, docs and the README:
// node scripts/check-vocabulary.mjs [--count]. The house has one word a thing (docs/glossary.md).
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

process.chdir(fileURLToPath(new URL('..', import.meta.url)));

/** `in` are beginnings of paths where a word is looked for, all unless set; `except` where it may stay. */
const WORDS = [
  {
    pattern: /[.#]turns?\b|(?<!in )\bturns?[:(]|[a-z]Turns?\b|\bTurns?\b(?= ?[{}(,;])|_turns?\b/g,
    use: 'KeyLocks for locks between processes; TimeSlicer, slice or range for pieces of work',
  },
  {
    pattern: /\b(first|second|near|far)[ -]tiers?\b|\b(near|far)(Tier|Writer|Fill|Of)\b|\bnear (cache|cop(y|ies))\b/gi,
    use: 'L1, L2',
  },
  {
    pattern: /(?<!half-|end of )\blife\b(?![- ]?cycle)|\b[lL]ives?(Of|Ms)\b|\b(the|longer|each) lives\b/g,
    use: 'TTL, expiry',
  },
  {
    pattern: /\bmemories\b|\bMemoryWords\b|\bmemory_words\b/g,
    use: 'buffers; structureHint for what a codec remembers',
  },
  { pattern: /\btouchesOf\b|\bTouches\b/g, use: 'affects (touch is for the TTL)', in: ['src/'] },
  { pattern: /\bBridge\b|\bbridge[.;(]|\bisDeaf\b/g, use: 'OutageFallback, isDisconnected' },
  { pattern: /ledgers?/gi, use: 'StatsRecorder' },
  { pattern: /\btell\(|\bTold\b/g, use: 'emit, emitted; report', in: ['src/'] },
  { pattern: /\b(debts?|orphans|takeoff|patience)\b/gi, use: 'pendingFlights, unclaimed, FlightControl, budgetMs' },
  { pattern: /\b(MOST|LONGEST|LEAST)_(?!RECENTLY)[A-Z]/g, use: 'MAX_, MIN_' },
  { pattern: /\b(GoesOn|goesOn|whatIsWrong|givesBack)\b/g, use: 'hasTimeLeft, vectorProblem, roundTrips' },
  {
    pattern: /\/(in-time|open-calls|parts|overlap|provider)\.js'/g,
    use: 'timeout, call-tracker, chunks, write-tracker, model-call for the file',
  },
];

const TEXTS = /\.(ts|rs|mjs|cjs|cts|md|css|html)$/;
const LEFT_OUT = [
  'native/target',
  'native/fuzz',
  'docs/node_modules',
  'docs/api',
  'docs/.vitepress',
  'docs/glossary.md',
];

const found = WORDS.map(() => 0);
for (const file of ['src', 'native', 'docs', 'README.md'].flatMap(textsIn)) {
  readFileSync(file, 'utf8')
    .split('\n')
    .forEach((line, index) => {
      WORDS.forEach(({ pattern, use, in: places = [''], except = [] }, word) => {
        const begins = (path) => file.startsWith(path);
        if (!places.some(begins) || except.some(begins)) return;
        for (const [text] of line.matchAll(pattern)) {
          found[word] += 1;
          if (!process.argv.includes('--count')) console.log(`${file}:${index + 1}: ${text}: use ${use}`);
        }
      });
    });
}
WORDS.forEach(({ pattern }, word) => {
  if (found[word] > 0) console.log(`${found[word]} of ${pattern.source}`);
});
process.exitCode = found.some((count) => count > 0) ? 1 : 0;

function textsIn(path) {
  if (LEFT_OUT.includes(path)) return [];
  if (TEXTS.test(path)) return [path];
  if (/\.\w+$/.test(path)) return [];
  return readdirSync(path, { withFileTypes: true }).flatMap((entry) =>
    entry.isDirectory() || TEXTS.test(entry.name) ? textsIn(`${path}/${entry.name}`) : [],
  );
}
