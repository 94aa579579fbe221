/** Keys, or everything under a prefix. */
export type Change = { readonly keys: readonly string[] } | { readonly prefix: string };

/** A place in the order of events. */
export interface Turn {
  /** Resolves when everything that was ahead of this turn on one of its keys has ended. */
  readonly before: Promise<unknown>;
  /** Whether nothing that came later touches `key`. */
  isLast(key: string): boolean;
  /** Lets those behind go on. Must be called, once. */
  end(): void;
}

/** A reading or a computation under way, which must not outlive a newer change. */
export interface Beginning {
  /** Whether `key` was neither written nor removed since. */
  isCurrent(key: string): boolean;
  /** The same beginning for something that may end later. */
  share(): Beginning;
  end(): void;
}

interface Ticket {
  number: number;
  prefix?: string;
  ended: Promise<void>;
}

/**
 * The one order of events for each key in this process: a change has its place from the moment in which it was asked for, and
 * reaches the store after everything that was asked for before it, whatever each had to wait for on the way. A computation that began
 * before a change is no longer current.
 */
export class KeyOrder {
  #number = 0;
  /** Of each key the last turn that has not ended. */
  readonly #turns = new Map<string, Ticket>();
  /** Turns that touch a prefix and have not ended. */
  readonly #prefixTurns = new Set<Ticket>();
  /** Of each key the number of its last change since the oldest beginning, in the order of these numbers. */
  readonly #changed = new Map<string, number>();
  readonly #changedPrefixes: { prefix: string; number: number }[] = [];
  /** What has begun and not ended: by number, how many began there. In order. */
  readonly #beginnings = new Map<number, number>();

  /** Takes the next turn on what `change` names. @param isNewer whether computations that began before are out of date by it */
  enter(change: Change, isNewer = true): Turn {
    this.#number += 1;
    let end = () => {};
    const ended = new Promise<void>((resolve) => {
      end = resolve;
    });
    const ticket: Ticket = { number: this.#number, ended };
    return 'prefix' in change
      ? this.#enterPrefix(ticket, change.prefix, isNewer, end)
      : this.#enterKeys(ticket, change.keys, isNewer, end);
  }

  /** Begins what is out of date as soon as a key is changed. */
  begin(): Beginning {
    return this.#beginAt(this.#number);
  }

  #beginAt(number: number): Beginning {
    this.#beginnings.set(number, (this.#beginnings.get(number) ?? 0) + 1);
    let hasEnded = false;
    return {
      isCurrent: (key) =>
        (this.#changed.get(key) ?? 0) <= number &&
        !this.#changedPrefixes.some((changed) => changed.number > number && key.startsWith(changed.prefix)),
      share: () => this.#beginAt(number),
      end: () => {
        if (hasEnded) return;
        hasEnded = true;
        const count = (this.#beginnings.get(number) ?? 1) - 1;
        if (count > 0) this.#beginnings.set(number, count);
        else this.#beginnings.delete(number);
        this.#forget();
      },
    };
  }

  #enterKeys(ticket: Ticket, keys: readonly string[], isNewer: boolean, end: () => void): Turn {
    const ahead = new Set<Ticket>();
    for (const key of keys) {
      const before = this.#turns.get(key);
      if (before !== undefined && before !== ticket) ahead.add(before);
      this.#turns.set(key, ticket);
      for (const other of this.#prefixTurns) if (key.startsWith(other.prefix as string)) ahead.add(other);
      if (isNewer) this.#noteKey(key, ticket.number);
    }
    return {
      before: waitFor(ahead),
      isLast: (key) =>
        this.#turns.get(key) === ticket &&
        !some(this.#prefixTurns, (other) => other.number > ticket.number && key.startsWith(other.prefix as string)),
      end: () => {
        for (const key of keys) if (this.#turns.get(key) === ticket) this.#turns.delete(key);
        end();
      },
    };
  }

  #enterPrefix(ticket: Ticket, prefix: string, isNewer: boolean, end: () => void): Turn {
    const ahead = new Set<Ticket>();
    for (const [key, other] of this.#turns) if (key.startsWith(prefix)) ahead.add(other);
    for (const other of this.#prefixTurns) {
      const mine = other.prefix as string;
      if (mine.startsWith(prefix) || prefix.startsWith(mine)) ahead.add(other);
    }
    ticket.prefix = prefix;
    this.#prefixTurns.add(ticket);
    if (isNewer && this.#beginnings.size > 0) this.#changedPrefixes.push({ prefix, number: ticket.number });
    return {
      before: waitFor(ahead),
      isLast: () => true,
      end: () => {
        this.#prefixTurns.delete(ticket);
        end();
      },
    };
  }

  #noteKey(key: string, number: number): void {
    if (this.#beginnings.size === 0) return;
    this.#changed.delete(key);
    this.#changed.set(key, number);
  }

  /** What is older than everything that is under way says nothing any more. */
  #forget(): void {
    const oldest = this.#beginnings.keys().next().value ?? Number.POSITIVE_INFINITY;
    for (const [key, number] of this.#changed) {
      if (number > oldest) break;
      this.#changed.delete(key);
    }
    const kept = this.#changedPrefixes.findIndex(({ number }) => number > oldest);
    this.#changedPrefixes.splice(0, kept < 0 ? this.#changedPrefixes.length : kept);
  }
}

function waitFor(tickets: ReadonlySet<Ticket>): Promise<unknown> {
  return Promise.all(Array.from(tickets, ({ ended }) => ended));
}

function some<T>(items: Iterable<T>, test: (item: T) => boolean): boolean {
  for (const item of items) if (test(item)) return true;
  return false;
}
