/** Whether records and batches that a peer sent are what they should be; garbage is refused whole. */
import { ACCOUNT_LIMIT_BYTES, isAccountPath } from '../replication/account-path.ts';
import type { PushedRecord } from '../replication/operation.ts';
import { Refusal } from '../replication/operation.ts';
import type { Dot, ReplicaRecord, VersionVector } from '../replication/record.ts';
import { checkFilePath } from './path-check.ts';

const ACTOR = /^\*?[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/;
export const SHA256 = /^[0-9a-f]{64}$/;

type Fields = { readonly [name: string]: unknown };

/** Throws Refusal invalid or forbidden-name. */
export function checkRecord(value: unknown, filesDir: string): ReplicaRecord {
  const record = fields(value, 'a record');
  const { path, kind, size, sha256, mtime, dot, stamp, context, kept } = record;
  checkFilePath(path, filesDir);
  const wrong = (what: string): never => {
    throw new Refusal('invalid', `a record has a wrong ${what}`, { path });
  };
  if (kind !== 'file' && kind !== 'directory' && kind !== 'tombstone') return wrong('kind');
  if (!isCount(size) || (kind !== 'file' && size !== 0)) return wrong('size');
  if (typeof sha256 !== 'string') return wrong('sha256');
  if (kind === 'file' ? !SHA256.test(sha256) : sha256 !== '') return wrong('sha256');
  if (typeof mtime !== 'number' || !Number.isSafeInteger(mtime)) return wrong('mtime');
  if (!isCount(stamp)) return wrong('stamp');
  if (!isDot(dot)) return wrong('dot');
  if (!Array.isArray(kept) || !kept.every(isDot)) return wrong('kept');
  if (isAccountPath(path)) {
    if (kind === 'directory') return wrong('kind');
    if (size > ACCOUNT_LIMIT_BYTES) return wrong('size');
    if (kept.length > 0) return wrong('kept');
    if (dot[0].startsWith('*')) return wrong('dot');
  }
  return { path, kind, size, sha256, mtime, dot, stamp, context: checkVector(context), kept };
}

export function checkPushed(value: unknown, filesDir: string): PushedRecord {
  const { record, base } = fields(value, 'a pushed record');
  if (base !== null && base !== undefined && !isDot(base)) throw new Refusal('invalid', 'a base is no dot');
  return { record: checkRecord(record, filesDir), base: base ?? null };
}

export function checkVector(value: unknown): VersionVector {
  const vector = fields(value, 'a version vector');
  for (const [actor, seq] of Object.entries(vector)) {
    if (!ACTOR.test(actor) || !isCount(seq)) throw new Refusal('invalid', 'a version vector is malformed');
  }
  return vector as VersionVector;
}

function fields(value: unknown, what: string): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new Refusal('invalid', `${what} is no object`);
  }
  return value as Fields;
}

function isDot(value: unknown): value is Dot {
  return (
    Array.isArray(value) &&
    value.length === 2 &&
    typeof value[0] === 'string' &&
    ACTOR.test(value[0]) &&
    isCount(value[1])
  );
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}
