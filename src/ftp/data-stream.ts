/** Moving bytes over a data connection, at the pace of the slower side. */
import type { Socket } from 'node:net';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { type Slowest, watchPace } from './data-pace.ts';
import { linger } from './linger.ts';
import { resetConnection } from './reset-connection.ts';

/** 426: the client broke the data connection off, or let it stand still. */
export class DataConnectionLost extends Error {
  override readonly name = 'DataConnectionLost';
}

export interface MoveOptions {
  readonly signal: AbortSignal;
  /** Longest time without a byte that is the client's fault. */
  readonly stallMs: number;
  readonly slowest: Slowest;
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
  { signal, stallMs, slowest }: MoveOptions,
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
  socket.on('data', (chunk: Buffer) => {
    chunks.push(chunk);
    waiting += chunk.length;
    received += chunk.length;
    if (waiting >= AHEAD_BYTES) socket.pause();
    stir();
  });
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

/**
 * Sends all of the stream and a FIN, and resolves when everything is with the operating system. Any failure resets the
 * connection, so that nobody takes half a file for a whole one.
 * No least pace: the system takes megabytes ahead and then nothing for minutes, so that a slow reader looks like none.
 * @throws DataConnectionLost when it is the client's fault, the signal's reason, else the stream's own error.
 */
export async function send(
  source: Readable,
  socket: Socket,
  { signal, stallMs }: Omit<MoveOptions, 'slowest'>,
): Promise<void> {
  let sourceError: Error | null = null;
  // Before the pipeline listens: it would close the socket with a FIN, and half a file would look whole.
  source.once('error', (error) => {
    if (!socket.destroyed) sourceError = error;
    resetConnection(socket);
  });
  source.once('close', () => {
    if (source.readableEnded || socket.destroyed) return;
    sourceError ??= new Error('The source closed before its end.');
    resetConnection(socket);
  });
  const reset = () => resetConnection(socket);
  signal.addEventListener('abort', reset);
  if (signal.aborted) reset();
  let stalled: string | null = null;
  const onStall = () => {
    // Nothing to send: the source is slow, not the client.
    if (socket.writableLength === 0) {
      socket.setTimeout(stallMs);
      return;
    }
    stalled = 'The client stopped reading.';
    resetConnection(socket);
  };
  socket.on('timeout', onStall);
  socket.setTimeout(stallMs);
  try {
    await pipeline(source, socket, { signal });
  } catch (error) {
    resetConnection(socket);
    if (signal.aborted) throw signal.reason;
    if (sourceError !== null) throw sourceError;
    throw new DataConnectionLost(stalled ?? 'The client closed the data connection.', { cause: error });
  } finally {
    signal.removeEventListener('abort', reset);
    socket.off('timeout', onStall);
  }
  linger(socket, LINGER_MS);
}
