import { readFileSync } from 'node:fs';
import { context, type Span, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { MemoryBackend } from '../../src/backends/memory/memory.js';
import { createCache } from '../../src/cache/cache.js';
import { BackendError, InvalidInputError, InvalidOptionError } from '../../src/errors.js';
import { emit } from '../../src/events.js';
import { type EventTracer, type TraceEventsOptions, traceEvents } from '../../src/observability/index.js';
import { scripted } from '../support/backends.js';
import { prf } from '../support/prf.js';

const test = suite('traceEvents');
const DIMENSIONS = 8;
const exporter = new InMemorySpanExporter();
const tracer = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }).getTracer('test');

test.before(() => {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
});

test.after(() => context.disable());

/** What is traced while `work` runs within a span, which is given to it; without that span. */
async function traced(work: (parent: Span) => Promise<unknown>, options?: TraceEventsOptions): Promise<ReadableSpan[]> {
  exporter.reset();
  const stop = traceEvents(tracer, options);
  const parent = tracer.startSpan('the application');
  try {
    await context.with(trace.setSpan(context.active(), parent), () => work(parent));
  } finally {
    stop();
  }
  await createCache({ backend: new MemoryBackend() }).clear();
  parent.end();
  const spans = exporter.getFinishedSpans();
  assert.is(spans.at(-1)?.name, 'the application', 'nothing after stop');
  return spans.slice(0, -1);
}

function docsOf(backend = scripted(), embed?: () => Promise<never>) {
  const cache = createCache({ backend });
  const docs = cache.embeddings('docs', {
    model: 'm',
    dimensions: DIMENSIONS,
    embed:
      embed ??
      (async (texts: string[], { usage }) => {
        usage(10 * texts.length);
        return texts.map((text) => prf(text, DIMENSIONS));
      }),
  });
  return { cache, docs };
}

const millisecondsOf = ([seconds, nanoseconds]: [number, number]) => seconds * 1000 + nanoseconds / 1e6;

test('a lookup, a call of the model and a write are children of the active span', async () => {
  const backend = scripted();
  const { cache, docs } = docsOf(backend);
  await docs.embed(['a private text']);
  let traceId: string | undefined;
  let parentId: string | undefined;
  const spans = await traced(async (parent) => {
    ({ traceId, spanId: parentId } = parent.spanContext());
    await docs.embed(['a private text', 'b', 'c']);
    await docs.getMany(['b']);
    await docs.delete('b');
    await cache.clear();
  });
  assert.equal(
    spans.map(({ name }) => name),
    ['get docs', 'embeddings m', 'set docs', 'get docs', 'delete docs', 'clear *'],
  );
  for (const span of spans) {
    assert.is(span.parentSpanContext?.spanId, parentId);
    assert.is(span.spanContext().traceId, traceId);
    assert.is(span.kind, SpanKind.CLIENT);
    assert.is(span.status.code, SpanStatusCode.UNSET);
  }
  const bytes = (texts: string[]) =>
    texts.reduce((sum, text) => sum + (backend.stored.get(docs.keyOf(text))?.length ?? Number.NaN), 0);
  const store = { 'db.system.name': 'vecstash', 'db.collection.name': 'docs' };
  const get = { ...store, 'db.operation.name': 'get', 'vecstash.corrupt': 0 };
  assert.equal(
    spans.map(({ attributes }) => attributes),
    [
      {
        ...get,
        'db.operation.batch.size': 3,
        'vecstash.keys': 3,
        'vecstash.hits': 1,
        'vecstash.misses': 2,
        'vecstash.bytes': bytes(['a private text']),
      },
      {
        'gen_ai.operation.name': 'embeddings',
        'gen_ai.request.model': 'm',
        'gen_ai.usage.input_tokens': 20,
        'vecstash.namespace': 'docs',
        'vecstash.inputs': 2,
      },
      {
        ...store,
        'db.operation.name': 'set',
        'db.operation.batch.size': 2,
        'vecstash.entries': 2,
        'vecstash.bytes': bytes(['b', 'c']),
      },
      { ...get, 'vecstash.keys': 1, 'vecstash.hits': 1, 'vecstash.misses': 0, 'vecstash.bytes': bytes(['b']) },
      { ...store, 'db.operation.name': 'delete', 'vecstash.entries': 1, 'vecstash.bytes': 0 },
      {
        ...store,
        'db.collection.name': '*',
        'db.operation.name': 'clear',
        'vecstash.entries': 2,
        'vecstash.bytes': 0,
      },
    ],
  );
  const shown = JSON.stringify(spans.map(({ name, attributes, events }) => ({ name, attributes, events })));
  assert.not.match(shown, 'private');
  assert.not.match(shown, docs.keyOf('b').slice(-20));
});

