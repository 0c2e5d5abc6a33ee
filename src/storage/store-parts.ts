/** Parts of uploads that broke off, behind the store's guard (peers/protocol-parts.ts). */
import type { StageReply } from '../peers/protocol.ts';
import type { AdoptRequest, FoundPart, KeepRequest, Part, PartOwner } from '../peers/protocol-parts.ts';
import type { DiskSpace } from './disk/disk-space.ts';
import type { Parts } from './disk/parts.ts';
import type { Staging } from './disk/staging.ts';
import type { StoreParts } from './store-parts-api.ts';
import type { WriteGuard } from './write-guard.ts';

export class PartsOfStore implements StoreParts {
  readonly #parts: Parts;
  readonly #guard: WriteGuard;
  readonly #staging: Staging;
  readonly #space: DiskSpace;

  constructor(parts: { parts: Parts; staging: Staging; space: DiskSpace }, guard: WriteGuard) {
    this.#parts = parts.parts;
    this.#guard = guard;
    this.#staging = parts.staging;
    this.#space = parts.space;
  }

  async keep(request: KeepRequest): Promise<Part> {
    return await this.#guard.writing(request.path, () => this.#parts.keep(request));
  }

  find(owner: PartOwner): FoundPart | null {
    return this.#parts.find(owner);
  }

  async adopt(request: AdoptRequest): Promise<StageReply> {
    const space = this.#space;
    return await this.#guard.writing(request.path, async () => {
      space.require(0, request.path);
      const size = await this.#parts.adopt(request, (bytes) => space.require(bytes, request.path));
      return { size, path: this.#staging.path(request.staged), room: space.step() };
    });
  }

  async drop(owner: PartOwner): Promise<boolean> {
    return await this.#guard.writing(owner.path, () => this.#parts.drop(owner));
  }

  keys(): readonly string[] {
    return this.#parts.keys();
  }

  get bytes(): number {
    return this.#parts.bytes;
  }
}
