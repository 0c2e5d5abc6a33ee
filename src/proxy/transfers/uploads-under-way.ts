/**
 * Uploads that may be kept, by user and path. A line that goes dead says nothing: the gateway waits a minute for bytes
 * while the client is back already and asks how much has come. So a session from the same address that asks ends an
 * upload that has gone silent. And of several at once only the one that began last is kept: one that hung since before must
 * not take the place of what came after it.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { parentOf } from '../../ftp/virtual-path.ts';
import { type PartOwner, partKey } from '../../peers/protocol-parts.ts';
import type { Transfer } from './transfer.ts';

/** For a disk that takes its time to flush. */
const LONGEST_WAIT_MS = 10_000;

export interface UploadPlace {
  /** Another one to the same path began after it. */
  readonly isOverruled: boolean;
  /** It broke off, and is being put away. */
  ends(): void;
  /** It was stored, kept or thrown away. */
  leave(): void;
}

interface UnderWay {
  isOverruled: boolean;
  isEnding: boolean;
  readonly owner: PartOwner;
  readonly address: string;
  readonly transfer: Transfer;
  readonly left: Promise<void>;
}

export class UploadsUnderWay {
  readonly #silentMs: number;
  readonly #uploads = new Map<string, Set<UnderWay>>();

  /** `silentMs`: how long a client may send nothing before its upload counts as silent. */
  constructor(silentMs: number) {
    this.#silentMs = silentMs;
  }

  enter(owner: PartOwner, address: string, transfer: Transfer): UploadPlace {
    const key = partKey(owner);
    const others = this.#uploads.get(key) ?? new Set();
    this.#uploads.set(key, others);
    const { promise: left, resolve } = Promise.withResolvers<void>();
    const own: UnderWay = { isOverruled: false, isEnding: false, owner, address, transfer, left };
    // At once: the later one may be over first.
    for (const other of others) other.isOverruled = true;
    others.add(own);
    return {
      get isOverruled() {
        return own.isOverruled;
      },
      ends: () => {
        own.isEnding = true;
      },
      leave: () => {
        others.delete(own);
        if (others.size === 0 && this.#uploads.get(key) === others) this.#uploads.delete(key);
        resolve();
      },
    };
  }

  /** Where the user's uploads to a folder go. */
  pathsIn(folder: string, user: string): string[] {
    const owners = [...this.#uploads.values()].flatMap((uploads) => [...uploads].map(({ owner }) => owner));
    return owners
      .filter((owner) => owner.user === user && parentOf(owner.path) === folder)
      .map(({ path }) => path);
  }

  /** Ends what has gone silent and comes from there; resolves when that, and what broke off just now, is put away. */
  async endSilent(owner: PartOwner, address: string): Promise<void> {
    const ended = [...(this.#uploads.get(partKey(owner)) ?? [])].filter(
      ({ isEnding, transfer, address: itsAddress }) =>
        isEnding ||
        (itsAddress === address &&
          transfer.silentMs >= this.#silentMs &&
          transfer.abort('The client goes on in another session.')),
    );
    if (ended.length === 0) return;
    await Promise.race([
      Promise.all(ended.map(({ left }) => left)),
      sleep(LONGEST_WAIT_MS, undefined, { ref: false }),
    ]);
  }
}
