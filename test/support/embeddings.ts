import { createCache } from '../../src/cache/cache.js';
import { scripted } from './backends.js';
import { testModel } from './models.js';
import { bytesOf, prf } from './prf.js';

export const DIMENSIONS = 24;

/** A namespace, with the cache it is of, the model it asks, and the backend it stores in. */
export const open = (model = testModel(DIMENSIONS), options = {}, backend = scripted()) => {
  const cache = createCache({ backend });
  const embeddings = cache.embeddings('docs', { model: 'm', dimensions: DIMENSIONS, embed: model.embed, ...options });
  return { cache, embeddings, model, backend };
};

/** The bytes of the vectors that these texts have. */
export const expected = (texts: string[]) => texts.map((text) => bytesOf(prf(text, DIMENSIONS)));
