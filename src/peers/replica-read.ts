/**
 * The bytes of a file: from this member's own disk, else from a peer, in one stream that goes on with the next source
 * where one broke. Files on the own disk up to PROVE_FIRST_BYTES are hashed before the first byte is sent, so that a reader
 * who meets rot gets the peer's bytes instead, also from the middle. Longer ones, and what comes from peers, are hashed on
 * the way when read from the beginning, and the last piece is held back until the hash is right: wrong bytes never end in
 * a 226.
 */
import { createHash, hash } from 'node:crypto';
import { open } from 'node:fs/promises';
import type { Bytes } from '../ftp/data-stream.ts';
import { Refusal } from '../replication/operation.ts';
import { type Members, reachablePeers } from './members.ts';
import type { Entry } from './protocol.ts';
import { hashFile, PIECE_BYTES, readPieces, readWhole } from './read-file.ts';
import type { Place } from './recent-places.ts';

/** Enough to send clients to a peer until the file is repaired. */
const MAX_DAMAGED = 1000;

/** Read twice unless it is one piece, the second time from memory: what a slow card gives in half a second. */
const PROVE_FIRST_BYTES = 16 * 1024 * 1024;

/** Bytes that can be left early. */
type Stream = AsyncIterable<Buffer> & { destroy(): void };

interface Opened {
  readonly stream: Stream;
  /** Its hash was compared already. */
  readonly proven: boolean;
}

interface Source {
  readonly local: boolean;
  /** It looks at short files before it sends them. */
  readonly proves?: true;
  open(offset: number): Promise<Opened>;
}

/** Rejects with Refusal missing-content when no member that answers has it. */
export async function readEntry(members: Members, entry: Entry, offset: number): Promise<Bytes> {
  const running: Running = { stream: null, local: false, proven: false, over: false };
  const pieces = joined(members, entry, offset, running);
  // The first piece now: before it nothing was said to the client, and a refusal is an honest answer.
  const first = await pieces.next();
  const all = offset === 0 ? verified(members, entry, rest(first, pieces), running) : rest(first, pieces);
  return {
    [Symbol.asyncIterator]: () => all,
    giveBack: (piece) => members.slabs.giveBack(piece),
    // A generator that was never begun, or waits for a silent peer, does not end by itself.
    destroy() {
      running.over = true;
      running.stream?.destroy();
      pieces.return().catch(() => undefined);
    },
  };
}

interface Running {
  stream: Stream | null;
  local: boolean;
  /** The stream of this moment needs no hashing. */
  proven: boolean;
  /** Nobody reads any more. */
  over: boolean;
}

async function* rest(first: IteratorResult<Buffer, void>, pieces: AsyncGenerator<Buffer, void>) {
  if (first.done === true) return;
  yield first.value;
  yield* pieces;
}

async function* verified(
  members: Members,
  { path, sha256, size }: Entry,
  pieces: AsyncIterable<Buffer>,
  running: Running,
): AsyncGenerator<Buffer, void> {
  const { damaged, logger } = members;
  const sum = createHash('sha256');
  let held: Buffer | null = null;
  let provenBytes = 0;
  for await (const piece of pieces) {
    if (running.proven) provenBytes += piece.length;
    else sum.update(piece);
    if (held !== null) yield held;
    held = piece;
  }
  // One that broke off and was gone on with from elsewhere cannot be told whole: `provenBytes` is then neither.
  if (provenBytes !== size && sum.digest('hex') !== sha256) {
    logger.error('ALARM: the bytes of a file are not those that were stored', { path, here: running.local });
    if (damaged.size >= MAX_DAMAGED) damaged.clear();
    if (running.local) {
      damaged.add(sha256);
      tellSuspect(members, path);
    }
    throw new Refusal('hash-mismatch', 'the bytes are not those of the file', { path });
  }
  if (held !== null) yield held;
}

