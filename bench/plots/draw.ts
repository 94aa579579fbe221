import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { installPeers } from '../peers/install.js';
import { GREY, GRID, INK, OTHER, OWN } from './look.js';

/** What a colour becomes where the reader's system is dark. */
const DARK: Record<string, string> = {
  white: '#0d1117',
  [INK]: '#e6e6e6',
  [GRID]: '#343a42',
  [GREY]: '#a0a0a0',
  '#555555': '#b0b0b0',
  [OWN]: '#5ab4f0',
  [OTHER]: '#ff9a4d',
};

/**
 * Draws vega-lite specifications as SVG files, light and dark in one. vega is no dependency: only
 * who draws needs it.
 */
export async function draw(pictures: Record<string, object>): Promise<void> {
  const { load, missing } = installPeers();
  const [vega, lite] = [await load('vega'), await load('vega-lite')];
  if (!vega || !lite) throw new Error(`no pictures can be drawn: ${missing.join('; ')}`);
  const { parse, View } = vega as {
    parse(spec: object): object;
    View: new (runtime: object, options: object) => { toSVG(): Promise<string> };
  };
  const { compile } = lite as { compile(spec: object): { spec: object } };
  for (const [file, picture] of Object.entries(pictures)) {
    const svg = await new View(parse(compile(picture).spec), { renderer: 'none' }).toSVG();
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, `${withDarkForm(svg)}\n`);
    console.log(file);
  }
}

function withDarkForm(svg: string): string {
  const rules = Object.entries(DARK).map(
    ([light, dark]) => `[fill="${light}"]{fill:${dark}}[stroke="${light}"]{stroke:${dark}}`,
  );
  return svg.replace(
    /<svg[^>]*>/,
    (tag) => `${tag}<style>@media (prefers-color-scheme:dark){${rules.join('')}}</style>`,
  );
}
