/**
 * The storage server: ftp-srv in front of a store, for the members of the network only.
 *
 * Implicit TLS with a certificate of the network on both sides, on control and data connections; the certificate is the
 * login. What it speaks: peers/protocol.ts. What ftp-srv gets wrong: ftp-srv-mended.ts.
 */
import { randomBytes } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import type { TLSSocket, TlsOptions } from 'node:tls';
import type { Endpoint, PortRange } from '../../config/settings-api.ts';
import { normaliseAddress } from '../../ftp/address.ts';
import type { TlsCredentials } from '../../peers/trust.ts';
import { TLS_CIPHERS } from '../../peers/trust.ts';
import { systemCodeOf } from '../../system/exit-status.ts';
import type { Logger } from '../../system/logger-api.ts';
import type { Store } from '../store-api.ts';
import { ChainBoard } from './chain-board.ts';
import { type ConnectionLimits, DEFAULT_MAX_CONNECTIONS, limitConnections } from './connection-limits.ts';
import { DataHandshakes } from './data-handshakes.ts';
import { makeSrvServer, type SrvConnection, type SrvServer } from './ftp-srv-internals.ts';
import { ALLOWED_VERBS, mendCommands, srvLog, takeOverSocket } from './ftp-srv-mended.ts';
import { HandshakeLog } from './handshake-log.ts';
import { MemberSightings } from './member-sightings.ts';
import { openOwnDoor } from './own-door.ts';
import { isOfThisMachine } from './own-machine.ts';
import { PassivePort } from './passive-port.ts';
import { PeerSession } from './peer-session.ts';
import { PeerTree } from './peer-tree.ts';
import type { SitePeer, SiteServices } from './site-handler.ts';
import { SweepBoard } from './sweep-board.ts';

export interface StorageServerOptions {
  readonly store: Store;
  /** Port 0: any. Host 0.0.0.0: every address, IPv6 too. */
  readonly listen: Endpoint;
  /** Where this member's own processes may ask without TLS (own-door.ts). */
  readonly socketPath?: string;
  /** From 0 to 0: any. */
  readonly passivePorts: PortRange;
  readonly credentials: TlsCredentials;
  readonly member: string;
  /** Random, new at every start. */
  readonly boot: string;
  readonly version: string;
  readonly logger: Logger;
  readonly maxConnections?: number;
}

export interface StorageServer {
  /** With the port it really has. */
  readonly endpoint: Endpoint;
  /** Takes nothing new; commands that run may finish for a few seconds, then they are aborted. The store stays open. */
  close(): Promise<void>;
}

/** `code` as the system gave it, for system/port-in-use.ts. */
export class PortInUse extends Error {
  override readonly name = 'PortInUse';
  readonly code = 'EADDRINUSE';
}

const HANDSHAKE_MS = 10_000;
const DRAIN_MS = 5_000;
/** For commands to end after they were aborted: a flush that hangs must not keep the process for ever. */
const LAST_MS = 5_000;

