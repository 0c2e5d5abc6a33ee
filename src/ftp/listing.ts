/** One entry as a line of LIST, NLST, MLSD and MLST. */

import { formatTimestamp } from './timestamp.ts';
import { baseName } from './virtual-path.ts';

/** What a listing says of one file or directory. */
export interface ListedEntry {
  readonly path: string;
  readonly kind: 'file' | 'directory';
  readonly size: number;
  readonly sha256: string;
  /** Milliseconds since 1970. */
  readonly mtime: number;
}

export type Fact = 'type' | 'size' | 'modify' | 'perm' | 'UNIX.mode' | 'x.sha256';
/** RFC 3659 section 7.5; x.sha256 only for those who ask (OPTS MLST), because it makes a listing three times as long. */
export const FACTS: readonly Fact[] = ['type', 'size', 'modify', 'perm', 'UNIX.mode', 'x.sha256'];
export const DEFAULT_FACTS: readonly Fact[] = ['type', 'size', 'modify', 'perm', 'UNIX.mode'];

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
/** A listing has as many dates as a folder has files. */
const TWO = Array.from({ length: 60 }, (_, value) => String(value).padStart(2, '0'));
const HALF_A_YEAR_MS = 182 * 24 * 3600 * 1000;

/** `ls -l` in UTC, the form every client parses; older or future entries show the year instead of the time. */
export function listLine(entry: ListedEntry, now: number): string {
  const mode = entry.kind === 'directory' ? 'drwxr-xr-x' : '-rw-r--r--';
  const links = entry.kind === 'directory' ? 2 : 1;
  const size = String(entry.size).padStart(12);
  return `${mode}    ${links} ftp      ftp      ${size} ${listDate(entry.mtime, now)} ${baseName(entry.path)}\r\n`;
}

const DAY_MS = 24 * 3600 * 1000;

function listDate(mtime: number, now: number): string {
  const day = Math.floor(mtime / DAY_MS);
  const date = new Date(day * DAY_MS);
  const text = `${MONTHS[date.getUTCMonth()]} ${TWO[date.getUTCDate()]}`;
  const recent = mtime > now - HALF_A_YEAR_MS && mtime <= now + DAY_MS;
  if (!recent) return `${text}  ${date.getUTCFullYear()}`;
  const minute = Math.floor((mtime - day * DAY_MS) / 60_000);
  return `${text} ${TWO[Math.floor(minute / 60)]}:${TWO[minute % 60]}`;
}

export function nameLine(name: string): string {
  return `${name}\r\n`;
}

/** RFC 3659 section 7.2: facts, one space, the name. */
export function factsLine(entry: ListedEntry, facts: readonly Fact[], name: string, writable = true): string {
  return `${factsOf(entry, facts, writable)} ${name}\r\n`;
}

/** `writable`: whether the fact perm names what changes something. */
export function factsOf(entry: ListedEntry, facts: readonly Fact[], writable = true): string {
  let text = '';
  for (const fact of facts) {
    const value = factValue(entry, fact, writable);
    if (value !== null) text += `${fact}=${value};`;
  }
  return text;
}

/** Null where a fact does not apply. */
function factValue(entry: ListedEntry, fact: Fact, writable: boolean): string | null {
  const directory = entry.kind === 'directory';
  switch (fact) {
    case 'type':
      return directory ? 'dir' : 'file';
    case 'size':
      return directory ? null : String(entry.size);
    case 'modify':
      return formatTimestamp(entry.mtime);
    case 'perm':
      if (!writable) return directory ? 'el' : 'r';
      if (entry.path === '/') return 'celm';
      return directory ? 'cdeflmp' : 'adfrw';
    case 'UNIX.mode':
      return directory ? '0755' : '0644';
    case 'x.sha256':
      return directory ? null : entry.sha256;
  }
}
