import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { startFaultUpstream } from '../support/fault-upstream.js';
import { prf } from '../support/prf.js';
import { run } from '../support/run-script.js';
import { startServe } from '../support/serve-process.js';

const PROGRAM = `
import json, sys
from openai import OpenAI, AuthenticationError, BadRequestError, RateLimitError

base_url = sys.argv[1]
client = OpenAI(base_url=base_url, api_key="good", max_retries=0)
out = {}
texts = ["first", "second", "first"]
for name, extra in (("cold", {}), ("warm", {}), ("float", {"encoding_format": "float"})):
    raw = client.embeddings.with_raw_response.create(model="m", input=texts, **extra)
    answer = raw.parse()
    out[name] = {
        "hits": raw.headers["x-vecstash-hits"],
        "vectors": [list(row.embedding) for row in answer.data],
        "indexes": [row.index for row in answer.data],
        "tokens": answer.usage.prompt_tokens,
        "model": answer.model,
    }
out["tokens"] = list(client.embeddings.create(model="m", input=[[1, 2, 3]]).data[0].embedding)
out["models"] = [model.id for model in client.models.list()]

def error_of(call):
    try:
        call()
    except Exception as error:
        return type(error).__name__

wrong = OpenAI(base_url=base_url, api_key="bad", max_retries=0)
out["errors"] = [
    error_of(lambda: wrong.embeddings.create(model="m", input=texts)),
    error_of(lambda: client.embeddings.create(model="m", input=texts, dimensions=0)),
    error_of(lambda: client.embeddings.create(model="m", input="LIMITED")),
]
print(json.dumps(out))
`;

const test = suite("OpenAI's Python client against vecstash serve");

test('vectors, hits, usage and its own kinds of error', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'vecstash-python-'));
  const upstream = await startFaultUpstream({ keys: new Set(['good']) });
  // Three tries of the last request.
  upstream.options.fault = () => (upstream.received > 4 ? '429' : 'none');
  const serve = await startServe(upstream.url);
  try {
    for (const [command, args] of [
      ['python3', ['-m', 'venv', folder]],
      [join(folder, 'bin/pip'), ['install', '--quiet', '--disable-pip-version-check', 'openai']],
    ] as const) {
      const { code, stderr } = await run(command, [...args]);
      assert.is(code, 0, stderr);
    }
    writeFileSync(join(folder, 'program.py'), PROGRAM);
    const { code, stdout, stderr } = await run(join(folder, 'bin/python'), [join(folder, 'program.py'), serve.url]);
    assert.is(code, 0, stderr);
    const out = JSON.parse(stdout);
    const vectors = ['first', 'second', 'first'].map((text) => [...prf(text, 64)]);
    for (const [name, hits] of [
      ['cold', '0'],
      ['warm', '3'],
      ['float', '3'],
    ] as const) {
      const { tokens, model, indexes, ...rest } = out[name];
      assert.equal(rest, { hits, vectors }, name);
      assert.equal([tokens, model, indexes], [out.cold.tokens, 'm-v2', [0, 1, 2]]);
    }
    assert.equal(out.tokens, [...prf('[1,2,3]', 64)]);
    assert.equal(out.models, ['m']);
    assert.equal(out.errors, ['AuthenticationError', 'BadRequestError', 'RateLimitError']);
  } finally {
    await serve.stop('SIGKILL');
    await upstream.stop();
    rmSync(folder, { recursive: true, force: true });
  }
});

test.run();
