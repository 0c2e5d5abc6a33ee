/**
 * The three functions of the package reflect-metadata that tsyringe, which @peculiar/x509 is built on, refuses to load
 * without. x509 registers its algorithms by factory and asks for no constructor types, so storing is all it takes.
 * Must be imported before @peculiar/x509. Does nothing where the real package is loaded.
 */
type Metadata = Map<unknown, unknown>;

const stored = new WeakMap<object, Metadata>();

function getOwnMetadata(key: unknown, target: object): unknown {
  return stored.get(target)?.get(key);
}

function getMetadata(key: unknown, target: object): unknown {
  for (let at: object | null = target; at !== null; at = Reflect.getPrototypeOf(at)) {
    const found = stored.get(at);
    if (found?.has(key)) return found.get(key);
  }
  return undefined;
}

function defineMetadata(key: unknown, value: unknown, target: object): void {
  const known = stored.get(target) ?? new Map();
  stored.set(target, known.set(key, value));
}

if (!('getMetadata' in Reflect)) Object.assign(Reflect, { getOwnMetadata, getMetadata, defineMetadata });
