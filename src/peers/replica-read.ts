/**
 * The bytes of a file: from this member's own disk, else from a peer, in one stream that goes on with the next source
 * where one broke. Read from the beginning, the whole is hashed on the way and the last piece held back until the hash is
 * right: wrong bytes never end in a 226.
 */
import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { Refusal } from '../replication/operation.ts';
import type { Members } from './members.ts';
import type { Entry } from './protocol.ts';

const CHUNK_BYTES = 512 * 1024;

type Source = (offset: number) => Promise<AsyncIterable<Buffer>>;

/** Rejects with Refusal missing-content when no member that answers has it. */
export async function readEntry(members: Members, entry: Entry, offset: number): Promise<Readable> {
  const sources = [localSource(members, entry), ...peerSources(members, entry)];
  const pieces = joined(members, entry, sources, offset);
  // The first piece now: before it nothing was said to the client, and a refusal is an honest answer.
  const first = await pieces.next();
  const all = offset === 0 ? verified(entry, first, pieces) : rest(first, pieces);
  return Readable.from(all, { objectMode: false, highWaterMark: CHUNK_BYTES });
}

async function* rest(first: IteratorResult<Buffer, void>, pieces: AsyncGenerator<Buffer, void>) {
  if (first.done === true) return;
  yield first.value;
  yield* pieces;
}

async function* verified(
  entry: Entry,
  first: IteratorResult<Buffer, void>,
  pieces: AsyncGenerator<Buffer, void>,
): AsyncGenerator<Buffer, void> {
  const hash = createHash('sha256');
  let held: Buffer | null = null;
  for await (const piece of rest(first, pieces)) {
    hash.update(piece);
    if (held !== null) yield held;
    held = piece;
  }
  if (hash.digest('hex') !== entry.sha256) {
    throw new Refusal('hash-mismatch', 'the bytes are not those of the file', { path: entry.path });
  }
  if (held !== null) yield held;
}

async function* joined(
  members: Members,
  entry: Entry,
  sources: readonly Source[],
  offset: number,
): AsyncGenerator<Buffer, void> {
  let at = offset;
  let reason: unknown;
  if (at >= entry.size) return;
  for (const source of sources) {
    try {
      for await (const piece of await source(at)) {
        at += piece.length;
        yield piece;
      }
      if (at === entry.size) return;
      reason = new Error(`${at} of ${entry.size} bytes came`);
    } catch (error) {
      reason = error;
    }
    members.logger.debug('a source of a file failed', { path: entry.path, at, error: reason });
  }
  throw new Refusal('missing-content', 'no member that answers has the content', {
    path: entry.path,
    cause: reason,
  });
}

function localSource(members: Members, { path, sha256, size }: Entry): Source {
  return async (offset) => {
    const answer = await members.local.attempt((client) => client.record({ path, local: true }));
    const { entry, disk } = answer?.value ?? {};
    if (disk === undefined || entry?.sha256 !== sha256) throw new Error('not on this disk');
    const file = await open(disk.path, 'r');
    try {
      const found = await file.stat({ bigint: true });
      // Replaced between the answer and the open: the name leads to another file now.
      if (String(found.ino) !== disk.ino || Number(found.size) !== size)
        throw new Error('another file is there now');
    } catch (error) {
      await file.close();
      throw error;
    }
    return file.createReadStream({ start: offset, end: size - 1, highWaterMark: CHUNK_BYTES });
  };
}

function peerSources(members: Members, { sha256 }: Entry): Source[] {
  const reachable = members.peers().filter(({ isReachable }) => isReachable);
  const inStepFirst = [...reachable].sort((a, b) => Number(b.isInStep) - Number(a.isInStep));
  return inStepFirst.map((peer) => (offset) => peer.client.readObject(sha256, offset));
}
