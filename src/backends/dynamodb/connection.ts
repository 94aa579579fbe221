import type { DynamoDBClient, DynamoDBClientConfig } from '@aws-sdk/client-dynamodb';
import * as v from 'valibot';
import loadClientDynamoDB from '#optional/client-dynamodb';
import { requestWithTimeout } from '../../async/timeout.js';
import { BackendError, InvalidOptionError } from '../../errors.js';
import { ttlSchema } from '../../options.js';
import { packageProblem } from '../../packages.js';
import type { Ttl } from '../../ttl.js';

export interface DynamoDBConnectionOptions {
  /** The table's name, or its ARN. */
  table: string;
  /**
   * Your own DynamoDBClient, with your own credentials, retries and timeouts. It is never destroyed
   * here.
   */
  client?: DynamoDBClient | undefined;
  /**
   * The table's AWS region. Not beside a client.
   * @default what the SDK finds in AWS_REGION or in the profile
   */
  region?: string | undefined;
  /**
   * The URL of a server that is not AWS's own, such as DynamoDB Local; it needs a region and
   * credentials all the same. Not beside a client.
   * @default AWS's endpoint for the region
   */
  endpoint?: string | undefined;
  /**
   * How long a request may take, with the SDK's retries of it, and with ours of what DynamoDB left
   * unprocessed of a batch.
   * @default 5000 (5 s)
   */
  requestTimeout?: Ttl | undefined;
}

/** The options of a connection, checked. */
export const connectionEntries = {
  table: v.pipe(
    v.string('the name of a table'),
    v.regex(/^([\w.-]{3,255}|arn:.{1,1020})$/, 'a name of 3 to 255 letters, digits, _, . and -, or an ARN'),
  ),
  client: v.optional(v.custom<DynamoDBClient>(isClient, 'a DynamoDBClient of @aws-sdk/client-dynamodb')),
  region: v.optional(v.pipe(v.string('an AWS region'), v.minLength(1, 'an AWS region'))),
  endpoint: v.optional(
    v.pipe(v.string('a URL'), v.regex(/^https?:\/\//, 'a URL that starts with http:// or https://')),
  ),
  requestTimeout: v.optional(ttlSchema, 5000),
};

type CheckedOptions = v.InferOutput<v.ObjectSchema<typeof connectionEntries, undefined>>;

/**
 * How often the SDK sends a request that was throttled or met a fault of the server or the network:
 * within one request's time.
 */
const MAX_ATTEMPTS = 3;

/**
 * How long an own client's attempt to connect may take, in milliseconds: short enough for another
 * one.
 */
const CONNECT_TIMEOUT = 1000;

/**
 * The SDK, the client that a backend uses (its own, or the user's, left as it is) and the time that
 * a request may take.
 */
export class DynamoDBConnection {
  readonly sdk: typeof import('@aws-sdk/client-dynamodb');
  readonly client: DynamoDBClient;
  readonly table: string;
  readonly #isOwn: boolean;
  readonly #requestTimeout: number;

  /** Opens no connection yet. Throws `BackendError` where the SDK is not installed. */
  constructor({ table, client, region, endpoint, requestTimeout }: CheckedOptions) {
    for (const [name, value] of Object.entries({ region, endpoint })) {
      if (client && value !== undefined) throw new InvalidOptionError(name, `no ${name} beside a client`, 'both');
    }
    this.sdk = loadSdk();
    this.table = table;
    this.#isOwn = client === undefined;
    this.#requestTimeout = requestTimeout;
    this.client = client ?? new this.sdk.DynamoDBClient(this.#config(region, endpoint));
  }

  /**
   * Runs what sends requests. Rejects as soon as a request's time is over or `outer` is aborted,
   * whatever becomes of the work: looking for credentials, for one, heeds no signal.
   */
  inTime<T>(work: (signal: AbortSignal) => Promise<T>, outer?: AbortSignal): Promise<T> {
    return requestWithTimeout(work, { timeoutMs: this.#requestTimeout, signal: outer, error: timeOver });
  }

  /** Ends an own client's connections. */
  close(): void {
    if (this.#isOwn) this.client.destroy();
  }

  #config(region: string | undefined, endpoint: string | undefined): DynamoDBClientConfig {
    return {
      ...(region !== undefined && { region }),
      ...(endpoint !== undefined && { endpoint }),
      maxAttempts: MAX_ATTEMPTS,
      requestHandler: { connectionTimeout: CONNECT_TIMEOUT },
    };
  }
}

function timeOver(): Error {
  return Object.assign(new Error(), { name: 'TimeoutError' });
}

function isClient(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const { send, destroy, config } = value as Record<string, unknown>;
  return typeof send === 'function' && typeof destroy === 'function' && typeof config === 'object';
}

/**
 * Loads the SDK at once: it takes a quarter of a second, and where that is put off it makes the
 * first read miss its deadline.
 */
function loadSdk(): typeof import('@aws-sdk/client-dynamodb') {
  try {
    return loadClientDynamoDB() as typeof import('@aws-sdk/client-dynamodb');
  } catch (error) {
    throw new BackendError(packageProblem('DynamoDB', '@aws-sdk/client-dynamodb', error), { cause: error });
  }
}
