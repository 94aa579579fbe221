import { untilAborted } from '../async/abort.js';
import type { LentMemory } from '../codec/lent-memory.js';
import { askDirectly } from './fill/ask-directly.js';
import type { FillParts } from './fill/batch.js';
import { Filler, type PendingFlights, type Rest } from './fill/filler.js';
import { type LookupPlanner, plannerOfKeys } from './lookup/plan.js';
import type { Found } from './lookup/vector-lookup.js';

/** What one call of `embed` asks for, or several that were gathered. */
export interface EmbedRequest<Input> {
  /** The call's own copy. */
  inputs: readonly Input[];
  planner: LookupPlanner;
  ttlMs: number | undefined;
  signal: AbortSignal | undefined;
  /** Asks the model for all of them, and stores over what is there. */
  refresh: boolean;
  /** Asks the model for all of them, and stores nothing. */
  bypass: boolean;
  wantsTokens: boolean;
  /** Where the vectors of the cache are put, which are then not to be handed out. */
  memory?: LentMemory | undefined;
  /** Is told what the lookup found, before the rest is waited for. */
  onFound?: ((found: Found) => void) | undefined;
}

/** What came of it, by distinct key. Where none has failed each key has a vector. */
export type Embedded = Found & Pick<Rest, 'failed'>;

/** The way of a batch through the cache, step by step. */
export class EmbedPipeline<Input> {
  readonly #parts: FillParts<Input>;
  readonly #filler: Filler<Input>;

  constructor(parts: FillParts<Input>) {
    this.#parts = parts;
    this.#filler = new Filler(parts);
  }

  async run(request: EmbedRequest<Input>): Promise<Embedded> {
    if (request.bypass) return this.#bypass(request);
    const { found, pending } = await this.#lookUpAndFill(request);
    request.onFound?.(found);
    const rest = await this.#filler.collect(found, pending, request.signal);
    if (rest.outdated.length > 0) await this.#lookUpAgain(request, found, rest);
    return { ...found, failed: rest.failed };
  }

  async #bypass({ planner, inputs, signal, onFound }: EmbedRequest<Input>): Promise<Embedded> {
    const found: Found = { plan: planner.plan(), vectors: [], tokens: [], left: 0 };
    onFound?.(found);
    return { ...found, failed: await askDirectly(this.#parts, inputs, found, signal) };
  }

  /** Plans, reads and decodes, and joins or starts flights for what is missing. */
  async #lookUpAndFill(request: EmbedRequest<Input>): Promise<{ found: Found; pending: PendingFlights }> {
    const { inputs, planner, ttlMs, signal, refresh, wantsTokens, memory } = request;
    const { flights, lookup, namespace } = this.#parts;
    // What is changed from here on is newer than what this call brings.
    const beginning = namespace.store.begin();
    const under = flights.beginLookup();
    try {
      const found = refresh
        ? { plan: planner.plan(), vectors: [], tokens: [], left: namespace.store.readTimeout }
        : await untilAborted(lookup.run(planner, wantsTokens, memory), signal);
      signal?.throwIfAborted();
      // Nothing waits between the end of the read and the start of the flights.
      const missed = { ...found, budgetMs: found.left, inputs, ttlMs, refresh, lookup: under, beginning };
      return { found, pending: this.#filler.joinOrStart(missed) };
    } finally {
      flights.endLookup(under);
      beginning.end();
    }
  }

  /** Looks up what flights of others could not give: it was changed since. */
  async #lookUpAgain(request: EmbedRequest<Input>, { plan, vectors, tokens }: Found, rest: Rest): Promise<void> {
    const inputs = rest.outdated.map((k) => request.inputs[plan.firstPlaces[k] as number] as Input);
    const planner = plannerOfKeys(rest.outdated.map((k) => plan.keys[k] as string));
    const newer = await this.run({ ...request, inputs, planner, onFound: undefined });
    rest.outdated.forEach((k, i) => {
      vectors[k] = newer.vectors[i];
      tokens[k] = newer.tokens[i];
      if (newer.failed.has(i)) rest.failed.set(k, newer.failed.get(i));
    });
  }
}
