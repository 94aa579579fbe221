import type { FastifyInstance } from 'fastify';
import { createDashboard } from 'vecstash/dashboard';
import { createMetrics, ObservableCache } from 'vecstash/observability';
import { CacheService } from 'vecstash/service';
import { loadTexts } from '../quickstart/texts.js';
import { pixelModel } from './models/image-model.js';
import type { ExampleModel } from './models/model.js';
import { englishModel, type OpenAIOptions, openaiModel } from './models/text-models.js';
import { createApp } from './server/app.js';
import { LIMITS } from './server/limits.js';
import { Live } from './server/live.js';
import { openStorage, type StorageOptions } from './server/storage.js';
import { Uploads } from './server/uploads.js';

export interface EndpointOptions extends StorageOptions {
  /** 0 is any that is free. @default 3000 */
  port?: number;
  /** @default '127.0.0.1' */
  host?: string;
  /** An OpenAI-compatible endpoint for the texts. @default a model that runs here, offline */
  openai?: OpenAIOptions;
  /** Any other model for the texts. */
  texts?: ExampleModel<string>;
  /** What a million tokens cost, in dollars: then the page shows the money saved. @default none */
  price?: number;
}

export interface Endpoint {
  url: string;
  /** For people: where the vectors are kept, and what makes them. */
  description: string[];
  /** Answers what is under way, and ends. */
  close(): Promise<void>;
}

/** Starts the server in this process. Its metrics are those of all caches in the process. */
export async function startEndpoint(options: EndpointOptions = {}): Promise<Endpoint> {
  const { port = 3000, host = '127.0.0.1', openai, price } = options;
  const texts = options.texts ?? (openai ? openaiModel(openai) : englishModel());
  const images = pixelModel(LIMITS.imagePixels);
  const { backend, name: store, memoryBytes } = await openStorage(options);
  const service = new CacheService(backend, {
    keyPrefix: 'upload-endpoint',
    text: modelOptions(texts),
    image: modelOptions(images),
  });
  const money = price === undefined ? {} : { 'text-embeddings': price };
  const metrics = createMetrics({ sizes: { memory: memoryBytes }, money });
  const dashboard = createDashboard(service, { title: 'Upload endpoint', actions: true, price });
  const uploads = new Uploads();
  const models = { texts, images };
  const desk = { service: new ObservableCache(service, { metrics }), uploads, models };
  const live = new Live({ service, uploads, models, metrics, isPriced: price !== undefined });

  let app: FastifyInstance | undefined;
  const close = async () => {
    await app?.close();
    live.close();
    await service.close();
    await texts.close?.();
    metrics.stop();
    dashboard.stop();
  };
  try {
    const about = { store, models: { texts: texts.name, images: images.name } };
    app = await createApp({ desk, live, metrics, dashboard, about, sampleTexts: loadTexts() });
    const url = await app.listen({ port, host });
    return { url, description: [`vectors: ${store}`, `texts: ${texts.name}`, `images: ${images.name}`], close };
  } catch (error) {
    await close();
    throw error;
  }
}

function modelOptions<Input>({ identity, dimensions, embed }: ExampleModel<Input>) {
  return { model: identity, dimensions, embed };
}
