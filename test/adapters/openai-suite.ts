import { answers } from './openai/answers.js';
import { clients } from './openai/clients.js';
import { failures } from './openai/failures.js';
import type { Sdk } from './openai/suite-over.js';

export type { Sdk } from './openai/suite-over.js';

/** Tests of `withEmbeddingCache` around the clients of one version of the SDK, over a real server. */
export function openaiSuite(name: string, sdk: Sdk): void {
  answers(name, sdk);
  failures(name, sdk);
  clients(name, sdk);
}
