import { createCache } from 'vecstash';
import type { Precision } from 'vecstash/codec';
import { RedisBackend } from 'vecstash/redis';
import { MODEL, type PeerKind } from './peer.js';

/** Longer than any lookup here: a slow link is measured, not given up. */
const TIMEOUT = '30s';

function kind(name: string, usage: string, engine: 'auto' | 'off', precision: Precision, maxError?: number): PeerKind {
  return {
    name,
    usage,
    ...(maxError !== undefined && { maxError }),
    async open({ url, model, dimensions }) {
      const before = process.env.VECSTASH_NATIVE;
      process.env.VECSTASH_NATIVE = engine;
      const cache = createCache({
        backend: new RedisBackend({ url, connectTimeout: TIMEOUT, commandTimeout: TIMEOUT }),
        readTimeout: TIMEOUT,
      });
      const embeddings = cache.embeddings('peers', {
        model: MODEL,
        dimensions,
        precision,
        embed: (texts) => model.vectors(texts),
      });
      if (before === undefined) delete process.env.VECSTASH_NATIVE;
      else process.env.VECSTASH_NATIVE = before;
      return { embed: (texts) => embeddings.embed(texts), close: () => cache.close() };
    },
  };
}

export const vecstash = kind('vecstash', '`embeddings.embed(texts)`, exact', 'auto', 'exact');

/** The other ways of using it. */
export const vecstashForms: PeerKind[] = [
  kind('vecstash, WebAssembly', 'the same where no native package loads', 'off', 'exact'),
  kind('vecstash, maxError 1e-5', '`precision: { maxError: 1e-5 }`', 'auto', { maxError: 1e-5 }, 1e-5),
  kind('vecstash, int8', "`precision: 'int8'`", 'auto', 'int8', 2e-2),
];
