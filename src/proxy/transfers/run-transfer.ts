/** What all transfers have in common: the data connection, the 150, ABOR, the log line. */
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { NoDataConnection, NothingPrepared, SOCKET_BUFFER_BYTES } from '../../ftp/data-connection.ts';
import type { MoveOptions } from '../../ftp/data-stream.ts';
import { type Reply, reply } from '../../ftp/reply.ts';
import { HandshakeFailed, handshake, secureSocket } from '../../ftp/secure-socket.ts';
import { NoReplicaError } from '../../peers/replica-set-api.ts';
import { Refusal } from '../../replication/operation.ts';
import { CommandRefused, refusalReply } from '../error-reply.ts';
import type { Session } from '../session.ts';
import { Transfer, type TransferKind } from './transfer.ts';

export interface TransferRequest {
  readonly kind: TransferKind;
  readonly command: string;
  readonly path: string;
}

/** What REST and ALLO said; used up by this transfer. */
export interface Preparations {
  readonly restartAt: number;
  readonly announcedBytes: number;
}

/** Runs `move`; whatever happens, the session is ready for the next command afterwards. */
export async function runTransfer(
  session: Session,
  { kind, command, path }: TransferRequest,
  move: (transfer: Transfer, preparations: Preparations) => Promise<Reply>,
): Promise<Reply> {
  const transfer = new Transfer(kind, command, path);
  const { restartAt, announcedBytes } = session;
  session.transfer = transfer;
  session.restartAt = 0;
  session.announcedBytes = 0;
  try {
    checkProtection(session);
    return await move(transfer, { restartAt, announcedBytes });
  } catch (error) {
    const cause: unknown = transfer.signal.aborted ? transfer.signal.reason : error;
    logFailure(session, transfer, cause);
    throw cause;
  } finally {
    transfer.end();
    session.transfer = null;
    session.data.close();
  }
}

/** RFC 4217 section 10.2 leaves the code open; 521 is what says "not with this PROT". */
function checkProtection({ services, security }: Session): void {
  if (services.requireTls && security.protection !== 'P') {
    throw new CommandRefused(521, 'Data connections are private here: say PBSZ 0 and PROT P first.');
  }
}

export interface DataConnection {
  /**
   * The socket, ready for bytes. Sends the 150 unless it went out ahead of the connection; with PROT P the handshake
   * follows, because clients begin it when they have seen the 150. @throws NoDataConnection, or the signal's reason.
   */
  begin(): Promise<Socket>;
  /** Cuts it unless its end was sent. */
  drop(): void;
}

/**
 * The data connection. Like vsftpd we wait for it before the 150; but a person with telnet and some devices connect
 * only after the 150, so it does not wait for ever.
 */
export async function openData(
  session: Session,
  transfer: Transfer,
  opening: string,
): Promise<DataConnection> {
  let said = false;
  const say = () => {
    if (!said) session.say(reply(150, opening));
    said = true;
  };
  const timer = session.data.prepared ? setTimeout(say, session.services.limits.early150Ms) : undefined;
  try {
    const plain = await session.data.open(transfer.signal);
    let socket = plain;
    return {
      async begin() {
        say();
        if (session.security.protection === 'P') {
          const encrypted = startTls(session, transfer, plain);
          socket = encrypted;
          await secured(session, transfer, encrypted);
        }
        return socket;
      },
      drop: () => {
        // One that was reset goes by itself, and not in this turn (ftp/reset-connection.ts).
        if (!socket.writableEnded && !plain.destroyed) socket.destroy();
      },
    };
  } finally {
    clearTimeout(timer);
  }
}

function startTls({ services }: Session, { kind }: Transfer, plain: Socket): TLSSocket {
  if (services.tls === undefined) throw new NoDataConnection('There is no TLS here.');
  return secureSocket(plain, services.tls.context, {
    highWaterMark: SOCKET_BUFFER_BYTES,
    strictClose: services.strictTlsClose && kind === 'upload',
  });
}

async function secured({ services }: Session, { signal }: Transfer, socket: TLSSocket): Promise<void> {
  try {
    await handshake(socket, services.limits.handshakeMs, signal);
  } catch (error) {
    if (!(error instanceof HandshakeFailed)) throw error;
    throw new NoDataConnection(`No TLS on the data connection: ${error.message}.`, { cause: error });
  }
}

/** What a client may take its time for. */
export function moveOptions({ services }: Session, { signal }: Transfer): MoveOptions {
  const { stallMs, paceWindowMs: windowMs } = services.limits;
  return { signal, stallMs, slowest: { bytesPerSecond: services.minDataRate, windowMs } };
}

export function logTransfer(session: Session, transfer: Transfer, message: string, more: object = {}): void {
  const { command, path, bytes, seconds } = transfer;
  session.logger.info(message, { command, path, bytes, seconds, ...more });
}

function logFailure(session: Session, transfer: Transfer, error: unknown): void {
  const { command, path, bytes, seconds } = transfer;
  const why = error instanceof Error ? error.message : String(error);
  // A file that is not there is no event; and what a client can have as fast as it asks must not fill the log.
  if (error instanceof CommandRefused || error instanceof NothingPrepared)
    session.logger.debug('refused', { command, path, why });
  else
    session.logger[isOurs(error) ? 'warn' : 'info']('transfer failed', {
      command,
      path,
      bytes,
      seconds,
      why,
    });
}

/** Not what the client did: something for the operator. */
function isOurs(error: unknown): boolean {
  if (error instanceof NoReplicaError) return true;
  return error instanceof Refusal && refusalReply(error.kind, undefined).code < 500;
}
