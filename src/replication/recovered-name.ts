/**
 * Where a file goes that a member whose catalog was lost found on its disk, when the others have another one under its
 * name: `<stem>.recovered-<UTC of its modification time><.ext>`, and with a mark when that name is taken as well.
 */
import { cutToBytes, extensionOf, utcOf } from './conflict-name.ts';

const MAX_NAME_BYTES = 255;

/** The virtual path, in the same directory. `mark`: of the content, for a name of its own. */
export function recoveredPath(path: string, mtime: number, mark = ''): string {
  const slash = path.lastIndexOf('/') + 1;
  const name = path.slice(slash);
  const extension = extensionOf(name);
  const stem = name.slice(0, name.length - extension.length);
  const suffix = `.recovered-${utcOf(mtime)}${mark === '' ? '' : `-${mark}`}${extension}`;
  return path.slice(0, slash) + cutToBytes(stem, MAX_NAME_BYTES - Buffer.byteLength(suffix)) + suffix;
}
