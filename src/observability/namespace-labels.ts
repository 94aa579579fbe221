/** The label of what concerns all namespaces. No namespace can have this name. */
export const ALL = '*';

/** The label of the namespaces that came after the most there may be. */
export const OTHER = 'other';

/**
 * Gives namespaces their label and bounds how many there are: every label is time series in
 * whatever stores the metrics.
 */
export class NamespaceLabels {
  readonly #max: number;
  readonly #known: Set<string>;

  /** @param first have a label of their own, whatever comes before them. */
  constructor(max: number, first: readonly string[]) {
    this.#max = max;
    this.#known = new Set(first);
  }

  of(namespace: string | undefined): string {
    if (namespace === undefined) return ALL;
    if (this.#known.has(namespace)) return namespace;
    if (this.#known.size >= this.#max) return OTHER;
    this.#known.add(namespace);
    return namespace;
  }
}
