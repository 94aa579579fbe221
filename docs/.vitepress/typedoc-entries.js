import { readFileSync } from 'node:fs';
import { Converter } from 'typedoc';

/** typedoc names a module after its file: this names it as it is imported, `vecstash/redis`. */
export function load(app) {
  const { exports } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
  const names = new Map();
  for (const [path, target] of Object.entries(exports)) {
    const types = target.import?.types ?? target.types;
    const file = types?.replace(/^\.\/dist\/(esm\/)?|(\/index)?\.d\.m?ts$/g, '');
    // The first entry of a file is its name; an alias comes later.
    if (file && !names.has(file)) names.set(file, path.replace('.', 'vecstash'));
  }
  app.converter.on(Converter.EVENT_RESOLVE_BEGIN, (context) => {
    for (const module of context.project.children ?? []) module.name = names.get(module.name) ?? module.name;
  });
}
