/**
 * The virtual tree that peers see instead of a disk, as ftp-srv's "file system" of a connection:
 *
 *   /staging/<id>            STOR, REST + STOR, APPE, RETR, SIZE, DELE
 *   /objects/<sha256>        RETR, SIZE
 *   /list/<base64url(dir)>   RETR: NDJSON of Entry
 *   /shown/<base64url(dir)>  the same without records, for those who only show it (peers/shown-listing.ts)
 *   /changes/<n>             RETR: NDJSON, a header and records
 *   /tree/...                RETR: the hash tree (peers/protocol-tree.ts)
 *   /files/, /disk/, /missing/  for the member's own processes (peers/protocol-upkeep.ts)
 *   /trash, /conflicts       RETR: NDJSON, for this member's own processes (protocol-attic.ts)
 *
 * No other path exists, and no path of the peer's ever becomes a path of the disk: names are checked ids or hashes.
 */
import type { FileHandle } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { decodeSelection } from '../../peers/protocol-tree.ts';
import { decodeText, toNdjson, WireError } from '../../peers/wire.ts';
import { BUCKETS, FAN_OUT } from '../../replication/hash-tree.ts';
import { Refusal } from '../../replication/operation.ts';
import type { StagingWriter, Store } from '../store-api.ts';

type Place =
  | { readonly kind: 'staging'; readonly id: string }
  | { readonly kind: 'object'; readonly sha256: string }
  | { readonly kind: 'list' | 'shown'; readonly dir: string }
  | { readonly kind: 'changes'; readonly after: number }
  | { readonly kind: 'files' | 'disk' | 'missing'; readonly argument: string }
  | { readonly kind: 'tree'; readonly level: string; readonly selection: string }
  | { readonly kind: 'trash' | 'conflicts' };

const STAGING_ID = /^[A-Za-z0-9_-]{8,80}$/;
const SHA256 = /^[0-9a-f]{64}$/;
const READ_BYTES = 256 * 1024;

export class PeerTree {
  readonly #store: Store;
  /** The peer is a process of this very member. */
  readonly #own: boolean;

  constructor(store: Store, own: boolean) {
    this.#store = store;
    this.#own = own;
  }

