/** RST: what is on its way is void, and the other end cannot take half of it for the whole. */
import type { Socket } from 'node:net';

/**
 * Not while our own end is being sent: then libuv refuses (uv_tcp_close_reset: EINVAL) and Node loses the socket without
 * closing it, which leaks the descriptor and lets the process spin when it exits. Seen with Node 26.10.
 */
export function resetConnection(socket: Socket): void {
  if (socket.destroyed) return;
  if (socket.writableEnded && !socket.writableFinished) socket.destroy();
  else socket.resetAndDestroy();
}
