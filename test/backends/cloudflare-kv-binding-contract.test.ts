import { CloudflareKVBackend } from '../../src/backends/cloudflare-kv/cloudflare-kv.js';
import { backendContract } from '../contract/backend-contract.js';
import { PATIENT } from '../support/cloudflare-backends.js';
import { startKv } from '../support/cloudflare-kv.js';

const { binding, stop } = await startKv();

backendContract('CloudflareKVBackend: a binding of workerd', {
  open: () => new CloudflareKVBackend({ binding, ...PATIENT }),
  many: 600,
  capabilities: [],
  after: stop,
});
