// The warm batch in a process of its own, which main.ts starts: it prints what the batch came to, as JSON.
import { englishModel, openaiModel } from './model.js';
import { openCache, runBatch, type Storage } from './run.js';
import { loadTexts } from './texts.js';

/** What a restarted process is told. */
export interface Restart {
  storage: Storage;
  texts: number;
  openai?: { model: string; dimensions: number };
}

const { storage, texts, openai } = JSON.parse(process.argv[2] as string) as Restart;
const model = openai === undefined ? englishModel() : openaiModel(openai.model, openai.dimensions);
const opened = openCache(storage, model);
const outcome = await runBatch(opened, loadTexts().slice(0, texts));
await opened.cache.close();
console.log(JSON.stringify(outcome));
