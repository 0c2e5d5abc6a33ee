/**
 * A peer's feed of changed records, read to its end before anything of it is used: the peer need not hold its snapshot
 * while contents are fetched, which may take hours, and half a feed, or one that is garbled, changes nothing here.
 * A long one waits in a staging file, so that a million records need no memory.
 */
import { randomBytes } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import type { ChangesHeader } from '../peers/protocol.ts';
import type { ReplicaClient } from '../peers/replica-client-api.ts';
import { readLines } from '../peers/wire.ts';
import { Refusal } from '../replication/operation.ts';
import type { ReplicaRecord } from '../replication/record.ts';

/** The peer's feed is not what its header announced: nothing of it is relied on. */
export class GarbledFeed extends Error {
  override readonly name = 'GarbledFeed';
}

/** Records that are kept in memory, and that are written at once. */
const IN_MEMORY = 2_000;
/** The same on a full disk, where the feed may bring the deletions that help. */
const IN_MEMORY_AT_MOST = 200_000;

export interface Feed {
  readonly header: ChangesHeader;
  /** Once. */
  records(): AsyncIterable<ReplicaRecord>;
  close(): Promise<void>;
}

/** Throws GarbledFeed, ReplicaUnreachable, Refusal, or the system's error of the own disk. */
export async function readFeed(
  peer: ReplicaClient,
  after: number,
  local: ReplicaClient,
  signal: AbortSignal,
): Promise<Feed> {
  const { header, records } = await peer.changes(after);
  const spool = new Spool(local);
  try {
    let count = 0;
    for await (const record of records) {
      signal.throwIfAborted();
      count += 1;
      await spool.add(record);
    }
    if (count !== header.count)
      throw new GarbledFeed(`the feed has ${count} records, announced were ${header.count}`);
    return { header, records: () => spool.read(), close: () => spool.close() };
  } catch (error) {
    await spool.close();
    throw error;
  }
}

class Spool {
  readonly #local: ReplicaClient;
  readonly #id = `feed-${randomBytes(12).toString('hex')}`;
  /** Behind those in the file. */
  #held: ReplicaRecord[] = [];
  #file: FileHandle | null = null;

  constructor(local: ReplicaClient) {
    this.#local = local;
  }

  async add(record: ReplicaRecord): Promise<void> {
    this.#held.push(record);
    if (this.#held.length % IN_MEMORY !== 0) return;
    const file = await this.#open();
    if (file === null) return;
    await file.appendFile(this.#held.map((each) => `${JSON.stringify(each)}\n`).join(''));
    this.#held = [];
  }

  /** Null: there is no room. */
  async #open(): Promise<FileHandle | null> {
    if (this.#file !== null) return this.#file;
    const staged = await this.#local.stage({ id: this.#id }).catch((error: unknown) => {
      const full = error instanceof Refusal && error.kind === 'no-space';
      if (full && this.#held.length < IN_MEMORY_AT_MOST) return null;
      throw error;
    });
    if (staged === null) return null;
    const { path } = staged;
    if (path === undefined) throw new Error('the storage server is not on this machine');
    this.#file = await open(path, 'a+');
    return this.#file;
  }

  async *read(): AsyncGenerator<ReplicaRecord, void> {
    if (this.#file !== null) {
      const stream = this.#file.createReadStream({ start: 0, autoClose: false });
      for await (const line of readLines(stream as AsyncIterable<Buffer>))
        yield JSON.parse(line) as ReplicaRecord;
    }
    yield* this.#held;
  }

  /** What is left over after a crash is cleared away with the rest of staging. */
  async close(): Promise<void> {
    if (this.#file === null) return;
    await this.#file.close();
    this.#file = null;
    await this.#local.dropStaging(this.#id).catch(() => undefined);
  }
}