  /** `start`: bytes already there. @throws Refusal, WireError */
  async write(path: string, options: { append: boolean; start: number }): Promise<StagingWriter> {
    const place = placeOf(path);
    if (place.kind !== 'staging') throw notHere(path);
    const start = options.append ? ((await this.#store.stagedSize(place.id)) ?? 0) : options.start;
    return await this.#store.writeStaging(place.id, start);
  }

  /** The stream owns what it reads from: destroying it lets file or snapshot go. @throws Refusal, WireError */
  async read(path: string, from: { start: number }): Promise<Readable> {
    const { disk } = this.#store;
    try {
      const stream = await this.#open(path, from);
      return stream.once('error', (error) => disk.noticeError(error));
    } catch (error) {
      disk.noticeError(error);
      throw error;
    }
  }

  async #open(path: string, { start }: { start: number }): Promise<Readable> {
    const place = placeOf(path);
    if (start > 0 && place.kind !== 'staging' && place.kind !== 'object') {
      throw new WireError('records cannot be read from the middle');
    }
    switch (place.kind) {
      case 'staging':
        return await readFile(await this.#store.openStaging(place.id), start);
      case 'object':
        return await readFile((await this.#store.openObject(place.sha256)).handle, start);
      case 'list':
        return records(this.#store.list(place.dir));
      case 'shown':
        return streamOf(this.#store.listShown(place.dir), textLines);
      case 'changes': {
        const { header, records: changed } = this.#store.changes(place.after);
        return records(changed, header);
      }
      case 'trash':
      case 'conflicts':
        if (!this.#own) throw notHere(path);
        return records(this.#store.attic[place.kind]());
      case 'files':
      case 'disk':
      case 'missing':
        return this.#readUpkeep(place, path);
      case 'tree':
        return this.#readTree(place, path);
    }
  }

  #readUpkeep(
    { kind, argument }: { kind: 'files' | 'disk' | 'missing'; argument: string },
    path: string,
  ): Readable {
    const { upkeep } = this.#store;
    if (!this.#own) throw notHere(path);
    switch (kind) {
      case 'files':
        return records(upkeep.files(decodeText(argument)));
      case 'disk':
        return records(upkeep.folder(decodeText(argument)));
      case 'missing':
        return records(upkeep.missing(decodeText(argument)));
    }
  }

  #readTree({ level, selection }: { level: string; selection: string }, path: string): Readable {
    const { tree } = this.#store;
    switch (level) {
      case 'nodes':
        return Readable.from([tree.nodes()]);
      case 'buckets':
        return Readable.from([tree.bucketsBelow(decodeSelection(selection, FAN_OUT))]);
      case 'records': {
        const { header, records: found } = tree.records(decodeSelection(selection, BUCKETS));
        return records(found, header);
      }
      default:
        throw notHere(path);
    }
  }

  /** Bytes. @throws Refusal not-found */
  async get(path: string): Promise<{ readonly size: number }> {
    const place = placeOf(path);
    if (place.kind === 'staging') {
      const size = await this.#store.stagedSize(place.id);
      if (size === null) throw new Refusal('not-found', 'no such staged file');
      return { size };
    }
    if (place.kind !== 'object') throw notHere(path);
    const { handle, size } = await this.#store.openObject(place.sha256);
    await handle.close();
    return { size };
  }

  async delete(path: string): Promise<void> {
    const place = placeOf(path);
    if (place.kind !== 'staging') throw notHere(path);
    await this.#store.dropStaging(place.id);
  }
}

function notHere(path: string): Refusal {
  return new Refusal('invalid', `not possible in the peer tree: ${path.slice(0, 100)}`);
}

function placeOf(path: string): Place {
  const [empty, folder, name, ...more] = path.split('/');
  if (path === '/trash' || path === '/conflicts') return { kind: path === '/trash' ? 'trash' : 'conflicts' };
  if (empty === '' && folder === 'tree' && more.length <= 1) {
    return { kind: 'tree', level: name ?? '', selection: more[0] ?? '' };
  }
  if (empty !== '' || name === undefined || more.length > 0) throw notHere(path);
  if (folder === 'files' || folder === 'disk' || folder === 'missing')
    return { kind: folder, argument: name };
  if (folder === 'staging' && STAGING_ID.test(name)) return { kind: 'staging', id: name };
  if (folder === 'objects' && SHA256.test(name)) return { kind: 'object', sha256: name };
  if (folder === 'list' || folder === 'shown') return { kind: folder, dir: decodeText(name) };
  if (folder === 'changes' && /^\d{1,15}$/.test(name)) return { kind: 'changes', after: Number(name) };
  throw notHere(path);
}

async function readFile(handle: FileHandle, start: number): Promise<Readable> {
  try {
    const { size } = await handle.stat();
    if (start > size) throw new Refusal('invalid', `it has ${size} bytes, so it cannot go on at ${start}`);
    // Up to the size of this moment: a staged file may grow meanwhile.
    if (start === size) {
      await handle.close();
      return Readable.from([]);
    }
    return handle.createReadStream({ start, end: size - 1, highWaterMark: READ_BYTES });
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/** A stream of NDJSON, a header before it. */
function records(values: Iterable<unknown>, header?: unknown): Readable {
  return streamOf(values, function* write(all) {
    if (header !== undefined) yield* toNdjson([header]);
    yield* toNdjson(all);
  });
}

/** Destroying it returns the iterator of the values, even when nobody has asked it for anything yet. */
function streamOf<T>(values: Iterable<T>, write: (values: Iterable<T>) => Iterable<Buffer>): Readable {
  const iterator = values[Symbol.iterator]();
  const pieces = write({ [Symbol.iterator]: () => iterator });
  const stream = Readable.from(pieces, { objectMode: false, highWaterMark: READ_BYTES });
  return stream.once('close', () => iterator.return?.());
}

function* textLines(texts: Iterable<string>): Generator<Buffer, void> {
  for (const text of texts) yield Buffer.from(`${text}\n`, 'utf8');
}
