import type { EmbedFunction } from '../../src/cache/options.js';
import type { Chance } from '../support/sim-chance.js';
import type { SimProcess, SimTime } from '../support/sim-time.js';
import { vectorOf } from '../support/sim-vectors.js';
import { keyOf } from './calls.js';
import type { Model } from './model.js';

/** What a model may do that it should not. Shares of its calls. */
export interface Manners {
  fails: number;
  /** Answers with a hole, or too few vectors. */
  holes: number;
  mutatesInputs: boolean;
  /** Answers with views of one buffer, which it uses again. */
  reusesBuffer: boolean;
  /** Ends when its signal is aborted, instead of going on. */
  heedsSignal: boolean;
  /** Asks the same namespace itself. */
  nests: number;
  /** The longest answer, in milliseconds. */
  slowest: number;
}

export interface EmbedderOptions {
  time: SimTime;
  chance: Chance;
  model: Model;
  process: SimProcess;
  manners: Manners;
  dimensions: number;
  /** Asks the cache from within. Never rejects. */
  ask(): Promise<unknown>;
  log(what: string): void;
}

/** A model whose vectors name themselves, with the manners of those that were met. */
export function embedder(options: EmbedderOptions): EmbedFunction<string> {
  const { time, chance, model, process, manners, dimensions, ask, log } = options;
  const buffer = new Float32Array(16 * dimensions);
  let nested = 0;

  return async (inputs, { signal }) => {
    const keys = inputs.map(keyOf);
    const versions = keys.map((key) => model.computing(key, process.name, signal, { isNested: nested > 0 }));
    const end = (isMade: boolean) => {
      log(`${process.name}: model: ${isMade ? 'answers' : 'fails'} ${versions}`);
      for (const version of versions) model.computed(version, isMade);
    };
    log(`${process.name}: model: asked for keys ${keys}, versions ${versions}`);
    if (manners.mutatesInputs) mutate(chance, inputs);
    if (chance.is(manners.nests)) {
      nested += 1;
      await ask().finally(() => {
        nested -= 1;
      });
    }
    await new Promise<void>((resolve, reject) => {
      time.after(chance.next() * chance.pick([1, 30, manners.slowest]), resolve, process);
      if (!manners.heedsSignal) return;
      const abort = () => reject(signal.reason);
      if (signal.aborted) abort();
      else signal.addEventListener('abort', abort, { once: true });
    }).catch((reason) => {
      end(false);
      throw reason;
    });
    if (chance.is(manners.fails)) {
      end(false);
      throw new Error('the provider is overloaded');
    }
    const rows: ArrayLike<number>[] = keys.map((key, row) => {
      const vector = vectorOf({ key, version: versions[row] as number }, dimensions);
      if (!manners.reusesBuffer) return chance.is(0.3) ? Array.from(vector) : vector;
      const view = buffer.subarray((row % 16) * dimensions, ((row % 16) + 1) * dimensions);
      view.set(vector);
      return view;
    });
    if (chance.is(manners.holes)) {
      end(false);
      if (chance.is(0.5)) delete rows[chance.between(0, rows.length - 1)];
      else rows.pop();
      return rows;
    }
    end(true);
    if (manners.reusesBuffer) time.after(0.01, () => void buffer.fill(Number.NaN), process);
    return rows;
  };
}

function mutate(chance: Chance, inputs: string[]): void {
  try {
    if (chance.is(0.5)) inputs.reverse();
    else inputs.length = 0;
  } catch {
    // They may be frozen.
  }
}
