/** The bytes of a file on the own disk, read ahead of whoever takes them, into memory that goes round (ftp/slabs.ts). */
import { createHash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import type { SlabPool } from '../ftp/slabs.ts';

/** Read at once. */
export const PIECE_BYTES = 256 * 1024;

/**
 * From `start` to `end` (exclusive), or less when the file is shorter. Each piece is to be given back to `slabs`. The file
 * is closed at the end, also when it is left early.
 */
export async function* readPieces(
  file: FileHandle,
  start: number,
  end: number,
  slabs: SlabPool,
): AsyncGenerator<Buffer, void> {
  let at = start;
  let next = at < end ? readPiece(file, at, end, slabs) : null;
  try {
    while (next !== null) {
      const piece = await next;
      at += piece.length;
      next = piece.length > 0 && at < end ? readPiece(file, at, end, slabs) : null;
      if (piece.length > 0) yield piece;
    }
  } finally {
    // Nobody closes a file that is being read, nor uses memory that is read into.
    if (next !== null) slabs.giveBack(await next.catch(() => EMPTY));
    await file.close();
  }
}

const EMPTY = new Uint8Array(0);

function readPiece(file: FileHandle, at: number, end: number, slabs: SlabPool): Promise<Buffer> {
  const { memory } = slabs.take();
  const reading = file
    .read(memory, 0, Math.min(memory.length, end - at), at)
    .then(({ bytesRead }) => memory.subarray(0, bytesRead));
  reading.catch(() => undefined); // whoever asks for it is told
  return reading;
}

/** SHA-256 of the first `size` bytes. */
export async function hashFile(file: FileHandle, size: number, slabs: SlabPool): Promise<string> {
  const hash = createHash('sha256');
  const slab = slabs.take();
  try {
    for (let at = 0; at < size; ) {
      const { bytesRead } = await file.read(slab.memory, 0, Math.min(slab.memory.length, size - at), at);
      if (bytesRead === 0) break;
      hash.update(slab.memory.subarray(0, bytesRead));
      at += bytesRead;
    }
  } finally {
    slabs.leave(slab);
  }
  return hash.digest('hex');
}

/** All of a short file at once; less when it is shorter. */
export async function readWhole(file: FileHandle, size: number): Promise<Buffer> {
  const bytes = Buffer.allocUnsafeSlow(size);
  let at = 0;
  while (at < size) {
    const { bytesRead } = await file.read(bytes, at, size - at, at);
    if (bytesRead === 0) break;
    at += bytesRead;
  }
  return bytes.subarray(0, at);
}
