/** A file of the volume, hashed by the sweep itself: the storage server's only thread has better things to do. */
import { createHash } from 'node:crypto';
import { constants, lstatSync } from 'node:fs';
import { open } from 'node:fs/promises';

const READ_BYTES = 256 * 1024;

/** What a file looks like from outside. */
export interface Look {
  readonly ino: string;
  readonly mtimeNs: string;
  readonly ctimeNs: bigint;
  readonly size: number;
}

/** Undefined: no file there (a folder, a link and the like are none). */
export function lookAt(diskPath: string): Look | undefined {
  try {
    const found = lstatSync(diskPath, { bigint: true, throwIfNoEntry: false });
    if (found?.isFile() !== true) return undefined;
    return {
      ino: String(found.ino),
      mtimeNs: String(found.mtimeNs),
      ctimeNs: found.ctimeNs,
      size: Number(found.size),
    };
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOTDIR') return undefined;
    throw error;
  }
}

export type Hashed =
  | { readonly kind: 'hashed'; readonly sha256: string; readonly look: Look }
  /** Changed while it was read, or gone. */
  | { readonly kind: 'moving' }
  /** The disk does not give the bytes (EIO), or we may not read them (EACCES). */
  | { readonly kind: 'unreadable'; readonly code: string };

/** `onBytes` may wait: it sets the pace. Rejects when the signal aborts. */
export async function hashFile(
  diskPath: string,
  signal: AbortSignal,
  onBytes: (bytes: number) => Promise<void> | void = () => undefined,
): Promise<Hashed> {
  const before = lookAt(diskPath);
  if (before === undefined) return { kind: 'moving' };
  const hash = createHash('sha256');
  let bytes = 0;
  try {
    const file = await open(diskPath, constants.O_RDONLY | constants.O_NOFOLLOW);
    try {
      const buffer = Buffer.allocUnsafe(READ_BYTES);
      for (;;) {
        signal.throwIfAborted();
        const { bytesRead } = await file.read(buffer, 0, READ_BYTES, bytes);
        if (bytesRead === 0) break;
        hash.update(buffer.subarray(0, bytesRead));
        bytes += bytesRead;
        await onBytes(bytesRead);
      }
    } finally {
      await file.close();
    }
  } catch (error) {
    signal.throwIfAborted();
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'ELOOP') return { kind: 'moving' };
    if (!code.startsWith('E')) throw error;
    return { kind: 'unreadable', code };
  }
  const after = lookAt(diskPath);
  const same =
    after?.ino === before.ino && after.mtimeNs === before.mtimeNs && after.ctimeNs === before.ctimeNs;
  if (!same || bytes !== before.size) return { kind: 'moving' };
  return { kind: 'hashed', sha256: hash.digest('hex'), look: before };
}
