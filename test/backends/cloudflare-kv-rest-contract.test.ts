import { CloudflareKVBackend } from '../../src/backends/cloudflare-kv/cloudflare-kv.js';
import { backendContract } from '../contract/backend-contract.js';
import { PATIENT, startKvBothWays } from '../support/cloudflare-backends.js';

const { rest, stop } = await startKvBothWays();

backendContract('CloudflareKVBackend: a stand-in for the REST API over workerd', {
  open: () => new CloudflareKVBackend({ ...rest.access, ...PATIENT }),
  many: 600,
  capabilities: [],
  after: stop,
});
