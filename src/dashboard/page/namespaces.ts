import type { NamespaceFigures } from '../wire.js';
import { byId, make, setText } from './dom.js';
import { bytes, count, percent } from './format.js';

const LABELS = ['Namespace', 'Hit rate', 'Hits', 'Misses', 'Computed', 'Errors', 'Read', 'Written'];

interface Row {
  row: HTMLElement;
  share: HTMLElement;
  cells: HTMLElement[];
}

/** A row for each namespace, which stays the same element: a button keeps the keyboard's focus. */
export class Namespaces {
  readonly #body = byId('namespaces').querySelector('tbody') as HTMLElement;
  readonly #rows = new Map<string, Row>();

  /**
   * @param onClear is told the namespace whose button was pressed; without it there is no button
   */
  show(all: readonly NamespaceFigures[], onClear?: (name: string) => void): void {
    byId('namespaces').hidden = all.length === 0;
    byId('no-namespaces').hidden = all.length > 0;
    for (const figures of all) {
      const { name, hits, misses, corrupt, fills, errors, bytesRead, bytesWritten } = figures;
      const { share, cells } = this.#rows.get(name) ?? this.#add(name, onClear);
      const failed = corrupt > 0 ? `${count(errors)} + ${count(corrupt)} corrupt` : count(errors);
      const texts = [
        percent(hits, misses),
        count(hits),
        count(misses),
        count(fills),
        failed,
        bytes(bytesRead),
        bytes(bytesWritten),
      ];
      texts.forEach((text, i) => {
        setText(cells[i] as HTMLElement, text);
      });
      share.style.width = `${hits + misses ? (100 * hits) / (hits + misses) : 0}%`;
    }
  }

  #add(name: string, onClear?: (name: string) => void): Row {
    const share = make('span');
    const cells = LABELS.slice(1).map(() => make('span'));
    const row = make('tr', '', make('td', '', name), ...cells.map((cell) => make('td', '', cell)));
    row.children[1]?.prepend(make('span', 'meter', share));
    LABELS.forEach((label, i) => {
      (row.children[i] as HTMLElement).dataset.label = label;
    });
    if (onClear) {
      if (this.#rows.size === 0) byId('namespaces').querySelector('tr')?.append(make('td'));
      const button = make('button', 'danger', 'Clear');
      button.setAttribute('aria-label', `Clear ${name}`);
      button.addEventListener('click', () => onClear(name));
      row.append(make('td', '', button));
    }
    this.#body.append(row);
    const made = { row, share, cells };
    this.#rows.set(name, made);
    return made;
  }
}
