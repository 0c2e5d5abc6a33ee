/** The two files of a part (parts.ts): its bytes, made durable, and its record. */
import { renameSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import type { KeepRequest, Part } from '../../peers/protocol-parts.ts';
import { Refusal } from '../../replication/operation.ts';
import { errnoOf, FlushFailed } from '../store-errors.ts';

export interface PartRecord extends Part, Omit<KeepRequest, 'staged'> {
  /** Milliseconds since 1970 by this member's clock. */
  readonly at: number;
  /** Of two for the same path the higher is the newer one, whatever the clock says. */
  readonly serial: number;
}

const FIELDS = {
  user: 'string',
  path: 'string',
  size: 'number',
  sha256: 'string',
  keepMs: 'number',
  at: 'number',
  serial: 'number',
} as const;

/** Null for anything that is no whole record. */
export function parsePartRecord(id: string, text: string): PartRecord | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  if (typeof value !== 'object' || value === null) return null;
  const record = value as { readonly [field: string]: unknown };
  const fits = Object.entries(FIELDS).every(([field, type]) => typeof record[field] === type);
  const over = record['over'];
  if (!fits || record['id'] !== id || (over !== null && typeof over !== 'string')) return null;
  return value as PartRecord;
}

/** The record is whole or not there; its name is durable when the folder is flushed. */
export async function writePartRecord(path: string, record: PartRecord): Promise<void> {
  const handle = await open(`${path}.new`, 'wx');
  try {
    await handle.writeFile(JSON.stringify(record));
    await flush(handle, path);
  } finally {
    await handle.close();
  }
  renameSync(`${path}.new`, path);
}

/** Throws Refusal hash-mismatch when there are fewer bytes. */
export async function flushPart(path: string, size: number): Promise<void> {
  const handle = await open(path, 'r+');
  try {
    const found = await handle.stat();
    if (found.size < size) {
      throw new Refusal('hash-mismatch', `the staged file has ${found.size} bytes, not ${size}`);
    }
    await flush(handle, path);
  } finally {
    await handle.close();
  }
}

async function flush(handle: FileHandle, path: string): Promise<void> {
  try {
    await handle.sync();
  } catch (error) {
    if (['ENOSPC', 'EDQUOT'].includes(errnoOf(error) ?? '')) throw error;
    throw new FlushFailed(path, error);
  }
}
