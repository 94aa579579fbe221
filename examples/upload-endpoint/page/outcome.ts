import type { Item, Kind, UploadAnswer } from '../wire.js';
import { make } from './dom.js';
import { count, milliseconds, plural } from './format.js';
import { send } from './send.js';

/** Items that are listed: a thousand rows would help nobody. */
const LISTED = 50;

/** Something to upload. */
export interface Parcel {
  count: number;
  body: FormData | { texts: string[] };
  /** Shows the items, beside whether each was a hit. */
  show(answer: UploadAnswer): HTMLElement;
}

/** What is shown beside a form: how far an upload is, what came of it or why it was refused. One upload at a time. */
export class Outcome {
  readonly #kind: Kind;
  readonly #card: HTMLElement;
  readonly #progress = make('progress', { className: 'progress' });
  readonly #status = make('p', { className: 'result' });
  readonly #error = make('p', { className: 'error' });
  readonly #details = make('div', { className: 'details' });
  #isBusy = false;

  constructor(kind: Kind, place: HTMLElement) {
    this.#kind = kind;
    this.#card = place.closest('form') as HTMLElement;
    this.#progress.setAttribute('aria-label', `Upload of ${kind}`);
    this.#progress.hidden = true;
    this.#status.setAttribute('role', 'status');
    this.#error.setAttribute('role', 'status');
    this.#error.id = `${kind}-error`;
    place.append(this.#progress, this.#error, this.#status, this.#details);
  }

  /** Uploads, and shows all of it. `collect` may throw, with a reason for people. */
  async run(collect: () => Promise<Parcel>): Promise<void> {
    // Buttons stay as they are: one that is disabled loses the keyboard's focus.
    if (this.#isBusy) return;
    this.#begin();
    try {
      const parcel = await collect();
      this.#status.textContent = `Uploading ${this.#name(parcel.count)}`;
      const path = this.#kind === 'texts' ? '/api/texts?vectors=base64' : '/api/images';
      const answer = await send(path, parcel.body, (share) => {
        if (share < 1) this.#progress.value = share;
        // Without a value it says that something is under way, and not how far.
        else this.#progress.removeAttribute('value');
      });
      this.#show(answer, parcel);
    } catch (error) {
      this.#status.textContent = '';
      this.#error.textContent = `Not embedded: ${(error as Error).message}.`;
    } finally {
      this.#end();
    }
  }

  /** Shows nothing, as before the first upload. */
  clear(): void {
    this.#status.textContent = this.#error.textContent = '';
    this.#details.replaceChildren();
  }

  #begin(): void {
    this.#isBusy = true;
    this.#card.setAttribute('aria-busy', 'true');
    this.#progress.hidden = false;
    this.#progress.value = 0;
    this.clear();
  }

  #end(): void {
    this.#isBusy = false;
    this.#card.removeAttribute('aria-busy');
    this.#progress.hidden = true;
  }

  #show(answer: UploadAnswer, parcel: Parcel): void {
    const { count: all, hits, misses, durationMs, dimensions, model, items } = answer;
    const repeats = all - hits - misses;
    this.#status.replaceChildren(
      make('strong', {}, `${this.#name(all)} in ${milliseconds(durationMs)}`),
      make('span', { className: hits > 0 ? 'badge hit' : 'badge' }, plural(hits, 'hit')),
      make('span', { className: 'badge' }, plural(misses, 'miss', 'misses')),
      ...(repeats > 0 ? [make('span', { className: 'badge' }, plural(repeats, 'repeat'))] : []),
    );
    const listed = { ...answer, items: items.slice(0, LISTED) };
    const more =
      items.length > LISTED ? [make('p', { className: 'note' }, `and ${count(items.length - LISTED)} more`)] : [];
    const summary = make('summary', {}, `The vectors: ${count(dimensions)} dimensions, by ${model}`);
    const vectors = make('ul', { className: 'items' }, ...listed.items.map(vectorRow));
    this.#details.replaceChildren(parcel.show(listed), ...more, make('details', {}, summary, vectors));
  }

  #name(n: number): string {
    return this.#kind === 'texts' ? plural(n, 'text') : plural(n, 'image');
  }
}

export function badge({ status }: Item): HTMLElement {
  return make('span', { className: `badge ${status}` }, status);
}

function vectorRow({ name, digest, vector }: Item): HTMLElement {
  const numbers = `${vector.map((x) => x.toFixed(3)).join(', ')}, ...`;
  return make(
    'li',
    {},
    make('span', { className: 'name' }, name),
    make('span', { className: 'vector note' }, `${digest}: ${numbers}`),
  );
}
