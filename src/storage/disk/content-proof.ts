/** What is known of bytes on disk, and as of when. */
import { createHash } from 'node:crypto';
import { createReadStream, openSync } from 'node:fs';
import { Refusal } from '../../replication/operation.ts';
import { errnoOf } from '../store-errors.ts';

/** The hash of a file that a process of this member computed, and the file's state then. */
export interface Proof {
  readonly sha256: string;
  readonly size: number;
  readonly ino: string;
  readonly mtimeNs: string;
}

export interface WantedContent {
  readonly path: string;
  readonly sha256: string;
  readonly size: number;
  /** Milliseconds, for the file on disk. */
  readonly mtime: number;
}

export function proofOf(sha256: string, found: { size: bigint; ino: bigint; mtimeNs: bigint }): Proof {
  return { sha256, size: Number(found.size), ino: String(found.ino), mtimeNs: String(found.mtimeNs) };
}

export async function hashFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path, { highWaterMark: 1024 * 1024 })) hash.update(chunk);
  return hash.digest('hex');
}

/** A staged file that a commit names. Throws Refusal missing-content. */
export function openStaged(path: string): number {
  try {
    return openSync(path, 'r');
  } catch (error) {
    if (errnoOf(error) === 'ENOENT')
      throw new Refusal('missing-content', 'no such staged file', { cause: error });
    throw error;
  }
}
