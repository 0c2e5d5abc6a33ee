/**
 * Where the losing file of two concurrent writes goes, and where a file is shown whose path is a directory:
 * `<stem>.conflict-<UTC of its stamp>-<member>-<incarnation><seq><.ext>`. The same on every member.
 */
import { createHash } from 'node:crypto';
import { isPlanted } from '../system/planted-bug.ts';
import type { ReplicaRecord } from './record.ts';
import { isConflictActor } from './version.ts';

const MAX_NAME_BYTES = 255;
/** Longer ones are part of the stem: nobody's program tells a file's type by them. */
const MAX_EXTENSION_BYTES = 16;

/** The virtual path of the conflict copy of this record, in the same directory. */
export function conflictPath(record: ReplicaRecord): string {
  const slash = record.path.lastIndexOf('/') + 1;
  return record.path.slice(0, slash) + conflictName(record.path.slice(slash), record);
}

function conflictName(name: string, { path, dot: [actor, seq], stamp }: ReplicaRecord): string {
  const extension = extensionOf(name);
  const stem = name.slice(0, name.length - extension.length);
  const plain = isConflictActor(actor) ? actor.slice(1) : actor;
  const [member = '', incarnation = ''] = plain.split('.');
  // A copy that loses or is shadowed in its turn must not get the name of another file, nor, its name being cut, its own.
  const mark = isConflictActor(actor)
    ? `x${createHash('sha256').update(path).digest('hex').slice(0, 8)}`
    : '';
  const write = isPlanted('conflict name not unique') ? '' : `-${member}-${incarnation}${seq}${mark}`;
  const suffix = `.conflict-${utcOf(stamp)}${write}${extension}`;
  return cutToBytes(stem, MAX_NAME_BYTES - Buffer.byteLength(suffix)) + suffix;
}

/** With its point; '' for none. */
export function extensionOf(name: string): string {
  const point = name.lastIndexOf('.');
  const found = point > 0 ? name.slice(point) : '';
  return Buffer.byteLength(found) <= MAX_EXTENSION_BYTES ? found : '';
}

/** 20261123T052101.123Z; stamps out of the calendar's range as plain milliseconds. */
export function utcOf(stamp: number): string {
  const date = new Date(stamp);
  return Number.isNaN(date.getTime()) ? String(stamp) : date.toISOString().replaceAll(/[-:]/g, '');
}

/** The longest beginning of at most so many bytes that ends between two characters. */
export function cutToBytes(text: string, bytes: number): string {
  const encoded = Buffer.from(text);
  if (encoded.length <= bytes) return text;
  let end = Math.max(0, bytes);
  // 10xxxxxx: the middle of a character.
  while (end > 0 && ((encoded[end] ?? 0) & 0xc0) === 0x80) end -= 1;
  return encoded.toString('utf8', 0, end);
}

/** Where a conflict name comes from. */
export interface ConflictOrigin {
  readonly path: string;
  /** The name was so long that its stem may have been cut: other paths with this beginning may be meant. */
  readonly cut: boolean;
}

const CONFLICT_NAME =
  /^(.*)\.conflict-(?:[+-]?\d+(?:T\d{6}\.\d{3}Z)?)-[a-z0-9-]{1,40}-[0-9a-z]+?\d(x[0-9a-f]{8})?(\.[^.]*)?$/su;
/** A cut ends between two characters, of which one has at most four bytes. */
const CUT_BYTES = MAX_NAME_BYTES - 3;

/** The path of the file whose copy, or copy of a copy, has this path; null: it has no conflict name. */
export function originalPath(path: string): ConflictOrigin | null {
  const slash = path.lastIndexOf('/') + 1;
  const found = CONFLICT_NAME.exec(path.slice(slash));
  if (found === null) return null;
  const [name, stem = '', mark, extension = ''] = found;
  const cut = Buffer.byteLength(name) >= CUT_BYTES;
  const origin = path.slice(0, slash) + stem + extension;
  // With a mark it is the copy of a copy, whose own name was made in the same way.
  const earlier = mark === undefined ? null : originalPath(origin);
  return earlier === null ? { path: origin, cut } : { path: earlier.path, cut: cut || earlier.cut };
}
