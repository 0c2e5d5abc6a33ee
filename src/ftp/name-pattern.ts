/**
 * `*` and `?` in the last part of the argument of a listing: `mget *.jpg` of tnftp, inetutils and ftp.exe leaves the
 * matching to the server. Nothing else is a pattern: no `[`, no `{`, no `**`, no folder with wildcards.
 *
 * The class of attacks that globbing is known for needs patterns that expand, nest or go down a tree (CVE-2001-0247,
 * CVE-2010-2632, CVE-2011-0418). Here one folder is read once, as for any listing, and a name costs at most the length
 * of the pattern times its own, both of at most 255 bytes: no recursion, nothing is kept.
 */
import { baseName, parentOf } from './virtual-path.ts';

export interface NamePattern {
  /** The folder to read. */
  readonly directory: string;
  matches(name: string): boolean;
}

/** The pattern in a normalised path; null when its last component has none. */
export function namePattern(path: string): NamePattern | null {
  const pattern = baseName(path);
  if (!/[*?]/.test(pattern)) return null;
  const wanted = Array.from(pattern);
  return {
    directory: parentOf(path),
    // As shells and vsftpd have it: hidden names only for who asks for them.
    matches: (name) =>
      (!name.startsWith('.') || pattern.startsWith('.')) && matches(wanted, Array.from(name)),
  };
}

/** When a character does not fit, only the last `*` takes one more: an earlier one could not do better. */
function matches(pattern: readonly string[], name: readonly string[]): boolean {
  let at = 0;
  let star = -1;
  let resumeAt = 0;
  for (let index = 0; index < name.length; ) {
    if (pattern[at] === '*') {
      star = at++;
      resumeAt = index;
    } else if (pattern[at] === '?' || pattern[at] === name[index]) {
      at += 1;
      index += 1;
    } else if (star >= 0) {
      at = star + 1;
      resumeAt += 1;
      index = resumeAt;
    } else {
      return false;
    }
  }
  while (pattern[at] === '*') at += 1;
  return at === pattern.length;
}
