import { posix } from 'node:path';
import { defineConfig, type MarkdownOptions } from 'vitepress';
import llmstxt from 'vitepress-plugin-llms';
import { apiSidebar } from './api-sidebar.js';
import { slugOf } from './slug.js';

const REPOSITORY = 'https://github.com/vecstash/vecstash';

const page = (text: string, link: string) => ({ text, link });

const guide = [
  {
    text: 'Start',
    items: [
      page('Quick start', '/quick-start'),
      page('Concepts', '/concepts'),
      page('Comparison', '/comparison'),
      page('Glossary', '/glossary'),
    ],
  },
  {
    text: 'Guides',
    items: [
      page('Calling the model', '/model'),
      page('Backends', '/backends'),
      page('Precision', '/precision'),
      page('Sizing', '/sizing'),
      page('CacheService', '/service'),
      page('Observability', '/observability'),
      page('Dashboard', '/dashboard'),
      page('Caching endpoint', '/serve'),
      page('Model drift', '/drift'),
      page('Production checklist', '/production'),
      page('Migration', '/migration'),
      page('Troubleshooting', '/troubleshooting'),
    ],
  },
  {
    text: 'Recipes',
    items: [
      page("OpenAI's client", '/recipes/openai'),
      page('A million chunks', '/recipes/rag-ingestion'),
      page('Upload endpoint', '/recipes/upload-endpoint'),
      page('Serverless', '/recipes/serverless'),
      page('Vector databases', '/recipes/vector-databases'),
      page('LangChain', '/recipes/langchain'),
      page('AI SDK', '/recipes/ai-sdk'),
      page('S3, R2, files', '/recipes/unstorage'),
      page('Keyv', '/recipes/keyv'),
    ],
  },
  {
    text: 'Reference',
    items: [
      page('Support and versions', '/support'),
      page('Benchmarks', '/benchmarks'),
      page('Reliability', '/reliability'),
      page('The codec', '/codec'),
      page('The format', '/format'),
      page('Profiling', '/profiling'),
    ],
  },
];

/** Links that lead out of `docs/` go to the repository. */
const linkToRepository: NonNullable<MarkdownOptions['config']> = (md) => {
  md.core.ruler.push('repository-links', ({ tokens, env }) => {
    const folder = posix.dirname((env as { relativePath: string }).relativePath);
    for (const token of tokens.flatMap(({ children }) => children ?? [])) {
      const href = token.type === 'link_open' ? token.attrGet('href') : null;
      if (href === null || /^(?:[a-z]+:|#|\/)/.test(href)) continue;
      const path = posix.join('docs', folder, href);
      if (!path.startsWith('docs/')) token.attrSet('href', `${REPOSITORY}/blob/main/${path}`);
    }
  });
};

export default defineConfig({
  title: 'vecstash',
  description: 'A cache for embedding vectors in Node: never pay for the same embedding twice.',
  base: process.env.DOCS_BASE ?? '/',
  srcExclude: ['backlog.md', '**/node_modules/**'],
  cleanUrls: true,
  lastUpdated: false,
  markdown: { anchor: { slugify: slugOf }, config: linkToRepository },
  themeConfig: {
    nav: [
      page('Guide', '/quick-start'),
      page('Recipes', '/recipes'),
      page('API', '/api/'),
      page('Benchmarks', '/benchmarks'),
    ],
    sidebar: { '/': guide, '/api/': apiSidebar() },
    outline: [2, 3],
    search: { provider: 'local' },
    socialLinks: [{ icon: 'github', link: REPOSITORY }],
    editLink: { pattern: `${REPOSITORY}/edit/main/docs/:path` },
    footer: { message: 'MIT' },
  },
  vite: { plugins: [llmstxt({ ignoreFiles: ['backlog.md'] })] },
});
