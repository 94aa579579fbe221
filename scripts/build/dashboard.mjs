// Bundles the dashboard's page, src/dashboard/page, into a module that holds its files as text.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const PAGE = fileURLToPath(new URL('../../src/dashboard/page', import.meta.url));

const TYPES = { js: 'text/javascript; charset=utf-8', css: 'text/css; charset=utf-8', svg: 'image/svg+xml' };

/**
 * The text of a CommonJS module, which ESM can import by names as well: src/dashboard/bundled.d.ts
 * says what it exports.
 */
export async function bundleDashboard() {
  const { outputFiles } = await build({
    absWorkingDir: PAGE,
    entryPoints: ['main.ts', 'style.css'],
    bundle: true,
    minify: true,
    format: 'iife',
    target: 'es2023',
    outdir: '/',
    write: false,
    logLevel: 'silent',
  });
  const [script, style] = outputFiles.map(({ text }) => text.trim());
  const icon = lines('icon.svg').join('');
  const assets = [
    ['SCRIPT', 'js', script],
    ['STYLE', 'css', style],
    ['ICON', 'svg', icon],
  ].map(([place, type, text]) => {
    const hash = createHash('sha256').update(text).digest('hex').slice(0, 8);
    return { place, name: `dashboard-${hash}.${type}`, type: TYPES[type], text };
  });
  const page = assets.reduce((html, { place, name }) => html.replaceAll(place, name), lines('index.html').join('\n'));
  const entries = Object.fromEntries(assets.map(({ name, type, text }) => [name, { type, text }]));
  return `exports.PAGE = ${JSON.stringify(page)};\nexports.ASSETS = ${JSON.stringify(entries)};\n`;
}

function lines(name) {
  const text = readFileSync(`${PAGE}/${name}`, 'utf8');
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
}
