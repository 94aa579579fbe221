import type { Snapshot } from '../wire.js';
import { byId, make, setText } from './dom.js';

type Tone = 'good' | 'bad' | 'muted';

function chip(element: HTMLElement, text: string, tone: Tone): void {
  setText(element, text);
  element.dataset.tone = tone;
}

/** Whether the page hears the server. */
export function showConnection(isLive: boolean): void {
  chip(byId('connection'), isLive ? 'Live' : 'Connection lost, trying again', isLive ? 'good' : 'bad');
  document.body.toggleAttribute('data-stale', !isLive);
}

/** What keeps the vectors: whether it answers, and its breakers. The banner is read aloud, and only when it changes. */
export class StoreState {
  readonly #chips = new Map<string, HTMLElement>();
  #name = '';

  begin(name: string): void {
    this.#name = name;
  }

  show({ isStoreUp, breakers }: Snapshot): void {
    this.#set('store', `${this.#name}: ${isStoreUp ? 'answers' : 'does not answer'}`, isStoreUp);
    for (const { what, isOpen } of breakers) {
      this.#set(what, `Circuit breaker for ${what}: ${isOpen ? 'open' : 'closed'}`, !isOpen);
    }
    const open = breakers.filter(({ isOpen }) => isOpen).map(({ what }) => what);
    setText(byId('banner'), bannerOf(isStoreUp, open));
  }

  #set(key: string, text: string, isGood: boolean): void {
    let element = this.#chips.get(key);
    if (element === undefined) {
      element = make('li', { className: 'chip' });
      this.#chips.set(key, element);
      byId('chips').append(element);
    }
    chip(element, text, isGood ? 'good' : 'bad');
  }
}

function bannerOf(isStoreUp: boolean, open: string[]): string {
  const goesOn = 'Uploads are still answered, from memory and by the model.';
  if (open.length > 0) {
    const breakers = `The circuit breaker for ${open.join(' and ')} is open`;
    if (isStoreUp)
      return `${breakers}. The store answers again: reads are tried again at once, writes with the next upload.`;
    return `${breakers}: the store does not answer, so it is not asked for now. ${goesOn}`;
  }
  return isStoreUp ? '' : `The store does not answer. ${goesOn}`;
}
