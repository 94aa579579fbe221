import * as v from 'valibot';
import { describeValue } from './describe.js';
import { InvalidOptionError } from './errors.js';
import { TTL_EXPECTED, type Ttl, ttlMilliseconds } from './ttl.js';

/** A TTL option; the checked options hold its milliseconds. */
export const ttlSchema = v.pipe(
  v.custom<Ttl>((value) => ttlMilliseconds(value) !== undefined, TTL_EXPECTED),
  v.transform((value) => ttlMilliseconds(value) as number),
);

/** An option that counts bytes: a whole number of at least 1. */
export const bytesSchema = v.pipe(
  v.number('a number of bytes'),
  v.safeInteger('a whole number of bytes'),
  v.minValue(1, 'at least 1 byte'),
);

/** An option that is on, with all defaults (`true`), off (`false`), or says how. */
export function switchable<Input, Output>(schema: v.GenericSchema<Input, Output>) {
  const flag = v.pipe(
    v.boolean(),
    v.transform((isOn): Output | undefined => (isOn ? v.parse(schema, {}) : undefined)),
  );
  return v.optional(
    // Lazy, so that a wrong field of an object is named, and not the object.
    v.lazy((value): typeof flag | typeof schema => (typeof value === 'boolean' ? flag : schema)),
  );
}

/**
 * Checks options against a `v.strictObject` schema and returns its output. Throws
 * `InvalidOptionError` for the first thing that is wrong, an unknown option name included. A
 * message that a schema was given is the phrase after "expected".
 *
 * @param what names the options where they are no object at all, such as `'MemoryBackend options'`
 */
export function checkOptions<Schema extends v.GenericSchema>(
  schema: Schema,
  value: unknown,
  what: string,
): v.InferOutput<Schema> {
  // For valibot an array is an object like any other.
  if (Array.isArray(value)) throw new InvalidOptionError(what, 'an object', 'an array');
  const result = v.safeParse(schema, value, { message: expectedOf });
  if (result.success) return result.output;
  const issue = result.issues[0];
  const option = v.getDotPath(issue) ?? what;
  const path = (issue.path ?? []).map((item) => item.key);
  if (issue.type === 'strict_object' && issue.expected === 'never') {
    const known = Object.keys(schemaAt(schema, path.slice(0, -1))?.entries ?? {});
    const expected = known.length > 0 ? `one of ${known.join(', ')}` : 'no option of this name';
    throw new InvalidOptionError(option, expected, 'an unknown option name');
  }
  throw new InvalidOptionError(
    option,
    missing(schema, path, issue) ?? issue.message,
    describeValue(issue.input, option),
  );
}

interface SchemaNode extends v.GenericSchema {
  /** An object's properties. */
  entries?: Record<string, SchemaNode>;
  /** What is optional. */
  wrapped?: SchemaNode;
}

/** What a schema says of the value at a path, where it is made of objects so far. */
function schemaAt(schema: SchemaNode, path: unknown[]): SchemaNode | undefined {
  let node: SchemaNode | undefined = schema;
  for (const key of path) node = (node?.wrapped ?? node)?.entries?.[String(key)];
  return node?.wrapped ?? node;
}

/**
 * What is expected where a required option is missing: of that valibot's issue only tells the name.
 */
function missing(schema: SchemaNode, path: unknown[], issue: v.BaseIssue<unknown>): string | undefined {
  if (issue.type !== 'strict_object' || issue.received !== 'undefined' || path.length === 0) return undefined;
  const required = schemaAt(schema, path);
  return required && v.safeParse(required, undefined, { message: expectedOf }).issues?.[0].message;
}

function expectedOf(issue: v.BaseIssue<unknown>): string {
  if (issue.expected === null) return `something else (${issue.requirement ?? issue.type})`;
  return issue.expected.replace(/^Object$/, 'an object').replace(/^Function$/, 'a function');
}
