/** The bytes of a part, read by this process from its own member's disk, with the proof that they are what was kept. */
import { createHash } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import { Refusal } from '../replication/operation.ts';
import type { FoundPart } from './protocol-parts.ts';

const PIECE_BYTES = 512 * 1024;

/** Opened at once: whoever needs room may take the name away while it is read. Throws Refusal missing-content. */
export async function openPart({ diskPath }: FoundPart): Promise<FileHandle> {
  try {
    return await open(diskPath, 'r');
  } catch (error) {
    throw new Refusal('missing-content', 'what was kept of the upload is gone', { cause: error });
  }
}

/**
 * The first `length` bytes. All of the part is read, whatever of it is used: only the whole has a hash, and what a power cut
 * or a dying disk made of it must not get into a file. Throws Refusal hash-mismatch at the end.
 */
export async function* readPart(
  file: FileHandle,
  { size, sha256 }: FoundPart,
  length: number,
): AsyncGenerator<Buffer, void> {
  const hash = createHash('sha256');
  for (let at = 0; at < size; ) {
    const piece = Buffer.allocUnsafe(Math.min(PIECE_BYTES, size - at));
    const { bytesRead } = await file.read(piece, 0, piece.length, at);
    if (bytesRead === 0) break;
    const bytes = piece.subarray(0, bytesRead);
    hash.update(bytes);
    if (at < length) yield bytes.subarray(0, length - at);
    at += bytesRead;
  }
  if (hash.digest('hex') !== sha256)
    throw new Refusal('hash-mismatch', 'what was kept of the upload is damaged');
}