async function* joined(
  members: Members,
  entry: Entry,
  offset: number,
  running: Running,
): AsyncGenerator<Buffer, void> {
  let at = offset;
  let reason: unknown;
  if (at >= entry.size) return;
  for (const { open, local, proves } of sourcesOf(members, entry)) {
    if (running.over) break;
    // The own storage server would send by hash what looks right and is not.
    if (local && !proves && entry.size <= PROVE_FIRST_BYTES && members.damaged.has(entry.sha256)) continue;
    try {
      const { stream, proven } = await open(at);
      running.stream = stream;
      running.proven = proven;
      running.local ||= local;
      for await (const piece of stream) {
        at += piece.length;
        yield piece;
      }
      if (at === entry.size) return;
      reason = new Error(`${at} of ${entry.size} bytes came`);
    } catch (error) {
      reason = error;
    }
    if (running.over) break;
    if (local) tellSuspect(members, entry.path);
    members.logger.debug('a source of a file failed', { path: entry.path, at, error: reason });
  }
  throw new Refusal('missing-content', 'no member that answers has the content', {
    path: entry.path,
    cause: reason,
  });
}

/** The sweep looks at it, and fetches the bytes again when they are bad. */
function tellSuspect({ local, logger }: Members, path: string): void {
  local.client.upkeep.suspect(path).catch((error: unknown) => {
    logger.debug('a damaged file could not be reported', { path, error });
  });
}

function sourcesOf(members: Members, entry: Entry): Source[] {
  const { sha256 } = entry;
  const here: Source[] = [
    { local: true, proves: true, open: (offset) => openOnDisk(members, entry, offset) },
    // Moved or replaced meanwhile: its bytes may still be found by hash.
    {
      local: true,
      open: (offset) => openByHash(members.local.attempt((client) => client.readObject(sha256, offset))),
    },
  ];
  // At last: it may be back in a moment.
  const returned: Source = {
    local: true,
    open: (offset) => openByHash(members.local.attemptFor((client) => client.readObject(sha256, offset))),
  };
  const peers = reachablePeers(members).map((peer) => ({
    local: false,
    open: async (offset: number) => unproven(await peer.client.readObject(sha256, offset)),
  }));
  return members.damaged.has(sha256) ? [...peers, ...here] : [...here, ...peers, returned];
}

function unproven(stream: Stream): Opened {
  return { stream, proven: false };
}

async function openOnDisk(members: Members, entry: Entry, start: number): Promise<Opened> {
  const { places, damaged, local } = members;
  const told = places.take(entry);
  try {
    if (told !== undefined) return await openAt(members, entry, start, told);
  } catch (error) {
    if (damaged.has(entry.sha256)) throw error;
    // It has moved since: where to?
  }
  const answer = await local.attempt((client) => client.record({ path: entry.path, local: true }));
  const { entry: found, disk } = answer?.value ?? {};
  if (disk === undefined || found?.sha256 !== entry.sha256) throw new Error('not on this disk');
  return await openAt(members, entry, start, disk);
}

async function openAt(
  members: Members,
  { sha256, size }: Entry,
  start: number,
  disk: Place,
): Promise<Opened> {
  const file = await open(disk.path, 'r');
  let whole: Buffer | null = null;
  try {
    const found = await file.stat({ bigint: true });
    // Replaced between the answer and the open: the name leads to another file now.
    const same = String(found.ino) === disk.ino && String(found.mtimeNs) === disk.mtimeNs;
    if (!same || Number(found.size) !== size) throw new Error('another file is there now, or it was edited');
    if (size <= PIECE_BYTES) whole = await readWhole(file, size);
    if (size <= PROVE_FIRST_BYTES) {
      const read = whole === null ? await hashFile(file, size, members.slabs) : hash('sha256', whole);
      if (read !== sha256) {
        members.damaged.add(sha256);
        throw new Error('the bytes on this disk are damaged');
      }
    }
  } catch (error) {
    await file.close();
    throw error;
  }
  if (whole !== null) await file.close();
  const pieces = whole === null ? readPieces(file, start, size, members.slabs) : once(whole.subarray(start));
  const stream = { [Symbol.asyncIterator]: () => pieces, destroy: () => void pieces.return() };
  return { stream, proven: size <= PROVE_FIRST_BYTES };
}

async function* once(piece: Buffer): AsyncGenerator<Buffer, void> {
  yield piece;
}

async function openByHash(asking: Promise<{ readonly value: Stream } | null>): Promise<Opened> {
  const answer = await asking;
  if (answer === null) throw new Error('the own storage server does not answer');
  return unproven(answer.value);
}
