import type { BackendFill, CacheBackend } from '../backend.js';

/** The names of the optional members of a type. */
type OptionalKeys<T> = { [Key in keyof T]-?: object extends Pick<T, Key> ? Key : never }[keyof T];

/** What a backend may have beside what every backend has. */
export type Capability = OptionalKeys<CacheBackend>;

/**
 * What becomes of each optional member of `CacheBackend` in a backend that stands before another
 * one, or undefined where there is none. A member that is added to the interface does not compile
 * until every such backend says what becomes of it.
 */
export type Capabilities = { readonly [Name in Capability]-?: CacheBackend[Name] | undefined };

/** The same for what `CacheBackend.fill` hands to its work. */
export type FillMembers = { readonly [Name in keyof BackendFill]-?: BackendFill[Name] | undefined };

/**
 * Makes own properties of those that there are: the absence of the others says that the backend has
 * none.
 */
export function assignCapabilities(target: CacheBackend, capabilities: Capabilities): void {
  Object.assign(target, present(capabilities));
}

/** A fill of those members that there are. */
export function fillOf(members: FillMembers): BackendFill {
  return present(members) as unknown as BackendFill;
}

function present(members: object): Record<string, unknown> {
  return Object.fromEntries(Object.entries(members).filter(([, member]) => member !== undefined));
}
