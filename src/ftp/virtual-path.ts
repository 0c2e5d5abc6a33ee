/**
 * Paths as clients say them, normalised once: absolute, `/a/b`, no trailing slash, `..` never above `/`.
 * A backslash is an ordinary character; there is no globbing and no `~`.
 */
export const LONGEST_COMPONENT_BYTES = 255;
export const LONGEST_PATH_BYTES = 4096;

/** Names of ours on the volume, invisible to clients. */
const RESERVED_PREFIX = '.cloudroid';

export class PathProblem extends Error {
  override readonly name = 'PathProblem';
}

/** @throws PathProblem when a component or the whole is too long. */
export function resolvePath(workingDirectory: string, argument: string): string {
  const components: string[] = [];
  const all = argument.startsWith('/') ? argument : `${workingDirectory}/${argument}`;
  for (const component of all.split('/')) {
    if (component === '' || component === '.') continue;
    if (component === '..') {
      components.pop();
      continue;
    }
    if (Buffer.byteLength(component) > LONGEST_COMPONENT_BYTES) {
      throw new PathProblem(`A name may have at most ${LONGEST_COMPONENT_BYTES} bytes.`);
    }
    components.push(component);
  }
  const path = `/${components.join('/')}`;
  if (Buffer.byteLength(path) > LONGEST_PATH_BYTES) {
    throw new PathProblem(`A path may have at most ${LONGEST_PATH_BYTES} bytes.`);
  }
  return path;
}

/** Case does not matter: a volume may lie on a file system that folds it. */
export function isReservedName(name: string): boolean {
  return name.toLowerCase().startsWith(RESERVED_PREFIX);
}

export function isReserved(path: string): boolean {
  return path.split('/').some(isReservedName);
}

/** `/` for `/a` and for `/`. */
export function parentOf(path: string): string {
  const slash = path.lastIndexOf('/');
  return slash <= 0 ? '/' : path.slice(0, slash);
}

/** The last component; '' for `/`. */
export function baseName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}
