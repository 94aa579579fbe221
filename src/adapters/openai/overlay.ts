type AnyFunction = (...args: unknown[]) => unknown;

/**
 * An object that is `target` in everything but `own`. Methods of the target run on the target
 * itself, so that its private fields are there; what is set is set on it.
 */
export function overlay<T extends object>(target: T, own: Record<PropertyKey, unknown>): T {
  const methods = new WeakMap<AnyFunction, AnyFunction>();
  const onTarget = (method: AnyFunction) => {
    // A proxy, so that what lies on the function, such as a spy's calls, is seen.
    const known =
      methods.get(method) ??
      new Proxy(method, { apply: (fn, self, args) => Reflect.apply(fn, self === proxy ? target : self, args) });
    methods.set(method, known);
    return known;
  };
  const proxy: T = new Proxy(target, {
    get(_, name) {
      if (Object.hasOwn(own, name)) return own[name];
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' && name !== 'constructor' ? onTarget(value as AnyFunction) : value;
    },
    set(_, name, value) {
      if (Object.hasOwn(own, name)) own[name] = value;
      else return Reflect.set(target, name, value, target);
      return true;
    },
  });
  return proxy;
}
