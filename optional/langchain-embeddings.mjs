import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import load from './langchain-embeddings.cjs';

/** ESM has classes of its own, which `require` can find from Node 20.19 and 22.12 on. */
export default () => {
  try {
    return createRequire(import.meta.url)(fileURLToPath(import.meta.resolve('@langchain/core/embeddings')));
  } catch {
    return load();
  }
};
