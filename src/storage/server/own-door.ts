/**
 * The Unix socket on which this member's own processes ask their storage server: no TLS, no log-in, commands only. What
 * guards it is the state folder: who gets in there may read the network key, and could log in as this member anyway.
 */
import { chmodSync, unlinkSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { systemCodeOf } from '../../system/exit-status.ts';
import type { Logger } from '../../system/logger-api.ts';
import { parseCommand } from './ftp-srv-mended.ts';
import { plainCommands } from './peer-commands.ts';
import { PeerSession } from './peer-session.ts';
import { PeerTree } from './peer-tree.ts';
import type { Answer } from './server-answer.ts';
import type { SitePeer, SiteServices } from './site-handler.ts';

export interface OwnDoorOptions {
  readonly path: string;
  readonly member: string;
  readonly services: SiteServices;
  readonly logger: Logger;
  /** Called with each session that begins. */
  readonly opened: (session: PeerSession) => void;
}

/**
 * Resolves with what closes it: the sessions are the caller's. Null where there can be no socket (a file system without
 * them, a path of more than 107 bytes): then the own processes come through the TLS port like everybody.
 */
export async function openOwnDoor(options: OwnDoorOptions): Promise<(() => void) | null> {
  const { path, logger } = options;
  // One that was killed leaves it behind; only who holds the store's lock comes here.
  const server = createServer((socket) => options.opened(serve(socket, options)));
  try {
    removeSocket(path);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    server.once('error', reject).listen({ path, backlog: 511 }, resolve);
    await promise;
    chmodSync(path, 0o600);
  } catch (error) {
    server.close();
    logger.debug('there is no socket for the own processes', { path, error });
    return null;
  }
  server.on('error', (error) => logger.warn('the socket for the own processes fails', { error }));
  return () => server.close();
}

function removeSocket(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if (systemCodeOf(error) !== 'ENOENT') throw error;
  }
}

function serve(socket: Socket, { member, services, logger }: OwnDoorOptions): PeerSession {
  socket.on('error', () => socket.destroy());
  const tree = new PeerTree(services.store, true);
  const session = new PeerSession({ socket, logger, run, mayIdle: () => services.board.holdsAny(peer) });
  const peer: SitePeer = {
    member,
    address: 'this machine',
    sameMachine: true,
    own: true,
    ended: session.ended,
  };
  session.ended.addEventListener('abort', () => services.board.releaseAll(peer));
  return session;

  async function run(line: string): Promise<Answer> {
    const { directive, arg } = parseCommand(line);
    const command = Object.hasOwn(plainCommands, directive) ? plainCommands[directive] : undefined;
    if (command === undefined) return { code: 502, text: 'Not through this socket.' };
    return await command(arg ?? '', { services, peer, tree });
  }
}
