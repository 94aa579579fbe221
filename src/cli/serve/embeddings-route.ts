import type { CreateCall, Looked } from '../../adapters/openai/cached-create.js';
import { type EmbeddingsRequest, readRequest } from '../../adapters/openai/request.js';
import type { Form } from '../../cache/answers.js';
import { clearTimeout, setTimeout } from '../../runtime.js';
import type { AcceptedKeys } from './accepted-keys.js';
import { AnswerWriter } from './answer.js';
import { parseBody } from './body.js';
import { answerable, HttpError, timeoutError, UpstreamError } from './errors.js';
import type { Exchange } from './exchange.js';
import { type Caller, callerOf, identityOf } from './identity.js';
import type { Counts } from './metrics.js';
import type { Upstream } from './upstream.js';

/** Looks vectors up, and asks for what is missing. */
export type Find = (
  request: EmbeddingsRequest,
  call: Omit<CreateCall, 'provider'> & {
    /** Part of the keys; '' where all callers share. */
    identity: string;
  },
  form: Form<Buffer>,
) => Promise<Looked<Buffer>>;

export interface EmbeddingsParts {
  find: Find;
  upstream: Upstream;
  accepted: AcceptedKeys;
  /** What callers' identities are made with. */
  secret: () => Uint8Array;
  isShared: boolean;
  maxInputs: number;
  timeoutMs: number;
  counts: Counts | undefined;
}

/** How often a caller asks again where what he waited for failed with the key of another. */
const MAX_JOINS = 2;

/** `POST /v1/embeddings`. */
export class EmbeddingsRoute {
  readonly #parts: EmbeddingsParts;
  readonly #writer = new AnswerWriter();
  readonly #checks = new Set<AbortController>();

  constructor(parts: EmbeddingsParts) {
    this.#parts = parts;
  }

  async answer({ request, response, search, signal }: Exchange, body: Buffer): Promise<void> {
    const { upstream, accepted, secret, counts } = this.#parts;
    const caller = callerOf(request.headers, search);
    const wanted = this.#read(body);
    if (wanted === undefined) {
      const sent = { method: 'POST', body, type: request.headers['content-type'] };
      return upstream.pass('/embeddings', sent, caller, signal, response);
    }
    const identity = identityOf(caller, secret());
    const scope = this.#scope(caller, identity);
    const check = () => this.#check(wanted, caller, scope);
    const isChecked = await accepted.ensure(identity, wanted.model, check, signal);
    const found = await this.#find(wanted, caller, scope, signal);
    const [first] = wanted.inputs;
    // What the check asked for was no hit, wherever it is by now.
    const hits = found.found.filter((isHit, i) => isHit && !(isChecked && wanted.inputs[i] === first)).length;
    const misses = wanted.inputs.length - hits;
    counts?.inputs(hits, misses);
    const parts = this.#writer.write(found);
    const length = parts.reduce((sum, part) => sum + part.length, 0);
    response.setHeader('x-vecstash-hits', hits).setHeader('x-vecstash-misses', misses);
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': length });
    response.cork();
    for (const part of parts) response.write(part);
    response.end();
  }

  /** Undefined where the request is the upstream's to answer. */
  #read(body: Buffer): EmbeddingsRequest | undefined {
    const { maxInputs } = this.#parts;
    const wanted = readRequest(parseBody(body));
    if (wanted === undefined || wanted.inputs.length <= maxInputs) return wanted;
    throw new HttpError(400, `input: at most ${maxInputs} inputs in one request`, 'too_many_inputs', 'input');
  }

  /** Ends the checks that are under way: their callers have been cut off. */
  abandonChecks(): void {
    for (const check of this.#checks) check.abort(new HttpError(503, 'vecstash serve has ended'));
  }

  /**
   * Asks the upstream for the first input by the caller's own key. It answers whoever else has the
   * key as well, so that the caller's going does not end it. What it brings is stored, unless keys
   * share their entries: there it would wait for what others ask with theirs.
   */
  async #check(wanted: EmbeddingsRequest, caller: Caller, scope: string): Promise<void> {
    const { find, isShared, timeoutMs, counts } = this.#parts;
    const first = { ...wanted, inputs: wanted.inputs.slice(0, 1) };
    const check = new AbortController();
    const timer = setTimeout(() => check.abort(timeoutError(timeoutMs)), timeoutMs);
    this.#checks.add(check);
    const call = { ask: this.#ask(caller), identity: scope, signal: check.signal };
    try {
      await find(first, { ...call, refresh: !isShared, bypass: isShared }, this.#formOf(wanted));
      counts?.check(true);
    } catch (error) {
      const told = answerable(error);
      if (told instanceof UpstreamError && told.isRefusal) counts?.check(false);
      throw told;
    } finally {
      clearTimeout(timer);
      this.#checks.delete(check);
    }
  }

  /**
   * Where keys are shared a caller may wait for what another asked with a worse key: then he asks
   * himself.
   */
  async #find(wanted: EmbeddingsRequest, caller: Caller, scope: string, signal: AbortSignal): Promise<Looked<Buffer>> {
    const { find, isShared } = this.#parts;
    const form = this.#formOf(wanted);
    for (let joins = 0; ; joins++) {
      const own = new Set<unknown>();
      const ask = this.#ask(caller, own);
      try {
        const call = { ask, identity: scope, signal, bypass: joins === MAX_JOINS };
        return await find(wanted, call, form);
      } catch (error) {
        const told = answerable(error);
        const isOthers = isShared && !own.has(told);
        if (told instanceof UpstreamError && isOthers && joins < MAX_JOINS) continue;
        throw told;
      }
    }
  }

  #ask(caller: Caller, failures?: Set<unknown>) {
    return async (body: object, signal: AbortSignal) => {
      try {
        return await this.#parts.upstream.embeddings(body, caller, signal);
      } catch (error) {
        failures?.add(error);
        throw error;
      }
    };
  }

  #formOf({ encoding }: EmbeddingsRequest): Form<Buffer> {
    return this.#writer.form(encoding === 'base64');
  }

  /**
   * What keeps the entries of callers apart. Shared ones are of one query string each: it may say
   * what vectors are made by.
   */
  #scope({ search }: Caller, identity: string): string {
    const { isShared, secret } = this.#parts;
    if (!isShared) return identity;
    return search === '' ? '' : identityOf({ headers: {}, search }, secret());
  }
}
