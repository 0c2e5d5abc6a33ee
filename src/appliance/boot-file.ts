/** The lines of cloudroid.txt: `key = value`, `#` begins a comment line, keys in any case; and their blanking out. */
import { nearest } from '../config/nearest.ts';
import { escapeControls } from '../system/log-line.ts';
import { type BootKey, bootKeys, isBootKey, secretKeys } from './boot-keys.ts';

/** What could not be used, for somebody who looks at the card with a PC. */
export interface Problem {
  /** From 1; null: about no line in particular. */
  readonly line: number | null;
  /** What stands there, or what it is about. */
  readonly text: string;
  readonly expected: string;
}

/** A value that was given. */
export interface GivenValue {
  readonly line: number;
  readonly text: string;
}

export interface BootFile {
  /** Keys with a value; an empty value says nothing, like a line that is not there. */
  readonly given: ReadonlyMap<BootKey, GivenValue>;
  readonly problems: readonly Problem[];
}

/** A file of more is none of ours. */
export const MAX_BOOT_FILE_BYTES = 65_536;
const MAX_SHOWN = 80;
const lineEnd = /\r\n|\n|\r/;
/** Several lines with these count together. */
const repeatable: readonly BootKey[] = ['peers', 'ssh-key', 'ntp'];

/** Quotes that people copy along, those of word processors too. */
function withoutQuotes(value: string): string {
  return /^(["'“”„])(.*)["'“”]$/.exec(value)?.[2]?.trim() ?? value;
}

function keyOf(line: string): string | null {
  const [, word] = /^\s*([^=#]*?)\s*[=]/.exec(line) ?? [];
  return word === undefined ? null : word.toLowerCase().replaceAll(/[\s_]+/g, '-');
}

/** What may be shown of a line: never a key. */
export function shown(line: string): string {
  const key = keyOf(line);
  const looksSecret = /cloudroid-network-key-|[A-Za-z0-9_-]{40}/.test(line) && !line.includes('ssh-');
  if (looksSecret || (key !== null && secretKeys.some((secret) => secret === key))) {
    return `${key ?? 'a line with a key'}${key === null ? '' : ' = ...'}`;
  }
  const text = escapeControls(line.trim());
  return text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}...` : text;
}

export function parseBootFile(text: string): BootFile {
  const given = new Map<BootKey, GivenValue>();
  const problems: Problem[] = [];
  for (const [index, whole] of text.split(lineEnd).entries()) {
    const line = index + 1;
    const problem = (expected: string): void => {
      problems.push({ line, text: shown(whole), expected });
    };
    if (whole.trim() === '' || whole.trimStart().startsWith('#')) continue;
    const key = keyOf(whole);
    if (key === null) {
      problem('a line such as hostname = cellar, or # before a remark');
      continue;
    }
    if (!isBootKey(key)) {
      const hint = nearest(key, bootKeys);
      problem(`one of ${bootKeys.join(', ')}${hint === null ? '' : ` (did you mean ${hint}?)`}`);
      continue;
    }
    const value = withoutQuotes(
      whole
        .slice(whole.indexOf('=') + 1)
        .replace(/\s#.*/, '')
        .trim(),
    );
    if (value === '') continue;
    const before = given.get(key);
    if (before === undefined) given.set(key, { line, text: value });
    else if (repeatable.includes(key))
      given.set(key, { line: before.line, text: `${before.text}\n${value}` });
    else problem(`${key} only once; line ${before.line} counts`);
  }
  return { given, problems };
}

/** The text without the values of those keys; everything else stays as it is, to the letter. */
export function blanked(text: string, keys: readonly BootKey[]): string {
  return text.replaceAll(/[^\r\n]+/g, (line) => {
    const key = keyOf(line);
    if (key === null || !isBootKey(key) || !keys.includes(key)) return line;
    return line.slice(0, line.indexOf('=') + 1);
  });
}
