import type { CacheBackend } from '../../src/backends/backend.js';
import { RedisBackend } from '../../src/backends/redis/redis.js';
import { openChecked } from './chaos-namespace.js';
import { opened } from './chaos-store.js';
import { hybridOver } from './chaos-stores.js';
import type { RespProxy } from './resp-proxy.js';

/** What became of removals. */
export interface RemovalTally {
  /** Keys whose removal was acknowledged, and which were being computed, queued or sent before it. */
  removed: number;
  /** Keys whose removal was refused: nothing is promised of them. */
  refused: number;
  /** Removed keys that the store, or an instance, has again. */
  back: number;
  wrong: number;
  rejected: number;
}

/** An instance that removes, and looks what is there. */
export class Remover {
  readonly tally: RemovalTally = { removed: 0, refused: 0, back: 0, wrong: 0, rejected: 0 };
  readonly #removed = new Set<string>();
  readonly #back = new Set<string>();
  readonly #checked: ReturnType<typeof openChecked>;
  readonly #url: string;
  readonly #dimensions: number;

  private constructor(url: string, dimensions: number, backend: CacheBackend) {
    this.#url = url;
    this.#dimensions = dimensions;
    this.#checked = openChecked({ cache: { backend, readTimeout: '10s' }, dimensions });
  }

  static async start(kind: 'redis' | 'hybrid', url: string, dimensions: number): Promise<Remover> {
    return new Remover(url, dimensions, await opened(kind === 'redis' ? new RedisBackend(url) : hybridOver(url)));
  }

  /** Removes texts whose `embed` has begun elsewhere; whether it was acknowledged. */
  async remove(texts: string[]): Promise<boolean> {
    const isDone = await this.#checked.embeddings.deleteMany(texts).then(
      () => true,
      () => false,
    );
    this.tally[isDone ? 'removed' : 'refused'] += texts.length;
    if (isDone) for (const text of texts) this.#removed.add(text);
    return isDone;
  }

  /** Counts what an instance has of the removed texts. */
  async countBack(found: (texts: string[]) => Promise<string[]>, texts: string[] = [...this.#removed]): Promise<void> {
    const removed = texts.filter((text) => this.#removed.has(text));
    for (const text of await found(removed)) this.#back.add(text);
    this.tally.back = this.#back.size;
  }

  /** Looks for everything that was removed: here, and in the store itself. */
  async finish(): Promise<RemovalTally> {
    await this.countBack(this.#checked.found);
    await this.#checked.cache.close();
    const backend = await opened(new RedisBackend(this.#url));
    const store = openChecked({ cache: { backend, readTimeout: '10s' }, dimensions: this.#dimensions });
    await this.countBack(store.found);
    await store.cache.close();
    return this.tally;
  }
}

/** What a client had sent, or wants to send, is lost on the way (`cut`) or arrives late (`release`). */
export function endBlackHole(proxy: RespProxy, how: 'cut' | 'release'): void {
  if (how === 'cut') proxy.cut();
  proxy.isBlackHole = false;
}
