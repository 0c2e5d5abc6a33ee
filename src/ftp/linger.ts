/** An end for sockets that have said everything. */
import type { Socket } from 'node:net';

/**
 * Reads on, to see the FIN, but not for longer than `ms`: not the socket's own timeout, which a peer that goes on
 * sending would put off for ever.
 */
export function linger(socket: Socket, ms: number): void {
  if (socket.destroyed) return;
  const timer = setTimeout(() => socket.destroy(), ms);
  socket.once('close', () => clearTimeout(timer));
  socket.setTimeout(0);
  socket.resume();
}
