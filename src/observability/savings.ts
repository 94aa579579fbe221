interface Account {
  /** Of the calls that said what they took. */
  inputs: number;
  tokens: number;
  /** Hits from before the first of these calls. */
  unpriced: number;
}

/**
 * The tokens that hits saved: what their records say, and of the others an estimate, as many for
 * each as the model took for an input so far. Hits wait until the model has said it once: a process
 * that starts on a full cache hits first.
 */
export class Savings {
  readonly #accounts = new Map<string, Account>();

  /**
   * Enters hits; returns the tokens saved that are known by it.
   *
   * @param told what records say, by key
   */
  recordHits(namespace: string, hits: number, told: readonly (number | undefined)[] = []): number {
    const account = this.#accountOf(namespace);
    const known = told.filter((tokens) => tokens !== undefined);
    account.unpriced += hits - known.length;
    return this.#settle(account) + known.reduce((sum, tokens) => sum + tokens, 0);
  }

  /** Enters a call of the model; returns the tokens saved that are known by it. */
  recordCall(namespace: string, inputs: number, tokens: number): number {
    const account = this.#accountOf(namespace);
    account.inputs += inputs;
    account.tokens += tokens;
    return this.#settle(account);
  }

  #settle(account: Account): number {
    if (account.inputs === 0) return 0;
    const saved = (account.unpriced * account.tokens) / account.inputs;
    account.unpriced = 0;
    return saved;
  }

  #accountOf(namespace: string): Account {
    let account = this.#accounts.get(namespace);
    if (account === undefined) {
      account = { inputs: 0, tokens: 0, unpriced: 0 };
      this.#accounts.set(namespace, account);
    }
    return account;
  }
}

/**
 * The tokens that a call of the model took, where it said so: what `embed` reports is the
 * application's, and may be anything.
 */
export function soundTokens(tokens: number | undefined): number | undefined {
  return typeof tokens === 'number' && tokens >= 0 && Number.isFinite(tokens) ? tokens : undefined;
}
