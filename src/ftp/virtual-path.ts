/**
 * Paths as clients say them, normalised once: absolute, `/a/b`, no trailing slash, `..` never above `/`.
 * A backslash is an ordinary character; there is no `~`, and no globbing but that of listings (name-pattern.ts).
 */
export const LONGEST_COMPONENT_BYTES = 255;
export const LONGEST_PATH_BYTES = 4096;

/** Names of ours on the volume, invisible to clients. */
const RESERVED_PREFIX = '.cloudroid';

export class PathProblem extends Error {
  override readonly name = 'PathProblem';
}

/** @throws PathProblem when a component or the whole is too long. */
export function resolvePath(
  workingDirectory: string,
  argument: string,
  longestBytes: number = LONGEST_PATH_BYTES,
): string {
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
  if (Buffer.byteLength(path) > longestBytes) {
    throw new PathProblem(`A path may have at most ${longestBytes} bytes.`);
  }
  return path;
}

/**
 * What would make a name look like another one in a listing, or break the listing: line and paragraph separators end a
 * line in many programs; embeddings, overrides and isolates show `photo<RLO>gpj.exe` as `photoexe.jpg`. The directional
 * marks (U+200E, U+200F, U+061C) are in honest Arabic and Hebrew names and reorder nothing but punctuation.
 */
const MISLEADING = /[\u2028\u2029\u202a-\u202e\u2066-\u2069]/;

/**
 * Why nothing new may get this name, null when it may. Only for making: what is there already, put by other ways, can
 * be listed, read, renamed and deleted. Control characters and invalid UTF-8 never come so far (command.ts).
 *
 * Spaces before and behind a name are kept, as vsftpd keeps them; a name of nothing but white space is a program's
 * mistake that most clients could not even show.
 */
export function refusedForNewName(path: string): string | null {
  const name = baseName(path);
  if (MISLEADING.test(name)) return 'A name may not have characters that change how a listing is read.';
  return name !== '' && name.trim() === '' ? 'A name may not be of spaces only.' : null;
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
