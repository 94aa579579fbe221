import { TextDecoder, TextEncoder } from '../runtime.js';

/** A file system's longest name is 255 characters, and a mark comes behind. */
const SEGMENT = 200;

/** Names that Windows gives to devices, in any folder. */
const DEVICE = /^(?:con|prn|aux|nul|(?:com|lpt)\d)$/;

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

/**
 * The name of a key: small letters, digits, `-`, `_` and the `:` that unstorage takes for a folder,
 * so that nothing that normalises names, decodes URLs, folds case or stores files makes one name of
 * two. Any other character is its bytes of UTF-8, each as `_hh`. A record's own segment ends with
 * `_`, which no folder does: a record `a` does not stand in the way of a record `a:b`. An empty
 * folder is `__`, and a segment that goes on in the next one ends with `_-`.
 */
export function nameOf(base: string, key: string): string {
  const start = key.lastIndexOf(':') + 1;
  return `${folderOf(base, key)}:${cut(encoded(key.slice(start)))}_`;
}

/** The folder of all keys that start with `prefix`, and perhaps of others. */
export function folderOf(base: string, prefix: string): string {
  const folders = prefix.split(':').slice(0, -1);
  return [base, ...folders.map((folder) => cut(encoded(folder)) || '__')].join(':');
}

/** The key of a name; undefined for one that is no key's. */
export function keyOf(base: string, name: string): string | undefined {
  if (!name.startsWith(`${base}:`) || !name.endsWith('_')) return undefined;
  const segments = name
    .slice(base.length + 1, -1)
    .replaceAll('_-:', '')
    .split(':');
  const key = segments.map((segment) => (segment === '__' ? '' : decoded(segment))).join(':');
  return nameOf(base, key) === name ? key : undefined;
}

function encoded(segment: string): string {
  const text = segment.replace(/[^a-z0-9-]+/g, hex);
  return DEVICE.test(text) ? hex(text) : text;
}

function hex(run: string): string {
  return Array.from(encoder.encode(run), (byte) => `_${byte.toString(16).padStart(2, '0')}`).join('');
}

function decoded(segment: string): string {
  return segment.replace(/(?:_[0-9a-f]{2})+/g, (run) =>
    decoder.decode(Uint8Array.from(run.slice(1).split('_'), (byte) => Number.parseInt(byte, 16))),
  );
}

function cut(segment: string): string {
  return segment.match(new RegExp(`.{1,${SEGMENT}}`, 'g'))?.join('_-:') ?? '';
}
