import type { Identity } from '../../keys/digest.js';
import type { Model } from '../../keys/fingerprint.js';
import type { EmbeddingsRequest, RequestInput } from './request.js';

/** What an input is hashed by: a text itself, tokens as little-endian u32s. */
export function identityOf(input: RequestInput): Identity {
  if (typeof input === 'string') return input;
  const view = new DataView(new ArrayBuffer(4 * input.length));
  for (let i = 0; i < input.length; i++) view.setUint32(4 * i, input[i] as number, true);
  return new Uint8Array(view.buffer);
}

/**
 * What tells the vectors of a request from others, beside its dimensions. Texts and tokens never
 * share an entry.
 *
 * @param provider whose model it is, such as the base URL
 */
export function modelOf({ model, kind, role }: EmbeddingsRequest, provider: string): Model {
  const inputType = kind === 'tokens' ? `tokens ${role}` : role;
  return { provider, id: model, ...(inputType !== '' && { inputType }) };
}
