import { readFileSync, writeFileSync } from 'node:fs';

/** What stands between these two is a script's. */
const PLACES = /(<!-- figures: (\w+) -->).*?(<!-- end -->)/gs;

/** Writes into each marked place of a Markdown page what `figuresOf` has for its id. */
export function fillPlaces(page: string, figuresOf: (id: string) => string): void {
  const text = readFileSync(page, 'utf8');
  const fill = (_: string, begin: string, id: string, end: string) => `${begin}\n\n${figuresOf(id)}\n\n${end}`;
  writeFileSync(page, text.replace(PLACES, fill));
  console.log(page);
}
