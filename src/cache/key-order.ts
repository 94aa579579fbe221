import type { Change } from '../backends/change.js';
import { type Observation, Overlaps } from '../backends/overlap.js';

/** A place in the order of events. */
export interface Turn {
  /** Resolves when everything that was ahead of this turn on one of its keys has ended. */
  readonly before: Promise<unknown>;
  /** Whether no change of `key` on purpose came later. */
  isLast(key: string): boolean;
  /** Lets those behind go on. Must be called, once. */
  end(): void;
}

/** A turn that has not ended. */
interface Ticket {
  number: number;
  prefix?: string;
  ended: Promise<void>;
}

/**
 * The one order of events for each key in this process: a change has its place from the moment in which it was asked for, and
 * reaches the store after everything that was asked for before it, whatever each had to wait for on the way.
 */
export class KeyOrder {
  readonly #overlaps = new Overlaps();
  #number = 0;
  /** Of each key the last turn that has not ended. */
  readonly #turns = new Map<string, Ticket>();
  /** Of each key the last change on purpose that has not ended. */
  readonly #changes = new Map<string, Ticket>();
  /** Turns that touch a prefix and have not ended. */
  readonly #prefixTurns = new Set<Ticket>();

  /** Begins a computation, which is out of date for a key as soon as that is written on purpose or removed. */
  begin(): Observation {
    return this.#overlaps.observe();
  }

  /** Takes the next turn for a change on purpose: what was computed before it has ended is out of date. */
  enterChange(change: Change): Turn {
    const { end } = this.#overlaps.begin(change);
    return 'prefix' in change ? this.#enterPrefix(change.prefix, end) : this.#enterKeys(change.keys, true, end);
  }

  /** Takes the next turn for what was computed. */
  enterFill(keys: readonly string[]): Turn {
    return this.#enterKeys(keys, false, () => {});
  }

  #enterKeys(keys: readonly string[], isChange: boolean, onEnd: () => void): Turn {
    const { ticket, end } = this.#newTicket();
    const ahead = new Set<Ticket>();
    for (const key of keys) {
      const before = this.#turns.get(key);
      if (before !== undefined && before !== ticket) ahead.add(before);
      this.#turns.set(key, ticket);
      if (isChange) this.#changes.set(key, ticket);
      for (const other of this.#prefixTurns) if (key.startsWith(other.prefix as string)) ahead.add(other);
    }
    const isClearedLater = (key: string) =>
      this.#prefixTurns.size > 0 &&
      [...this.#prefixTurns].some((other) => other.number > ticket.number && key.startsWith(other.prefix as string));
    return {
      before: waitFor(ahead),
      isLast: (key) => (this.#changes.get(key)?.number ?? 0) <= ticket.number && !isClearedLater(key),
      end: () => {
        for (const key of keys) {
          if (this.#turns.get(key) === ticket) this.#turns.delete(key);
          if (this.#changes.get(key) === ticket) this.#changes.delete(key);
        }
        onEnd();
        end();
      },
    };
  }

  #enterPrefix(prefix: string, onEnd: () => void): Turn {
    const { ticket, end } = this.#newTicket();
    const ahead = new Set<Ticket>();
    for (const [key, other] of this.#turns) if (key.startsWith(prefix)) ahead.add(other);
    for (const other of this.#prefixTurns) {
      const theirs = other.prefix as string;
      if (theirs.startsWith(prefix) || prefix.startsWith(theirs)) ahead.add(other);
    }
    ticket.prefix = prefix;
    this.#prefixTurns.add(ticket);
    return {
      before: waitFor(ahead),
      isLast: () => true,
      end: () => {
        this.#prefixTurns.delete(ticket);
        onEnd();
        end();
      },
    };
  }

  #newTicket(): { ticket: Ticket; end: () => void } {
    this.#number += 1;
    let end = () => {};
    const ended = new Promise<void>((resolve) => {
      end = resolve;
    });
    return { ticket: { number: this.#number, ended }, end };
  }
}

function waitFor(tickets: ReadonlySet<Ticket>): Promise<unknown> {
  return Promise.all(Array.from(tickets, ({ ended }) => ended));
}
