/** Puts a whole file in place of another: a kill or a power cut leaves the old one or the new one. */
import { randomBytes } from 'node:crypto';
import {
  closeSync,
  fchmodSync,
  fchownSync,
  fsyncSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import type { Owner } from './places.ts';

export interface FileTraits {
  /** Null: what the file system gives, for FAT, which has no modes and refuses them. */
  readonly mode: number | null;
  /** Null or absent: who runs this. */
  readonly owner?: Owner | null;
}

/** Durable when it returns. Folders that are missing are made. */
export function replaceFile(
  file: string,
  content: string | Buffer,
  { mode, owner = null }: FileTraits,
): void {
  const folder = dirname(file);
  mkdirSync(folder, { recursive: true });
  const draft = `${file}.${randomBytes(4).toString('hex')}.new`;
  try {
    const handle = openSync(draft, 'wx', 0o600);
    try {
      writeSync(handle, typeof content === 'string' ? Buffer.from(content) : content);
      if (owner !== null) fchownSync(handle, owner.uid, owner.gid);
      if (mode !== null) fchmodSync(handle, mode);
      fsyncSync(handle);
    } finally {
      closeSync(handle);
    }
    renameSync(draft, file);
  } finally {
    rmSync(draft, { force: true });
  }
  flushFolder(folder);
}

export function removeFile(file: string): void {
  rmSync(file, { force: true });
}

export function flushFolder(folder: string): void {
  const handle = openSync(folder, 'r');
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}
