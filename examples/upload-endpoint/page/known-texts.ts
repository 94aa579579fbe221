import { type Neighbour, nearest } from '../../quickstart/neighbours.js';

/** Texts that are remembered, the newest: with their vectors a megabyte. */
const MOST = 500;

/** The texts that this page had embedded. The server keeps none. */
export class KnownTexts {
  readonly #vectors = new Map<string, Float32Array>();

  add(texts: readonly string[], vectors: readonly string[]): void {
    vectors.forEach((vector, i) => {
      const text = texts[i] as string;
      this.#vectors.delete(text);
      this.#vectors.set(text, floatsOf(vector));
    });
    for (const text of this.#vectors.keys()) {
      if (this.#vectors.size <= MOST) break;
      this.#vectors.delete(text);
    }
  }

  /** The known text that means most nearly the same; undefined where no other is known. */
  nearestTo(text: string): Neighbour | undefined {
    const vector = this.#vectors.get(text);
    if (vector === undefined) return undefined;
    const others = [...this.#vectors].filter(([other]) => other !== text);
    const [first] = nearest(
      vector,
      others.map(([other]) => other),
      others.map(([, of]) => of),
      1,
    );
    return first;
  }

  clear(): void {
    this.#vectors.clear();
  }
}

function floatsOf(base64: string): Float32Array {
  return new Float32Array(Uint8Array.from(atob(base64), (character) => character.charCodeAt(0)).buffer);
}
