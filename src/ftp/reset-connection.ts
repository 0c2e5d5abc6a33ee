/** RST: what is on its way is void, and the other end cannot take half of it for the whole. */
import type { Socket } from 'node:net';
import { plainSocketOf } from './secure-socket.ts';

/**
 * Not while our own end is being sent: then libuv refuses (uv_tcp_close_reset: EINVAL) and Node loses the socket without
 * closing it, which leaks the descriptor and lets the process spin when it exits. Seen with Node 26.10. Nor by a
 * TLSSocket, which throws: by the socket below it. TLS goes in a later turn: whoever has just heard of the handshake is
 * called from within SSL_read, and where the socket below is gone already Node frees the SSL object before that returns,
 * which ends the process (SIGSEGV, Node 26.10).
 */
export function resetConnection(socket: Socket): void {
  if (socket.destroyed) return;
  if (socket.writableEnded && !socket.writableFinished) {
    socket.destroy();
    return;
  }
  const plain = plainSocketOf(socket);
  if (plain.destroyed) return;
  plain.resetAndDestroy();
  if (plain !== socket) setImmediate(() => socket.destroy());
}
