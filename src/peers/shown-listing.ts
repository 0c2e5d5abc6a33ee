/**
 * A listing for those who only show it: what the own storage server sends its gateway. A line is a JSON array of many
 * entries, each `[name, 1 for a file or 0, size, mtime, sha256]`: a tenth of the processor time of NDJSON of whole records.
 */
import type { Entry } from './protocol.ts';
import { parseJson, WireError } from './wire.ts';

/** Entries of one directory, some at a time. */
export type EntryPage = readonly Entry[];

/** Throws WireError. */
export function parseShownPage(dir: string, line: string): EntryPage {
  const rows = parseJson(line);
  if (!Array.isArray(rows)) throw new WireError('no page of a listing');
  const folder = dir === '/' ? '/' : `${dir}/`;
  return rows.map((row: unknown) => entryOf(folder, row));
}

function entryOf(folder: string, row: unknown): Entry {
  if (!Array.isArray(row)) throw new WireError('no entry of a listing');
  const [name, isFile, size, mtime, sha256] = row as readonly unknown[];
  const fits =
    typeof name === 'string' &&
    name !== '' &&
    !name.includes('/') &&
    typeof size === 'number' &&
    typeof mtime === 'number' &&
    typeof sha256 === 'string';
  if (!fits) throw new WireError('no entry of a listing');
  return { path: folder + name, kind: isFile === 1 ? 'file' : 'directory', size, sha256, mtime };
}

const PAGE = 500;

/** What comes one by one. */
export async function* inPages(entries: AsyncIterable<Entry>): AsyncGenerator<EntryPage, void> {
  let page: Entry[] = [];
  for await (const entry of entries) {
    page.push(entry);
    if (page.length < PAGE) continue;
    yield page;
    page = [];
  }
  if (page.length > 0) yield page;
}
