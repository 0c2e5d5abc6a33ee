/**
 * From the client to the members. Nothing is visible before the commit, and nothing is committed unless the client
 * sent a FIN, the bytes it announced, and is still there: stream mode has no other way to tell a whole file from a
 * client that died.
 */
import type { Socket } from 'node:net';
import { receive } from '../ftp/data-stream.ts';
import { type Reply, reply } from '../ftp/reply.ts';
import type { Outcome, Upload, UploadOptions } from '../peers/replica-set-api.ts';
import { CommandRefused } from './error-reply.ts';
import { logTransfer, openData, runTransfer, type TransferRequest } from './run-transfer.ts';
import type { Session } from './session.ts';
import { type Transfer, TransferAborted } from './transfer.ts';

export interface UploadPlan {
  readonly path: string;
  readonly options: UploadOptions;
  /** Text of the 150. */
  readonly opening: string;
}

/** `plan` looks at what is there, before the data connection is used; it may refuse. */
export function receiveFile(
  session: Session,
  command: string,
  path: string,
  plan: (restartAt: number) => Promise<UploadPlan>,
): Promise<Reply> {
  const request: TransferRequest = { kind: 'upload', command, path };
  return runTransfer(session, request, async (transfer, { restartAt, announcedBytes }) => {
    const { path: target, options, opening } = await plan(restartAt);
    const connection = await openData(session, transfer, opening);
    try {
      const announced = announcedBytes > 0 ? { announcedBytes } : {};
      const upload = await session.replicas.startUpload(target, { ...options, ...announced });
      const outcome = await orAbort(session, transfer, upload, async () => {
        const socket = await connection.begin();
        await fill(session, transfer, upload, socket);
        socket.end();
        checkAnnounced(transfer, upload, announcedBytes);
        await checkClientIsThere(session);
        transfer.beginCommit();
        return await upload.finish();
      });
      logTransfer(session, transfer, 'stored', {
        ...(target === path ? {} : { as: target }),
        members: `${outcome.stored}/${outcome.total}`,
      });
      return reply(outcome.acknowledged ? 226 : 451, outcome.sentence);
    } finally {
      connection.drop();
    }
  });
}

/** Until the client's FIN. */
async function fill(session: Session, transfer: Transfer, upload: Upload, socket: Socket): Promise<void> {
  const { stallMs } = session.services.limits;
  for await (const chunk of receive(socket, { signal: transfer.signal, stallMs })) {
    await upload.write(chunk);
    transfer.bytes += chunk.length;
  }
}

/** Puts the upload away when `work` fails or the transfer is aborted, and only then passes the failure on. */
async function orAbort(
  session: Session,
  { signal, path }: Transfer,
  upload: Upload,
  work: () => Promise<Outcome>,
): Promise<Outcome> {
  let aborting: Promise<void> | null = null;
  const abort = (): Promise<void> => {
    aborting ??= upload.abort('the client or the gateway gave it up').catch((error: unknown) => {
      session.logger.warn('an upload could not be put away', { path, why: String(error) });
    });
    return aborting;
  };
  const atOnce = () => void abort();
  // Not behind the write that may be waiting for a slow member.
  signal.addEventListener('abort', atOnce);
  try {
    return await work();
  } catch (error) {
    await abort();
    throw error;
  } finally {
    signal.removeEventListener('abort', atOnce);
  }
}

/** ALLO may have told the size of what comes or, before a REST, of the whole. */
function checkAnnounced(transfer: Transfer, upload: Upload, announced: number): void {
  if (announced === 0 || transfer.bytes === announced || upload.size === announced) return;
  throw new CommandRefused(
    451,
    `ALLO announced ${announced} bytes, ${transfer.bytes} came: nothing was stored.`,
  );
}

async function checkClientIsThere(session: Session): Promise<void> {
  if (session.services.acceptAbruptClose || (await session.isClientThere())) return;
  throw new TransferAborted('The control connection ended before the upload did: nothing was stored.');
}
