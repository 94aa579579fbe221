import { prf } from './prf.js';

/** A model whose vectors can be checked, and what it was asked. */
export interface TestModel {
  embed(texts: string[], context: { signal: AbortSignal }): Promise<ArrayLike<number>[]>;
  /** The texts of each call. */
  calls: string[][];
}

/** Answers at once, or when `gate` opens. */
export function testModel(dimensions: number, gate: () => Promise<unknown> = async () => {}): TestModel {
  const calls: string[][] = [];
  return {
    calls,
    async embed(texts) {
      calls.push(texts);
      await gate();
      return texts.map((text) => prf(text, dimensions));
    },
  };
}

/** A model of which each call ends when its gate opens, with vectors of its own number and the text. */
export function gatedModel(dimensions: number, calls: number) {
  const gates = Array.from({ length: calls }, () => deferred());
  const asked: string[][] = [];
  const of = (call: number, text: string) => prf(`${call} ${text}`, dimensions);
  return {
    calls: asked,
    gates,
    of,
    async embed(texts: string[]) {
      const mine = asked.push(texts) - 1;
      await gates[mine]?.promise;
      return texts.map((text) => of(mine, text));
    },
  };
}

/** A promise that somebody else settles. */
export function deferred<T = void>() {
  let resolve!: (value: T) => void;
  let reject!: (error: unknown) => void;
  const promise = new Promise<T>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return { promise, resolve, reject };
}
