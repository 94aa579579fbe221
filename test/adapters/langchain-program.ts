// What langchain.check.ts compiles and runs, as ESM and as CommonJS, with each @langchain/core.
import { Embeddings, type EmbeddingsInterface } from '@langchain/core/embeddings';
import { FakeVectorStore } from '@langchain/core/utils/testing';
import { MemoryBackend } from 'vecstash';
import { CachedEmbeddings } from 'vecstash/langchain';

const vectorOf = (text: string) =>
  [text.length, ...text].map((x) => (typeof x === 'string' ? x.charCodeAt(0) : x)).slice(0, 3);

class Model extends Embeddings {
  documents: string[][] = [];
  queries: string[] = [];

  async embedDocuments(texts: string[]) {
    this.documents.push(texts);
    if (texts.includes('bad')) throw Object.assign(new Error('too long'), { status: 400 });
    return texts.map(vectorOf);
  }

  async embedQuery(text: string) {
    this.queries.push(text);
    return vectorOf(text);
  }
}

async function main() {
  const plain = {
    embedDocuments: async (texts: string[]) => texts.map(vectorOf),
    embedQuery: async (text: string) => vectorOf(text),
  };
  const ofPlain = new CachedEmbeddings({ embeddings: plain, backend: new MemoryBackend(), model: 'm' });
  const arePlain = ofPlain instanceof Embeddings;
  const model = new Model({});
  const embeddings = new CachedEmbeddings({
    embeddings: model,
    backend: new MemoryBackend(),
    model: 'm',
    maxConcurrency: 2,
    maxRetries: 0,
  });
  // What takes either takes it.
  const shape: EmbeddingsInterface = embeddings;
  const known: Embeddings = embeddings;

  for (let i = 0; i < 2; i++) {
    const store = await FakeVectorStore.fromTexts(['abc', 'xyz'], [{ id: 1 }, { id: 2 }], known);
    const [found] = await store.similaritySearch('abc', 1);
    if (found?.metadata.id !== 1) throw new Error('another was found');
  }
  const vectors = await shape.embedDocuments(['new', 'xyz', 'abc', 'new']);
  const error = await embeddings.embedDocuments(['abc', 'bad']).catch((error) => error);
  const refused = await embeddings.embedDocuments(['abc', 5 as unknown as string]).catch((error) => error);
  console.log(
    JSON.stringify({
      vectors,
      asked: [model.documents, model.queries],
      isEmbeddings: [arePlain, embeddings instanceof Embeddings],
      caller: embeddings.caller.maxConcurrency,
      error: [error.message, error.status],
      refused: [refused instanceof Error, refused.message],
    }),
  );
}

void main();