/** @throws PortInUse, or the system's error when it cannot listen there. */
export async function startStorageServer(options: StorageServerOptions): Promise<StorageServer> {
  const { credentials, store, logger, member, boot, version } = options;
  const tls = tlsOptions(credentials);
  const handshakes = new DataHandshakes(tls);
  const services: SiteServices = {
    store,
    boot,
    version,
    startedAt: Date.now(),
    board: new SweepBoard(),
    sightings: new MemberSightings({ member, store: store.hello().store, boot }, logger),
    chains: new ChainBoard({ member, store, credentials, logger }),
    logger,
  };
  store.disk.onSweepWanted(() => services.board.ask());
  const sessions = new Set<PeerSession>();
  let closing = false;
  const opened = (session: PeerSession): void => {
    if (closing) session.destroy();
    sessions.add(session);
    session.ended.addEventListener('abort', () => sessions.delete(session));
  };
  const start = async (host: string): Promise<{ server: SrvServer; limits: ConnectionLimits }> => {
    const { port } = options.listen;
    const server = makeSrvServer({
      url: `ftps://${host.includes(':') ? `[${host}]` : host}:${port}`,
      tls,
      whitelist: [...ALLOWED_VERBS],
      log: srvLog(logger),
      timeout: 0,
    });
    server.on('connect', ({ connection }: { connection: SrvConnection }) => {
      opened(openSession(connection, options, services, handshakes));
    });
    server.on('login', ({ connection, username }, resolve, reject) => {
      const name = nameOf((connection as SrvConnection).commandSocket);
      if (name !== null && username === name) resolve({ fs: new PeerTree(store, false) });
      else reject(new Error('The user name must be the name in the certificate.'));
    });
    const refusals = new HandshakeLog(credentials, logger);
    server.server.on('tlsClientError', (error, socket) => refusals.refused(error, socket));
    const limits = limitConnections(server.server, options.maxConnections ?? DEFAULT_MAX_CONNECTIONS, logger);
    await server.listen();
    return { server, limits };
  };
  const { server, limits } = await listenOn(options.listen, start);
  const { port } = server.server.address() as AddressInfo;
  const { socketPath: path } = options;
  const closeDoor = path === undefined ? null : await openOwnDoor({ path, member, services, logger, opened });
  return {
    endpoint: { host: options.listen.host, port },
    async close() {
      closing = true;
      const busy = [...sessions];
      server.server.close();
      closeDoor?.();
      for (const session of busy) session.shutDown();
      services.chains.close();
      services.board.stop();
      const quiet = Promise.all(busy.map((session) => session.quiet()));
      await Promise.race([quiet, delay(DRAIN_MS, null, { ref: false })]);
      for (const session of busy) session.destroy();
      await Promise.race([quiet, delay(LAST_MS, null, { ref: false })]);
      limits.destroyAll();
      await server.close();
    },
  };
}

/** The TLS of control and data connections. The same ticket keys: a data connection resumes the control connection's session. */
function tlsOptions({ cert, key, ca }: TlsCredentials): TlsOptions {
  return {
    cert,
    key,
    ca,
    requestCert: true,
    rejectUnauthorized: true,
    minVersion: 'TLSv1.2',
    ciphers: TLS_CIPHERS,
    honorCipherOrder: true,
    handshakeTimeout: HANDSHAKE_MS,
    ticketKeys: randomBytes(48),
    sessionIdContext: 'cloudroid',
  };
}

/** 0.0.0.0 stands for every address: IPv6 and IPv4 in one socket, IPv4 alone on a machine without IPv6. */
async function listenOn<T>({ host, port }: Endpoint, start: (host: string) => Promise<T>): Promise<T> {
  try {
    if (host !== '0.0.0.0') return await start(host);
    try {
      return await start('::');
    } catch (error) {
      if (!['EAFNOSUPPORT', 'EADDRNOTAVAIL'].includes(systemCodeOf(error) ?? '')) throw error;
      return await start(host);
    }
  } catch (error) {
    if (systemCodeOf(error) !== 'EADDRINUSE') throw error;
    throw new PortInUse(`${host}:${port} is in use by another program`, { cause: error });
  }
}

function openSession(
  connection: SrvConnection,
  { passivePorts, member, logger: serverLogger, store }: StorageServerOptions,
  services: SiteServices,
  handshakes: DataHandshakes,
): PeerSession {
  const socket = takeOverSocket(connection);
  const address = normaliseAddress(socket.remoteAddress);
  const name = nameOf(socket) ?? '';
  const sameMachine = isOfThisMachine(address);
  const logger = serverLogger.with({ peer: name, address });
  const port = new PassivePort({
    range: passivePorts,
    handshakes,
    localAddress: normaliseAddress(socket.localAddress),
    peerAddress: address,
    member: name,
    logger,
  });
  const session: PeerSession = new PeerSession({
    socket,
    logger,
    run: (line, aborted) => run(line, aborted),
    mayIdle: () => services.board.holdsAny(peer),
  });
  const peer: SitePeer = {
    member: name,
    address,
    sameMachine,
    own: sameMachine && name === member,
    ended: session.ended,
  };
  const run = mendCommands(connection, {
    services,
    peer,
    tree: new PeerTree(store, peer.own),
    port,
    restart: 0,
    say: (answer) => session.say(answer),
  });
  session.ended.addEventListener('abort', () => {
    port.close('the control connection has ended');
    services.board.releaseAll(peer);
  });
  return session;
}

function nameOf(socket: TLSSocket): string | null {
  const name: unknown = socket.getPeerCertificate().subject?.CN;
  return socket.authorized && typeof name === 'string' ? name : null;
}
