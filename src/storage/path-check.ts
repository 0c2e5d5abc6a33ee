/** Which virtual paths a store takes. The proxy checks too; a store trusts nobody. */
import { isAccountPath } from '../replication/account-path.ts';
import { Refusal } from '../replication/operation.ts';

/** The store's own directory on the volume, and the prefix of all names that are refused. */
export const INTERNAL_NAME = '.cloudroid';

const MAX_NAME_BYTES = 255;
/** PATH_MAX of Linux with its NUL; the volume's own path counts too. */
const MAX_DISK_PATH_BYTES = 4095;

/** Throws Refusal: invalid for what is no normalised absolute path, forbidden-name for what no disk should hold. */
export function checkPath(path: unknown, filesDir: string): asserts path is string {
  if (typeof path !== 'string' || !path.startsWith('/') || path === '/') {
    throw new Refusal(
      'invalid',
      'not a path of a file or directory',
      typeof path === 'string' ? { path } : {},
    );
  }
  if (!path.isWellFormed()) throw new Refusal('forbidden-name', 'a name must be valid UTF-8', { path });
  for (const name of path.slice(1).split('/')) {
    if (name === '' || name === '.' || name === '..') {
      throw new Refusal('invalid', 'the path is not normalised', { path });
    }
    if (name.startsWith(INTERNAL_NAME)) {
      throw new Refusal('forbidden-name', `names that begin with ${INTERNAL_NAME} are reserved`, { path });
    }
    if (/[\0\r\n]/.test(name))
      throw new Refusal('forbidden-name', 'NUL, CR and LF cannot be in a name', { path });
    if (Buffer.byteLength(name) > MAX_NAME_BYTES) {
      throw new Refusal('forbidden-name', `a name is longer than ${MAX_NAME_BYTES} bytes`, { path });
    }
  }
  // A shadowed file moves to a conflict name in the same directory: leave room for the longest.
  const slash = path.lastIndexOf('/');
  if (Buffer.byteLength(filesDir + path.slice(0, slash + 1)) + MAX_NAME_BYTES > MAX_DISK_PATH_BYTES) {
    throw new Refusal('forbidden-name', 'the path is too long for this member', { path });
  }
}

/** The same for a file that may be an account: one path of the reserved ones is its place. */
export function checkFilePath(path: unknown, filesDir: string): asserts path is string {
  if (typeof path === 'string' && isAccountPath(path)) return;
  checkPath(path, filesDir);
}

/**
 * What is made anew here: reserved names in no spelling, for another member's disk may fold case. What is there already
 * can be deleted.
 */
export function checkNewPath(path: unknown, filesDir: string): asserts path is string {
  checkPath(path, filesDir);
  if (path.toLowerCase().includes(`/${INTERNAL_NAME}`)) {
    throw new Refusal('forbidden-name', `names that begin with ${INTERNAL_NAME} are reserved`, { path });
  }
}