test('a span takes as long as the event says, and ends when it is told', async () => {
  const before = Date.now();
  const [span, other] = await traced(async () => {
    emit('model', () => ({ namespace: 'docs', model: 'm', inputs: 1, tokens: 3, durationMs: 1234.5, ok: true }));
    emit('model', () => ({ namespace: 'd', model: 'm', inputs: 1, tokens: Number.NaN, durationMs: 0, ok: true }));
  });
  const end = millisecondsOf(span?.endTime as [number, number]);
  assert.ok(before <= end && end <= Date.now(), String(end));
  assert.ok(Math.abs(end - millisecondsOf(span?.startTime as [number, number]) - 1234.5) < 0.01);
  assert.ok(Math.abs(millisecondsOf(span?.duration as [number, number]) - 1234.5) < 0.01);
  assert.not('gen_ai.usage.input_tokens' in (other?.attributes ?? {}));
});

test('what fails is an error: the store, the model, a breaker that opens', async () => {
  const down = () => Promise.reject(new BackendError('down'));
  const { cache, docs } = docsOf(scripted({ getMany: down, clear: down }), () =>
    Promise.reject(new Error('no a private text')),
  );
  const spans = await traced(async () => {
    await docs.embed(['a private text']).catch(() => {});
    await docs.getMany(['a']);
    await docs.getMany(['a']);
    await cache.clear().catch(() => {});
    await cache.close();
  });
  const seen = spans.map(({ name, kind, status, attributes }) => [
    name,
    SpanKind[kind],
    SpanStatusCode[status.code],
    status.message,
    attributes['error.type'],
  ]);
  const failure = ['vecstash failure', 'INTERNAL', 'ERROR', 'down', '_OTHER'];
  const get = ['get docs', 'CLIENT', 'UNSET', undefined, undefined];
  assert.equal(seen, [
    failure,
    get,
    ['embeddings m', 'CLIENT', 'ERROR', 'the model failed', '_OTHER'],
    failure,
    get,
    ['vecstash breaker open', 'INTERNAL', 'ERROR', 'reads are refused for a while', '_OTHER'],
    failure,
    get,
    ['clear *', 'CLIENT', 'ERROR', 'the store failed', '_OTHER'],
    failure,
    ['vecstash breaker ended', 'INTERNAL', 'UNSET', undefined, undefined],
  ]);
  assert.equal(spans[0]?.attributes, {
    'vecstash.namespace': 'docs',
    'vecstash.operation': 'read',
    'error.type': '_OTHER',
  });
  assert.not.match(JSON.stringify(seen), 'private');
});

test('the store and the provider are named where the application names them', async () => {
  const { docs } = docsOf();
  const spans = await traced(() => docs.embed(['a']), { system: 'redis', provider: 'openai' });
  assert.equal(
    spans.map(({ attributes }) => attributes['db.system.name'] ?? attributes['gen_ai.provider.name']),
    ['redis', 'openai', 'redis'],
  );
});

test('a tracer that throws does not reach the cache', async () => {
  const stop = traceEvents({
    startSpan() {
      throw new Error('no more spans');
    },
  });
  try {
    assert.is((await docsOf().docs.embed(['a'])).length, 1);
  } finally {
    stop();
  }
});

test('what is no tracer is refused, and what is no option', () => {
  const refused = (error: unknown) => error instanceof InvalidInputError && error.field === 'tracer.startSpan';
  assert.throws(() => traceEvents({} as unknown as EventTracer), refused);
  assert.throws(() => traceEvents(undefined as unknown as EventTracer), refused);
  const isOption = (error: unknown) => error instanceof InvalidOptionError && error.option === 'system';
  assert.throws(() => traceEvents(tracer, { system: '' }), isOption);
});

test('nothing of OpenTelemetry is imported: it is the application that has it', () => {
  const source = readFileSync(new URL('../../src/observability/tracing.ts', import.meta.url), 'utf8');
  assert.not.match(source, /from '@opentelemetry|import\(/);
});

test.run();
