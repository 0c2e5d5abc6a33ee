/** How many connections a storage server takes, in all and from one address, counted before any handshake. */
import type { Socket } from 'node:net';
import type { Server } from 'node:tls';
import { normaliseAddress } from '../../ftp/address.ts';
import type { Logger } from '../../system/logger-api.ts';

/** Nine members on one address (`npm run network`) need about 100; a proxy with 50 uploads at once 50 more. */
export const DEFAULT_MAX_CONNECTIONS = 512;
const SHARE_OF_ONE_ADDRESS = 0.75;
const TOLD_EVERY_MS = 60_000;

export interface ConnectionLimits {
  /** Cuts everything, handshakes under way included. */
  destroyAll(): void;
}

export function limitConnections(server: Server, maxConnections: number, logger: Logger): ConnectionLimits {
  const maxPerAddress = Math.max(1, Math.floor(maxConnections * SHARE_OF_ONE_ADDRESS));
  const perAddress = new Map<string, number>();
  const sockets = new Set<Socket>();
  let told = Number.NEGATIVE_INFINITY;
  const tell = (address: string) => {
    if (performance.now() - told < TOLD_EVERY_MS) return;
    told = performance.now();
    logger.warn('too many connections on the storage port: some were closed', { address, maxConnections });
  };
  server.maxConnections = maxConnections;
  server.on('drop', (dropped) => tell(normaliseAddress(dropped?.remoteAddress)));
  // Before the handshake: the listener that tls.Server itself has for this event comes first and is harmless.
  server.on('connection', (socket: Socket) => {
    const address = normaliseAddress(socket.remoteAddress);
    const count = (perAddress.get(address) ?? 0) + 1;
    perAddress.set(address, count);
    sockets.add(socket);
    socket.once('close', () => {
      sockets.delete(socket);
      const left = (perAddress.get(address) ?? 1) - 1;
      if (left > 0) perAddress.set(address, left);
      else perAddress.delete(address);
    });
    if (count <= maxPerAddress) return;
    tell(address);
    socket.destroy();
  });
  return {
    destroyAll() {
      for (const socket of sockets) socket.destroy();
    },
  };
}
