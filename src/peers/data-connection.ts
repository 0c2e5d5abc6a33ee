/** Data connections to a peer: EPSV (RFC 2428), TLS with the session of the control connection, resettable. */
import { connect, type Socket } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import type { PeerConnection } from './peer-connection.ts';

export interface DataConnection {
  readonly tls: TLSSocket;
  /** Below it: what can be reset (RST). */
  readonly raw: Socket;
}

const CONNECT_MS = 3_000;

/** Resolves when TCP is up; TLS shakes hands while the command that follows is on its way. */
export async function openDataConnection(connection: PeerConnection): Promise<DataConnection> {
  const reply = await connection.ask('EPSV');
  const port = Number(/\(\|\|\|(\d{1,5})\|\)/.exec(reply)?.[1]);
  const host = connection.socket.remoteAddress;
  if (!Number.isInteger(port) || host === undefined) {
    throw connection.fail(new Error(`no data port in its answer to EPSV: ${reply.slice(0, 80)}`));
  }
  const raw = connect({ host, port, noDelay: true });
  try {
    await new Promise<void>((resolve, reject) => {
      raw.setTimeout(CONNECT_MS, () => reject(new Error(`no data connection within ${CONNECT_MS / 1000} s`)));
      raw.once('error', reject);
      raw.once('connect', resolve);
    });
  } catch (error) {
    raw.destroy();
    throw connection.fail(error);
  }
  raw.setTimeout(0);
  const { context } = connection;
  const session = context.tlsSessionStore ?? connection.socket.getSession();
  const tls = connectTls({ ...context.tlsOptions, socket: raw, ...(session && { session }) });
  tls.on('session', (fresh) => {
    context.tlsSessionStore = fresh;
  });
  // Whoever uses it listens too; without this one an error before that would end the process.
  tls.on('error', () => undefined);
  raw.on('error', () => undefined);
  return { tls, raw };
}

/**
 * Closed with RST: what is on its way is void, and the other end cannot take half of it for the whole. Not while our own
 * end is being sent: then libuv refuses (uv_tcp_close_reset, EINVAL) and Node loses the socket without closing it, which
 * leaks the descriptor and lets the process spin when it exits. Seen with Node 26.10.
 *
 * TLS goes in a later turn: whoever has just heard of the handshake is called from within SSL_read, and where the socket below
 * is gone already Node frees the SSL object before that returns. Node 26.10 then ends with SIGSEGV.
 */
export function reset({ tls, raw }: DataConnection): void {
  const ending = (tls.writableEnded && !tls.writableFinished) || (raw.writableEnded && !raw.writableFinished);
  if (!raw.destroyed && !tls.destroyed && !ending) raw.resetAndDestroy();
  raw.destroy();
  setImmediate(() => tls.destroy());
}
