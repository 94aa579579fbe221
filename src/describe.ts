/**
 * A short account of a refused value for an error's message. What may be a secret, going by the
 * option's name, and everything long is told by its type alone.
 */
export function describeValue(value: unknown, option: string): string {
  if (value === null || value === undefined || typeof value === 'boolean' || typeof value === 'number') {
    return String(value);
  }
  if (typeof value === 'string') {
    const isTellable = value.length <= 40 && !/secret|password|token|key|url|auth/i.test(option);
    return isTellable ? JSON.stringify(value) : 'a string';
  }
  if (Array.isArray(value)) return 'an array';
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}

/** The type of a value whose content may not be told: what `typeof` says, and null by its name. */
export function kindOf(value: unknown): string {
  return value === null ? 'null' : typeof value;
}

/**
 * What stands in an error that may be told: no text of an input, a key or a value looks like these.
 */
const NAME = /^[A-Za-z_$][\w$.]{0,63}$/;
const CODE = /^[\w.:-]{1,64}$/;

/** How many causes of causes are told. */
const MAX_CAUSES = 3;

/**
 * What may be told of somebody else's error: a plain `Error` with its name, code, HTTP status and
 * the frames of its stack, and the same of its cause. Its message and everything else on it may
 * hold texts, such as the body of a request.
 */
export function redactedError(error: unknown, depth = 0): Error {
  const { name, code, status, cause, frames } = safely(() => partsOf(error)) ?? {};
  const parts = [
    name ?? 'Error',
    code !== undefined && `code ${code}`,
    status !== undefined && `HTTP status ${status}`,
  ];
  const message =
    typeof error === 'object' && error !== null ? parts.filter(Boolean).join(', ') : `a ${kindOf(error)} was thrown`;
  const isCauseTold = cause !== undefined && depth < MAX_CAUSES;
  const redacted = new Error(message, isCauseTold ? { cause: redactedError(cause, depth + 1) } : undefined);
  redacted.name = name ?? 'Error';
  redacted.stack = `${redacted.name}: ${message}${frames ?? ''}`;
  return Object.assign(redacted, code !== undefined && { code }, status !== undefined && { status });
}

function partsOf(error: unknown) {
  if (typeof error !== 'object' || error === null) return {};
  const { name, code, cause, message, stack } = error as Record<string, unknown>;
  return {
    name: typeof name === 'string' && NAME.test(name) ? name : undefined,
    code:
      (typeof code === 'string' && CODE.test(code)) || Number.isSafeInteger(code)
        ? (code as string | number)
        : undefined,
    status: httpStatusOf(error as Record<string, unknown>),
    cause: typeof cause === 'object' && cause !== null && cause !== error ? cause : undefined,
    frames: framesOf(stack, message),
  };
}

/** The HTTP status of an error, as clients and SDKs have it on theirs. Throws where its properties do. */
export function httpStatusOf({ status, statusCode, response }: Record<string, unknown>): number | undefined {
  const told = [status, statusCode, (response as { status?: unknown } | undefined)?.status];
  return told.find(isStatus) as number | undefined;
}

function isStatus(value: unknown): boolean {
  return Number.isInteger(value) && (value as number) >= 100 && (value as number) <= 599;
}

/** The lines of a stack that stand behind its message, where that can be found. */
function framesOf(stack: unknown, message: unknown): string | undefined {
  if (typeof stack !== 'string' || typeof message !== 'string') return undefined;
  const start = stack.indexOf(message);
  if (start < 0) return undefined;
  const lines = stack
    .slice(start + message.length)
    .split('\n')
    .slice(1);
  const frames = lines.filter((line) => /^ {4}at [^\n]{1,300}$/.test(line));
  return frames.map((line) => `\n${line}`).join('');
}

function safely<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch {
    return undefined;
  }
}
