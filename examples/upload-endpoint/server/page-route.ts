import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import type { FastifyInstance } from 'fastify';

const PAGE = fileURLToPath(new URL('../page', import.meta.url));

const TYPES: Record<string, string> = {
  html: 'text/html; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
  svg: 'image/svg+xml',
};

/** Nothing from elsewhere and nothing inline; blob: is for the previews of chosen images. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' blob:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** GET / and what it needs, bundled into memory. */
export async function pageRoute(app: FastifyInstance): Promise<void> {
  const { outputFiles } = await build({
    absWorkingDir: PAGE,
    // The theme by itself: it runs before the page is drawn.
    entryPoints: ['index.html', 'icon.svg', 'main.ts', 'early-theme.ts', 'style.css'],
    loader: { '.html': 'copy', '.svg': 'copy' },
    bundle: true,
    minify: true,
    format: 'iife',
    target: 'es2022',
    outdir: '/',
    write: false,
    logLevel: 'silent',
  });
  for (const { path, contents } of outputFiles) {
    const name = path.slice(path.lastIndexOf('/'));
    const type = TYPES[name.slice(name.lastIndexOf('.') + 1)] as string;
    app.get(name === '/index.html' ? '/' : name, async (_request, reply) =>
      reply.headers({ 'cache-control': 'no-cache', 'content-type': type }).send(Buffer.from(contents)),
    );
  }
  app.addHook('onSend', async (_request, reply) => {
    reply.headers({
      'content-security-policy': POLICY,
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
    });
  });
}
