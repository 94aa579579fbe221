// The entries as ESM and as CommonJS, programs as ESM. What entries share lies in chunks that they share, so that an
// error class or a backend is the same one whichever entry it came from. Names of functions and
// classes stay, and lines are short: stack traces can be read.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { build, transform } from 'esbuild';
import { minify } from 'terser';

const TARGET = 'node20';
const NAMED = /^(?:async )?function\*? ([\w$]+)|^(?:var|let|const) ([\w$]+) = class/gm;

/**
 * Writes each entry of `sources` (paths of src) to dist/esm and dist/cjs, and `programs` to dist/esm
 * alone. `imports` are those of package.json: bundlers do not agree on them in CommonJS, so there
 * they become paths.
 */
export async function buildJavaScript(sources, programs, imports) {
  const { outputFiles, metafile } = await build({
    entryPoints: [...sources, ...programs],
    outbase: 'src',
    outdir: 'dist/esm',
    chunkNames: 'chunks/[hash]',
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'neutral',
    target: TARGET,
    packages: 'external',
    external: ['#*'],
    charset: 'utf8',
    metafile: true,
    write: false,
    logLevel: 'warning',
  });
  const shared = filesOf(sources, metafile.outputs);
  for (const { path, text } of outputFiles) {
    const file = relative('', path).replaceAll('\\', '/');
    write(file, await shorten(text));
    if (!shared.has(file)) continue;
    const copy = file.replace(/^dist\/esm/, 'dist/cjs');
    const { code } = await transform(text, { format: 'cjs', target: TARGET, charset: 'utf8' });
    const names = metafile.outputs[file].exports;
    // Never run: Node reads here what a module in ESM can import by name.
    write(copy, `${resolved(await shorten(code), copy, imports)}\n0&&(module.exports={${names.join(',')}})\n`);
  }
  writeFileSync('dist/cjs/package.json', '{ "type": "commonjs" }\n');
}

/** The files that `sources` became, and what those import. */
function filesOf(sources, outputs) {
  const files = new Set(Object.keys(outputs).filter((file) => sources.includes(outputs[file].entryPoint)));
  for (const file of files) for (const { path, external } of outputs[file].imports) if (!external) files.add(path);
  return files;
}

async function shorten(text) {
  const reserved = [...text.matchAll(NAMED)].map(([, name, className]) => name ?? className);
  const names = { keep_fnames: true, keep_classnames: true };
  const { code } = await minify(text, {
    ecma: 2022,
    compress: { ecma: 2022, ...names },
    mangle: { toplevel: true, reserved, ...names },
    format: { semicolons: false, comments: /^!/, preserve_annotations: true },
  });
  return code;
}

function resolved(code, file, imports) {
  return code.replace(/(['"])(#[\w/-]+)\1/g, (_, quote, id) => {
    const [, folder, entry] = /^(#\w+\/)?(.+)$/.exec(id);
    const target = folder === undefined ? imports[id] : imports[`${folder}*`].replace('*', entry);
    return quote + relative(dirname(file), target.default ?? target).replaceAll('\\', '/') + quote;
  });
}

function write(file, text) {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
}

/** The paths in src of what package.json exports, each once: an entry may be another's alias. */
export function sourcesOf({ exports }) {
  const files = Object.values(exports).flatMap((entry) => entry.import?.default ?? []);
  return [...new Set(files)].map(sourceOf);
}

/** The same of its commands. */
export const programsOf = ({ bin }) => Object.values(bin).map(sourceOf);

const sourceOf = (file) => file.replace('./dist/esm/', 'src/').replace(/\.js$/, '.ts');

export const readManifest = () => JSON.parse(readFileSync(join('package.json'), 'utf8'));
