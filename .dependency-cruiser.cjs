// The layer rule of ARCHITECTURE.md: imports run downward only, type imports included.
// Each layer may import itself and what is listed; everything else under src is refused.
const base = '(errors|packages|describe|ttl|clock|options|events|realms|record-spans|runtime|copies)';
const layers = {
  [base]: [],
  async: ['(errors|clock|runtime)'],
  keys: [base, 'async'],
  codec: [base, 'async'],
  values: [base, 'async', 'codec'],
  sealing: [base, 'async', 'codec'],
  'codec-api': [base, 'async', 'codec', 'values'],
  backends: [base, 'async'],
  policies: [base, 'async'],
  testing: [base, 'async', 'backends'],
  cache: [base, 'async', 'keys', 'codec', 'values', 'sealing', 'backends', 'policies'],
  service: [base, 'async', 'keys', 'codec', 'backends', 'policies', 'cache'],
  observability: [base, 'async', 'cache', 'service'],
  dashboard: [base, 'async', 'backends', 'cache', 'observability'],
  canary: [base, 'async', 'keys', 'cache'],
  adapters: [base, 'async', 'keys', 'codec', 'values', 'backends', 'cache'],
  cli: [base, 'async', 'keys', 'codec', 'backends', 'cache', 'observability', 'adapters', 'index'],
};

const inLayer = (name) => `^src/${name}(/|\\.ts$)`;

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    ...Object.entries(layers).map(([name, below]) => ({
      name: `${name === base ? 'base' : name}-imports-downward`,
      severity: 'error',
      from: { path: inLayer(name) },
      to: { path: '^src/', pathNot: [name, ...below].map(inLayer) },
    })),
    {
      name: 'known-layers-only',
      comment: 'A new room takes its place in the list above first.',
      severity: 'error',
      from: { path: '^src/', pathNot: [...Object.keys(layers), 'index'].map(inLayer) },
      to: {},
    },
    {
      name: 'no-index-inside',
      severity: 'error',
      from: { path: '^src/' },
      to: { path: '/index\\.ts$' },
    },
    {
      name: 'core-in-select-only',
      comment: 'Which build of the core serves is decided in one place; types are free.',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/codec/engine/select\\.ts$' },
      to: { path: '^(native/load|shims/wasm)\\.', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'builds-know-no-other',
      comment: 'What WebAssembly needs must be there without the addon, and the other way round.',
      severity: 'error',
      from: { path: '^src/codec/engine/', pathNot: '^src/codec/engine/select\\.ts$' },
      to: { path: '^src/codec/engine/(native|wasm|select)\\.ts$' },
    },
    {
      name: 'no-heavy-sdk-at-top-level',
      comment: 'What only one backend needs is loaded when that backend is made; types are free.',
      severity: 'error',
      from: { path: '^src/' },
      to: {
        path: 'node_modules/(ioredis|@upstash|@aws-sdk|better-sqlite3|zstd-napi|lz4-napi|prom-client|pino|ai|@ai-sdk|openai|@langchain|keyv|unstorage)/',
        dependencyTypesNot: ['type-only', 'dynamic-import', 'type-import'],
      },
    },
    { name: 'no-circular', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'product-knows-no-test',
      severity: 'error',
      from: { path: '^src/' },
      to: { path: '^(test|bench|examples)/' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    exclude: { path: '^(dist|native/target)/' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'types', 'default'] },
  },
};
