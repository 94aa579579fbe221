import * as v from 'valibot';
import { kindOf } from '../describe.js';
import { InvalidInputError } from '../errors.js';
import { type FailureEvent, type LookupEvent, type ModelEvent, quietly, type WriteEvent } from '../events.js';
import { checkOptions } from '../options.js';
import { listen } from './listen.js';
import { ALL } from './namespace-labels.js';
import { soundTokens } from './savings.js';

/** A `Tracer` of @opentelemetry/api: `trace.getTracer('vecstash')`. */
export interface EventTracer {
  startSpan(name: string, options: EventSpanOptions): EventSpan;
}

/** What a span is started with. Times are milliseconds since 1970. */
export interface EventSpanOptions {
  kind: number;
  startTime: number;
  attributes: Record<string, string | number>;
}

/** What is done with a span. */
export interface EventSpan {
  setStatus(status: { code: number; message?: string }): unknown;
  end(endTime: number): void;
}

export interface TraceEventsOptions {
  /** `db.system.name` of lookups and writes, such as 'redis'. @default 'vecstash' */
  system?: string | undefined;
  /** `gen_ai.provider.name` of the model's calls, such as 'openai'. @default left out */
  provider?: string | undefined;
}

// The numbers of SpanKind and SpanStatusCode: the package is the application's.
const INTERNAL = 0;
const CLIENT = 2;
const ERROR = 2;

/** `error.type` where nothing more is known that is one of few. */
const OTHER_ERROR = '_OTHER';

const optionsSchema = v.strictObject({
  system: v.optional(v.pipe(v.string(), v.nonEmpty('a name')), 'vecstash'),
  provider: v.optional(v.pipe(v.string(), v.nonEmpty('a name'))),
});

interface TracedEvent {
  name: string;
  kind?: number;
  durationMs?: number;
  attributes: Record<string, string | number>;
  /** Why the span is an error: its status' message. */
  error?: string;
}

/**
 * Makes OpenTelemetry spans of what all caches of this process tell, until the returned function is
 * called: lookups, writes, removals and calls of the model as they took, failures and breakers as
 * spans of no length. They are children of the span that is active where the call was made. Spans
 * hold no texts and no keys.
 *
 * Throws `InvalidInputError` for what is no tracer and `InvalidOptionError` for options it does not
 * take.
 */
export function traceEvents(tracer: EventTracer, options: TraceEventsOptions = {}): () => void {
  const kind = kindOf(tracer?.startSpan);
  if (kind !== 'function') throw new InvalidInputError('tracer.startSpan', 'a function', kind);
  const { system, provider } = checkOptions(optionsSchema, options, 'traceEvents options');

  /**
   * An event comes when its work has ended, in the context of the work: that is where the tracer
   * looks for the parent.
   */
  const trace = ({ name, kind = CLIENT, durationMs = 0, attributes, error }: TracedEvent) => {
    const endTime = Date.now();
    const errorType = error === undefined ? undefined : { 'error.type': OTHER_ERROR };
    const span = tracer.startSpan(name, {
      kind,
      startTime: endTime - durationMs,
      attributes: { ...attributes, ...errorType },
    });
    // Spans give nothing back that could fail later; what is no span may.
    quietly(() => span);
    if (error !== undefined) quietly(() => span.setStatus({ code: ERROR, message: error }));
    quietly(() => span.end(endTime));
  };
  const store = (operation: string, namespace = ALL, size = 1) => ({
    'db.system.name': system,
    'db.operation.name': operation,
    'db.collection.name': namespace,
    // By the conventions a batch has at least two.
    ...(size > 1 && { 'db.operation.batch.size': size }),
  });

  return listen({
    lookup({ namespace, outcomes, bytes, durationMs }: LookupEvent) {
      const count = (meant: string) => outcomes.reduce((sum, outcome) => sum + (outcome === meant ? 1 : 0), 0);
      const attributes = {
        ...store('get', namespace, outcomes.length),
        'vecstash.keys': outcomes.length,
        'vecstash.hits': count('hit'),
        'vecstash.misses': count('miss'),
        'vecstash.corrupt': count('corrupt'),
        'vecstash.bytes': bytes,
      };
      trace({ name: `get ${namespace}`, durationMs, attributes });
    },
    write({ namespace = ALL, operation, entries, bytes, durationMs, ok }: WriteEvent) {
      const attributes = {
        ...store(operation, namespace, operation === 'clear' ? 1 : entries),
        'vecstash.entries': entries,
        'vecstash.bytes': bytes,
      };
      trace({ name: `${operation} ${namespace}`, durationMs, attributes, ...(!ok && { error: 'the store failed' }) });
    },
    model({ namespace, model, inputs, tokens: told, durationMs, ok }: ModelEvent) {
      const tokens = soundTokens(told);
      const attributes = {
        'gen_ai.operation.name': 'embeddings',
        'gen_ai.request.model': model,
        ...(provider !== undefined && { 'gen_ai.provider.name': provider }),
        ...(tokens !== undefined && { 'gen_ai.usage.input_tokens': tokens }),
        'vecstash.namespace': namespace,
        'vecstash.inputs': inputs,
      };
      trace({ name: `embeddings ${model}`, durationMs, attributes, ...(!ok && { error: 'the model failed' }) });
    },
    // What failed may have been answered otherwise: the call's own span says how it ended.
    failure({ namespace = ALL, operation, error }: FailureEvent) {
      const attributes = { 'vecstash.namespace': namespace, 'vecstash.operation': operation };
      trace({ name: 'vecstash failure', kind: INTERNAL, attributes, error });
    },
    breaker({ what, state }) {
      const attributes = { 'vecstash.breaker': what };
      const error = state === 'open' ? { error: `${what} are refused for a while` } : {};
      trace({ name: `vecstash breaker ${state}`, kind: INTERNAL, attributes, ...error });
    },
  });
}
