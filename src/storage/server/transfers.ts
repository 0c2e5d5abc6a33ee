/**
 * Bytes over a data connection of the peer protocol, both ways. A transfer ends in one of two ways: everything went
 * through, or the connection is reset so that the other end cannot take half of it for the whole.
 */
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { isBehind, readIntoSlabs, SlabPool } from '../../ftp/slabs.ts';
import { type DataConnection, reset } from '../../peers/data-connection.ts';
import type { StagingWriter } from '../store-api.ts';
import { DataConnectionFailed } from './server-answer.ts';

/** Longest time without a byte from a peer that is expected to read. */
const STALL_MS = 60_000;
/** The same of one that sends: its client may pause. One that is gone is noticed by TCP. */
const PAUSE_MS = 600_000;
/** Bytes that wait while the disk writes; many small TLS records become one write. */
const AHEAD_BYTES = 512 * 1024;
/** Memory that all uploads are read into: garbage of this size would cost more than everything else about them. */
const slabs = new SlabPool(512 * 1024);
const LINGER_MS = 10_000;

/**
 * Writes until the peer's FIN. The writer is neither ended nor aborted here.
 * @throws DataConnectionFailed on a reset or stall, the signal's reason, or what the writer throws.
 */
export async function receive({ tls, raw }: DataConnection, writer: StagingWriter, signal: AbortSignal) {
  let chunks: Buffer[] = [];
  let waiting = 0;
  let ended = false;
  let failure: unknown;
  let wake: () => void = () => undefined;
  const fail = (why: string, cause?: unknown) => {
    failure ??= new DataConnectionFailed(426, why, { cause });
    wake();
  };
  const onAbort = () => {
    failure ??= signal.reason;
    wake();
  };
  signal.addEventListener('abort', onAbort);
  const take = (chunk: Buffer) => {
    const last = chunks.at(-1);
    if (last !== undefined && isBehind(chunk, last)) {
      chunks[chunks.length - 1] = Buffer.from(last.buffer, last.byteOffset, last.length + chunk.length);
      slabs.giveBack(chunk);
    } else chunks.push(chunk);
    waiting += chunk.length;
    if (waiting >= AHEAD_BYTES) tls.pause();
    wake();
  };
  if (readIntoSlabs(tls, slabs, take)) tls.resume();
  else tls.on('data', take);
  tls.once('end', () => {
    ended = true;
    wake();
  });
  tls.once('error', (error) => fail('The data connection was reset.', error));
  tls.once('close', () => {
    if (!ended) fail('The data connection was closed.');
  });
  raw.setKeepAlive(true, 30_000);
  tls.setTimeout(PAUSE_MS, () => {
    if (!tls.isPaused()) fail('Nothing came for ten minutes.');
  });
  if (tls.destroyed) fail('The data connection was reset.', tls.errored);
  if (signal.aborted) onAbort();
  try {
    for (;;) {
      if (failure !== undefined) throw failure;
      if (chunks.length > 0) {
        const batch = chunks;
        chunks = [];
        waiting = 0;
        if (tls.isPaused()) tls.resume();
        for (const chunk of batch) {
          await writer.write(chunk);
          slabs.giveBack(chunk);
        }
      } else if (ended) {
        break;
      } else {
        const stirred = Promise.withResolvers<void>();
        wake = stirred.resolve;
        await stirred.promise;
      }
    }
    tls.setTimeout(0);
    tls.end();
    destroyLater({ tls, raw });
  } catch (error) {
    reset({ tls, raw });
    throw error;
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

/**
 * Sends all of the stream and a FIN. A peer that closes early ends the transfer at once (ftp-srv waits for ever).
 * @throws DataConnectionFailed, the signal's reason, or the source's own error.
 */
export async function send(source: Readable, { tls, raw }: DataConnection, signal: AbortSignal) {
  let sourceError: Error | null = null;
  source.once('error', (error) => {
    if (!tls.destroyed) sourceError = error;
  });
  let stalled = false;
  tls.setTimeout(STALL_MS, () => {
    // Nothing to send: the source is slow, not the peer.
    if (tls.writableLength === 0) return;
    stalled = true;
    reset({ tls, raw });
  });
  try {
    // A peer has nothing to say here; but only a socket that is read notices its FIN.
    tls.once('end', () => {
      if (!tls.writableFinished) tls.destroy();
    });
    tls.resume();
    await pipeline(source, tls, { signal });
    destroyLater({ tls, raw });
  } catch (error) {
    reset({ tls, raw });
    if (signal.aborted) throw signal.reason;
    if (sourceError !== null) throw sourceError;
    const why = stalled ? 'The peer stopped reading.' : 'The peer closed the data connection.';
    throw new DataConnectionFailed(426, why, { cause: error });
  }
}

function destroyLater({ tls, raw }: DataConnection): void {
  const timer = setTimeout(() => raw.destroy(), LINGER_MS).unref();
  tls.once('close', () => clearTimeout(timer));
  if (tls.closed) clearTimeout(timer);
}
