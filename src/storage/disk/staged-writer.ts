/** One upload into staging through this process: hashed while it is written. */
import { createHash, type Hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { Refusal } from '../../replication/operation.ts';
import type { StagingWriter } from '../store-api.ts';
import { diskTrouble, errnoOf, givenUp, refusalFor } from '../store-errors.ts';
import { type Proof, proofOf } from './content-proof.ts';

/** Throws Refusal no-space when so many bytes more would eat into the reserve; else how many may come before it is asked again. */
export type Reserve = (bytes: number) => number;

export class StagedWriter implements StagingWriter {
  readonly #handle: FileHandle;
  readonly #hash: Hash;
  readonly #reserve: Reserve;
  readonly #closed: (proof: Proof | undefined) => void;
  #size: number;
  #nextLook: number;
  #state: 'open' | 'failed' | 'closed' = 'open';

  private constructor(
    handle: FileHandle,
    size: number,
    hash: Hash,
    reserve: Reserve,
    closed: (proof: Proof | undefined) => void,
  ) {
    this.#handle = handle;
    this.#size = size;
    this.#nextLook = size;
    this.#hash = hash;
    this.#reserve = reserve;
    this.#closed = closed;
  }

  /** Throws Refusal invalid when `offset` is neither 0 nor the present size. */
  static async open(
    path: string,
    offset: number,
    reserve: Reserve,
    closed: (proof: Proof | undefined) => void,
  ): Promise<StagedWriter> {
    reserve(0);
    const handle = await open(path, 'a');
    try {
      if (offset === 0) await handle.truncate(0);
      const { size } = await handle.stat();
      if (size !== offset) {
        throw new Refusal('invalid', `the staged part has ${size} bytes, so it cannot go on at ${offset}`);
      }
      const hash = createHash('sha256');
      if (size > 0) {
        for await (const chunk of createReadStream(path, { highWaterMark: 1024 * 1024 })) hash.update(chunk);
      }
      return new StagedWriter(handle, size, hash, reserve, closed);
    } catch (error) {
      await handle.close();
      throw errnoOf(error) === 'ENOENT' ? givenUp(error) : error;
    }
  }

  async write(chunk: Uint8Array): Promise<void> {
    if (this.#state !== 'open') throw new Refusal('invalid', 'this upload is over');
    try {
      if (this.#size + chunk.length > this.#nextLook) {
        this.#nextLook = this.#size + chunk.length + this.#reserve(chunk.length);
      }
      let done = 0;
      while (done < chunk.length) {
        const { bytesWritten } = await this.#handle.write(chunk, done, chunk.length - done);
        this.#hash.update(chunk.subarray(done, done + bytesWritten));
        done += bytesWritten;
        this.#size += bytesWritten;
      }
    } catch (error) {
      this.#state = 'failed';
      if (error instanceof Refusal) throw error;
      const trouble = diskTrouble(error);
      throw trouble === undefined ? error : refusalFor(trouble, error);
    }
  }

  async end(): Promise<{ size: number; sha256: string }> {
    if (this.#state !== 'open') {
      await this.abort();
      throw new Refusal('io', 'this upload has failed before its end');
    }
    const proof = proofOf(this.#hash.digest('hex'), await this.#handle.stat({ bigint: true }));
    await this.#close(proof.size === this.#size ? proof : undefined);
    if (proof.size !== this.#size) throw new Refusal('busy', 'somebody else wrote to the same staged file');
    return { size: proof.size, sha256: proof.sha256 };
  }

  async abort(): Promise<void> {
    if (this.#state !== 'closed') await this.#close(undefined);
  }

  async #close(proof: Proof | undefined): Promise<void> {
    this.#state = 'closed';
    try {
      await this.#handle.close();
    } finally {
      this.#closed(proof);
    }
  }
}
