import { createHash } from 'node:crypto';

/**
 * What makes the vectors of one model differ from those of another. All of it is part of the key.
 */
export interface Model {
  provider?: string | undefined;
  id: string;
  revision?: string | undefined;
  /** Such as `query` or `document`, where a model treats them differently. */
  inputType?: string | undefined;
  /** Whether vectors are scaled to length 1. */
  normalized?: boolean | undefined;
}

const LENGTH = 16;
const ABSENT = 0xffffffff;

/** The fingerprint of embeddings, docs/format.md section 3: 16 characters. */
export function embeddingsFingerprint(model: Model, dimensions: number): string {
  const { provider, id, revision, inputType, normalized } = model;
  const normalised = normalized === undefined ? undefined : normalized ? '1' : '0';
  return fingerprint(['embeddings', provider, id, revision, String(dimensions), inputType, normalised]);
}

/** The fingerprint of values, which have no model. */
export function valuesFingerprint(): string {
  return fingerprint(['values']);
}

/** Each field behind its length, so that no two lists of fields are hashed as the same bytes. */
function fingerprint(fields: readonly (string | undefined)[]): string {
  const hash = createHash('sha256');
  for (const field of fields) {
    const bytes = bytesOf(field ?? '');
    const length = Buffer.alloc(4);
    length.writeUInt32LE(field === undefined ? ABSENT : bytes.length);
    hash.update(length).update(bytes);
  }
  return hash.digest('base64url').slice(0, LENGTH);
}

/** UTF-8; a text that has none, with half a surrogate pair, is UTF-16 behind a byte that UTF-8 never has. */
function bytesOf(text: string): Buffer {
  return text.isWellFormed() ? Buffer.from(text) : Buffer.concat([Uint8Array.of(0xff), Buffer.from(text, 'utf16le')]);
}
