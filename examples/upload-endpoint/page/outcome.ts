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
  /** A picture for an item, where there is one. */
  preview?: (index: number) => string | undefined;
}

/** What is shown beside a form: how far an upload is, what came of it or why it was refused. One upload at a time. */
export class Outcome {
  readonly #kind: Kind;
  readonly #card: HTMLElement;
  readonly #progress = make('progress', { className: 'progress' });
  readonly #status = make('p', { className: 'result' });
  readonly #error = make('p', { className: 'error' });
  readonly #details = make('div');
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
      const answer = await send(`/api/${this.#kind}`, parcel.body, (share) => {
        if (share < 1) this.#progress.value = share;
        // Without a value it says that something is under way, and not how far.
        else this.#progress.removeAttribute('value');
      });
      this.#show(answer, parcel.preview);
    } catch (error) {
      this.#status.textContent = '';
      this.#error.textContent = `Not embedded: ${(error as Error).message}.`;
    } finally {
      this.#end();
    }
  }

  #begin(): void {
    this.#isBusy = true;
    this.#card.setAttribute('aria-busy', 'true');
    this.#progress.hidden = false;
    this.#progress.value = 0;
    this.#error.textContent = '';
    this.#details.replaceChildren();
  }

  #end(): void {
    this.#isBusy = false;
    this.#card.removeAttribute('aria-busy');
    this.#progress.hidden = true;
  }

  #show({ count: all, hits, misses, durationMs, dimensions, items }: UploadAnswer, preview: Parcel['preview']): void {
    const repeats = all - hits - misses;
    this.#status.replaceChildren(
      make('strong', {}, `${this.#name(all)} in ${milliseconds(durationMs)}`),
      make('span', { className: hits > 0 ? 'badge hit' : 'badge' }, plural(hits, 'hit')),
      make('span', { className: 'badge' }, plural(misses, 'miss', 'misses')),
      ...(repeats > 0 ? [make('span', { className: 'badge' }, plural(repeats, 'repeat'))] : []),
    );
    // What made all of them is said once.
    const makers = new Set(items.map(({ madeBy }) => madeBy));
    const shown = items.slice(0, LISTED).map((item, i) => row(item, makers.size > 1, preview?.(i)));
    const more =
      items.length > LISTED ? [make('p', { className: 'note' }, `and ${count(items.length - LISTED)} more`)] : [];
    const by = makers.size === 1 ? `, by ${[...makers][0]}` : '';
    const summary = make('summary', {}, `Each vector: ${count(dimensions)} dimensions${by}`);
    const list = make('ul', { className: 'items' }, ...shown);
    this.#details.replaceChildren(make('details', {}, summary, list, ...more));
  }

  #name(n: number): string {
    return this.#kind === 'texts' ? plural(n, 'text') : plural(n, 'image');
  }
}

function row({ name, status, madeBy, digest, vector }: Item, isMakerShown: boolean, picture?: string): HTMLElement {
  const numbers = `${vector.map((x) => x.toFixed(3)).join(', ')}, ...`;
  return make(
    'li',
    {},
    ...(picture ? [make('img', { src: picture, alt: '' })] : []),
    make('span', { className: 'name' }, name),
    make('span', { className: `badge ${status}` }, status),
    make('span', { className: 'vector note' }, `${digest}: ${numbers}${isMakerShown ? ` by ${madeBy}` : ''}`),
  );
}
