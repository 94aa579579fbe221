/**
 * The contract of backends over unstorage's S3 driver, from the packed package.
 */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { startBucket } from '../support/bucket-server.js';
import { installConsumer } from '../support/consumer.js';

const test = suite('unstorage over S3');
const bucket = await startBucket();
const consumer = await installConsumer('unstorage', 'ioredis-5', 'aws4fetch', 'fast-check');
test.after(() => {
  consumer.remove();
  bucket.close();
});

consumer.write({
  's3.test.mjs': `
    import { createStorage } from 'unstorage';
    import s3 from 'unstorage/drivers/s3';
    import { backendContract } from 'vecstash/testing';
    import { UnstorageBackend } from 'vecstash/unstorage';

    const driver = s3({ accessKeyId: 'a', secretAccessKey: 'b', endpoint: process.env.BUCKET, region: 'x', bucket: 'bucket' });
    const storage = createStorage({ driver });
    backendContract('S3', {
      open: () => new UnstorageBackend(storage, { requestTimeout: '60s' }),
      many: 2100,
      capabilities: [],
    });
  `,
});

test('passes the contract', async () => {
  const output = await consumer.run(process.execPath, ['--test', '--test-concurrency=1', 's3.test.mjs'], {
    BUCKET: bucket.url,
  });
  assert.match(output, /pass 25\b/);
  assert.match(output, /fail 0\b/);
  assert.is(bucket.objects.size, 0);
});

test.run();
