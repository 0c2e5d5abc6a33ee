/** Parts of uploads on a real disk, for the gateway alone: bytes in a file each, the rest in memory. */
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type FoundPart, type PartOwner, partKey } from '../../src/peers/protocol-parts.ts';
import type { KeepAs, PartsOfUploads } from '../../src/peers/replica-set-api.ts';

export class DirectoryParts implements PartsOfUploads {
  readonly #dir: string;
  readonly #parts = new Map<string, FoundPart>();

  constructor(dir: string) {
    this.#dir = dir;
  }

  async keep({ owner, over }: KeepAs, bytes: Uint8Array): Promise<void> {
    await mkdir(this.#dir, { recursive: true });
    const id = partKey(owner);
    const diskPath = join(this.#dir, id);
    await writeFile(diskPath, bytes);
    this.#parts.set(id, { id, size: bytes.length, sha256: '', over, diskPath });
  }

  async find(owner: PartOwner): Promise<FoundPart | null> {
    return this.#parts.get(partKey(owner)) ?? null;
  }

  async drop(owner: PartOwner): Promise<boolean> {
    const part = this.#parts.get(partKey(owner));
    if (part === undefined) return false;
    this.#parts.delete(part.id);
    await rm(part.diskPath);
    return true;
  }

  async names(): Promise<string[]> {
    return await readdir(this.#dir).catch(() => []);
  }
}
