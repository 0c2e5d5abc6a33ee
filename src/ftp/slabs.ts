/**
 * Memory that the bytes of a socket or a file are read into, and that goes round: a piece of it is handed on, and used again when
 * whoever got it gives it back. Node itself makes a new buffer of 64 KiB for every read, and half of the processor time of
 * an upload went into allocating and collecting those. Who does not give a piece back does no harm: the slab is then
 * left to the collector.
 */
import { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';

/** What is left of a slab is not read into when it is shorter: many short reads cost more than the memory. */
const SHORTEST_READ_BYTES = 64 * 1024;
/** Kept for the next transfer. */
const MOST_FREE = 8;

export interface Slab {
  readonly memory: Buffer;
  /** Pieces that were handed out and are not back, and one for the socket that is read into it. */
  users: number;
}

export class SlabPool {
  /** Length of each. */
  readonly bytes: number;
  readonly #free: Slab[] = [];
  readonly #slabs = new WeakMap<ArrayBufferLike, Slab>();

  constructor(bytes: number) {
    this.bytes = bytes;
  }

  /** The caller is its one user until he says `leave`, or `giveBack` with a piece of it. */
  take(): Slab {
    const free = this.#free.pop();
    const slab = free ?? { memory: Buffer.allocUnsafeSlow(this.bytes), users: 0 };
    if (free === undefined) this.#slabs.set(slab.memory.buffer, slab);
    slab.users = 1;
    return slab;
  }

  leave(slab: Slab): void {
    slab.users -= 1;
    if (slab.users === 0 && this.#free.length < MOST_FREE) this.#free.push(slab);
  }

  /** Once for a piece, when nobody will look at it any more. Other memory than a slab's is none of our business. */
  giveBack(piece: Uint8Array): void {
    const slab = this.#slabs.get(piece.buffer);
    if (slab !== undefined) this.leave(slab);
  }
}

/**
 * From now on what comes from the socket goes into slabs, and each piece to `onPiece` instead of a 'data' event; pause and
 * resume work as ever. For a socket of which nothing was read yet, with or without TLS; false: it is none, and nothing was changed.
 *
 * What Socket's option `onread` does is done here to a socket that a server has accepted: for those Node 26 has no way to
 * say it. When a later Node calls its fields otherwise, the answer is false and all works as it did, only slower.
 */
export function readIntoSlabs(socket: Socket, pool: SlabPool, onPiece: (piece: Buffer) => void): boolean {
  const fields = fieldsOf(socket);
  if (fields === null || socket.readableLength > 0) return false;
  let slab = pool.take();
  let at = 0;
  const rest = () => (at === 0 ? slab.memory : slab.memory.subarray(at));
  const next = () => {
    if (pool.bytes - at < SHORTEST_READ_BYTES) {
      pool.leave(slab);
      slab = pool.take();
      at = 0;
    }
    return rest();
  };
  const took = (bytes: number): boolean => {
    const piece = slab.memory.subarray(at, at + bytes);
    at += bytes;
    slab.users += 1;
    onPiece(piece);
    return true;
  };
  fields.install(rest(), next, took);
  // Only then nothing is read into it any more; a socket that is cut keeps its slab.
  socket.once('end', () => pool.leave(slab));
  return true;
}

/** Two pieces of one memory without a gap are one piece. */
export function isBehind(chunk: Buffer, last: Buffer): boolean {
  return chunk.buffer === last.buffer && chunk.byteOffset === last.byteOffset + last.length;
}

interface ReadFields {
  install(first: Buffer, next: () => Buffer, took: (bytes: number) => boolean): void;
}

/** Null: this is no socket of a Node that we know, or something has come from it already. */
function fieldsOf(socket: Socket): ReadFields | null {
  if (!(socket instanceof Socket) || socket.destroyed) return null;
  const inner = socket as unknown as { [field: symbol]: unknown; _handle?: unknown };
  const symbols = Object.getOwnPropertySymbols(socket);
  const [buffer, taken, following] = ['kBuffer', 'kBufferCb', 'kBufferGen'].map((name) =>
    symbols.find(({ description }) => description === name),
  );
  const handle = inner._handle as { reading?: boolean; useUserBuffer?: (memory: Buffer) => void } | null;
  if (buffer === undefined || taken === undefined || following === undefined) return null;
  if (typeof handle?.useUserBuffer !== 'function') return null;
  // TLS has read from the handshake on; what it had to say by then is in readableLength.
  if (!(socket instanceof TLSSocket) && (handle.reading === true || socket.bytesRead > 0)) return null;
  return {
    install(first, next, took) {
      inner[buffer] = first;
      inner[following] = next;
      inner[taken] = took;
      handle.useUserBuffer?.(first);
    },
  };
}
