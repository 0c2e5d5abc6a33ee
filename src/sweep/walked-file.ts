/** What the walk sees of a file, beside what the catalog says of it. */
import type { PlacedEntry } from '../peers/protocol-upkeep.ts';
import type { Look } from './hash-file.ts';

export type FileEntry = Extract<PlacedEntry, { kind: 'file' }>;

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

export function isAsPublished({ ino, mtimeNs, size }: FileEntry, look: Look): boolean {
  return look.ino === ino && look.mtimeNs === mtimeNs && look.size === size;
}

export function isOlder(look: Look, { mtimeNs }: FileEntry): boolean {
  return mtimeNs !== null && BigInt(look.mtimeNs) < BigInt(mtimeNs);
}

/** Null: not UTF-8. */
export function nameOf(name: Buffer): string | null {
  try {
    return utf8.decode(name);
  } catch {
    return null;
  }
}
