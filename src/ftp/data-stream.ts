/** Moving bytes over a data connection, at the pace of the slower side. */
import type { Socket } from 'node:net';
import { type Slowest, watchPace } from './data-pace.ts';
import { linger } from './linger.ts';
import { resetConnection } from './reset-connection.ts';
import { isBehind, readIntoSlabs, type SlabPool } from './slabs.ts';

/** 426: the client broke the data connection off, or let it stand still. */
export class DataConnectionLost extends Error {
  override readonly name = 'DataConnectionLost';
}

export interface MoveOptions {
  readonly signal: AbortSignal;
  /** Longest time without a byte that is the client's fault. */
  readonly stallMs: number;
  readonly slowest: Slowest;
  /** Where what comes is read into; the pieces belong to it and should be given back. Absent: memory of their own. */
  readonly slabs?: SlabPool;
}

/** Bytes read ahead of a slow consumer. */
const AHEAD_BYTES = 1024 * 1024;
/** How long a socket may stay after its transfer until both sides have closed. */
const LINGER_MS = 10_000;

/**
 * Every chunk until the client's FIN. Not the stream's own iterator: that one joins what is buffered into a copy.
 * @throws DataConnectionLost on a reset or a stall, the signal's reason when aborted.
 */
export async function* receive(
  socket: Socket,
  { signal, stallMs, slowest, slabs }: MoveOptions,
): AsyncGenerator<Buffer, void> {
  const chunks: Buffer[] = [];
  let waiting = 0;
  let received = 0;
  let ended = false;
  let failure: Error | null = null;
  let wake: (() => void) | null = null;
  const stir = () => {
    wake?.();
    wake = null;
  };
  const fail = (error: Error) => {
    failure ??= error;
    stir();
  };
  const onAbort = () => fail(signal.reason as Error);
  signal.addEventListener('abort', onAbort);
  if (signal.aborted) onAbort();
  const take = (chunk: Buffer) => {
    const last = chunks.at(-1);
    if (slabs !== undefined && last !== undefined && isBehind(chunk, last)) {
      chunks[chunks.length - 1] = Buffer.from(last.buffer, last.byteOffset, last.length + chunk.length);
      slabs.giveBack(chunk);
    } else {
      chunks.push(chunk);
    }
    waiting += chunk.length;
    received += chunk.length;
    if (waiting >= AHEAD_BYTES) socket.pause();
    stir();
  };
  if (slabs === undefined || !readIntoSlabs(socket, slabs, take)) socket.on('data', take);
  socket.once('end', () => {
    ended = true;
    stir();
  });
  socket.once('error', (error) =>
    fail(new DataConnectionLost('The data connection was reset.', { cause: error })),
  );
  socket.once('close', () => {
    if (!ended) fail(new DataConnectionLost('The data connection was closed.'));
  });
  const onStall = () => {
    // Bytes wait here: the members are slow, not the client.
    if (waiting > 0) socket.setTimeout(stallMs);
    else fail(new DataConnectionLost('Nothing came for too long.'));
  };
  socket.on('timeout', onStall);
  socket.setTimeout(stallMs);
  if (socket.errored !== null)
    fail(new DataConnectionLost('The data connection was reset.', { cause: socket.errored }));
  // Over TLS the end can come with the last step of the handshake (empty files), before anybody listens.
  else if (socket.readableEnded) ended = true;
  else if (socket.destroyed) fail(new DataConnectionLost('The data connection was closed.'));
  const stopWatch = watchPace(slowest, { clientsTurn: () => wake !== null, bytes: () => received }, () =>
    fail(new DataConnectionLost('The bytes came too slowly.')),
  );
  socket.resume();
  try {
    for (;;) {
      if (failure !== null) throw failure;
      const chunk = chunks.shift();
      if (chunk !== undefined) {
        yield chunk;
        waiting -= chunk.length;
        if (socket.isPaused() && waiting < AHEAD_BYTES / 2) socket.resume();
      } else if (ended) {
        return;
      } else {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    }
  } finally {
    stopWatch();
    signal.removeEventListener('abort', onAbort);
    socket.off('timeout', onStall);
    linger(socket, LINGER_MS);
  }
}

/** What `send` sends. A Readable is one. */
export interface Bytes extends AsyncIterable<Buffer> {
  /** Ends it early; nothing of it is left open. */
  destroy(): void;
  /** Called with a piece whose bytes the operating system has: its memory is free. Absent: each has its own. */
  giveBack?(piece: Buffer): void;
}

/**
 * Sends all of the bytes and a FIN, and resolves when everything is with the operating system. Any failure resets the
 * connection, so that nobody takes half a file for a whole one.
 * No least pace: the system takes megabytes ahead and then nothing for minutes, so that a slow reader looks like none.
 * @throws DataConnectionLost when it is the client's fault, the signal's reason, else the source's own error.
 */
export async function send(
  source: Bytes,
  socket: Socket,
  { signal, stallMs }: Omit<MoveOptions, 'slowest'>,
): Promise<void> {
  let failure: { readonly error: unknown } | null = null;
  let giveUp: (error: unknown) => void = () => undefined;
  let drained: () => void = () => undefined;
  const fail = (error: unknown) => {
    failure ??= { error };
    giveUp(failure.error);
  };
  /** One wait at a time, cut short by any failure: the source may be waiting for a peer that never answers. */
  const wait = <T>(begin: (resolve: (value: T) => void) => Promise<T> | undefined) =>
    new Promise<T>((resolve, reject) => {
      giveUp = reject;
      if (failure !== null) reject(failure.error);
      else begin(resolve)?.then(resolve, reject);
    });
  const lost = (cause?: unknown) =>
    fail(new DataConnectionLost('The client closed the data connection.', { cause }));
  const onAbort = () => fail(signal.reason);
  const onClose = () => lost();
  const onDrain = () => drained();
  const onStall = () => {
    // Nothing to send: the source is slow, not the client.
    if (socket.writableLength === 0) socket.setTimeout(stallMs);
    else fail(new DataConnectionLost('The client stopped reading.'));
  };
  signal.addEventListener('abort', onAbort);
  socket.on('error', lost).on('close', onClose).on('drain', onDrain).on('timeout', onStall);
  socket.setTimeout(stallMs);
  if (signal.aborted) onAbort();
  else if (socket.destroyed) lost(socket.errored);
  const pieces = source[Symbol.asyncIterator]();
  try {
    for (;;) {
      const next = await wait<IteratorResult<Buffer>>(() => pieces.next());
      if (next.done === true) break;
      const piece = next.value;
      const written = (error?: Error | null) => {
        if (!error) source.giveBack?.(piece);
      };
      if (!socket.write(piece, written)) {
        await wait<void>((resolve) => {
          drained = resolve;
          return undefined;
        });
      }
    }
    await wait<void>((resolve) => {
      socket.end(resolve);
      return undefined;
    });
  } catch (error) {
    resetConnection(socket);
    source.destroy();
    throw signal.aborted ? signal.reason : error;
  } finally {
    signal.removeEventListener('abort', onAbort);
    socket.off('error', lost).off('close', onClose).off('drain', onDrain).off('timeout', onStall);
  }
  linger(socket, LINGER_MS);
}
