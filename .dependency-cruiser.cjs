// The layer rule of ARCHITECTURE.md: imports run downward only, type imports included.
// Each layer may import itself and what is listed; everything else under src is refused.
const base = '(errors|describe|ttl|clock|options|events|records)';
const layers = {
  [base]: [],
  keys: [base],
  codec: [base],
  backends: [base],
  policies: [base],
  testing: [base, 'backends'],
  cache: [base, 'keys', 'codec', 'backends', 'policies'],
  service: [base, 'keys', 'codec', 'backends', 'policies', 'cache'],
  observe: [base, 'cache', 'service'],
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
      name: 'addon-in-select-only',
      comment: 'The portable engine must work where there is no addon; types are free.',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/codec/select\\.ts$' },
      to: { path: '^native/load\\.', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'portable-knows-no-native',
      severity: 'error',
      from: { path: '^src/codec/', pathNot: '^src/codec/(select|native|vectors|values|train|index)\\.ts$' },
      to: { path: '^src/codec/(native|select)\\.ts$' },
    },
    {
      name: 'no-heavy-sdk-at-top-level',
      comment: 'What only one backend needs is loaded when that backend is made; types are free.',
      severity: 'error',
      from: { path: '^src/' },
      to: {
        path: 'node_modules/(ioredis|@upstash|@aws-sdk|better-sqlite3|zstd-napi|lz4-napi|prom-client|pino)/',
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
