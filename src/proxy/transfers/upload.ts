/**
 * From the client to the members. Nothing is visible before the commit, and nothing is committed unless the client
 * sent a FIN, the bytes it announced, and is still there: stream mode has no other way to tell a whole file from a
 * client that died.
 */
import type { Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { DataConnectionLost, receive } from '../../ftp/data-stream.ts';
import { type Reply, reply } from '../../ftp/reply.ts';
import type { KeepAs, Outcome, Upload } from '../../peers/replica-set-api.ts';
import { CommandRefused } from '../error-reply.ts';
import type { Session } from '../session.ts';
import { dropPartIfPossible } from './resume.ts';
import { logTransfer, moveOptions, openData, runTransfer, type TransferRequest } from './run-transfer.ts';
import { type Transfer, TransferAborted } from './transfer.ts';
import type { UploadPlan } from './upload-plan.ts';
import { checkAnnouncedSize, checkRoom, TooLarge } from './upload-size.ts';

/** As CommandRefused; and the client may go on where this one ended. */
class EndedEarly extends CommandRefused {}

/** `plan` looks at what is there, before the data connection is used; it may refuse. */
export function receiveFile(
  session: Session,
  command: string,
  path: string,
  plan: (restartAt: number) => Promise<UploadPlan>,
): Promise<Reply> {
  const request: TransferRequest = { kind: 'upload', command, path };
  return runTransfer(session, request, async (transfer, { restartAt, announcedBytes }) => {
    const { path: target, options, opening, anew, keep } = await plan(restartAt);
    checkAnnouncedSize(session, announcedBytes);
    const connection = await openData(session, transfer, opening);
    try {
      const announced = announcedBytes > 0 ? { announcedBytes } : {};
      if (anew === true) await dropPartIfPossible(session, target);
      const upload = await session.replicas.startUpload(target, { ...options, ...announced });
      const outcome = await orPutAway(session, transfer, upload, keep, async () => {
        checkRoom(session, upload, 0);
        const socket = await connection.begin();
        await fill(session, transfer, upload, socket);
        socket.end();
        checkAnnounced(transfer, upload, announcedBytes);
        await checkClientIsThere(session, transfer);
        transfer.beginCommit();
        return await upload.finish();
      });
      if (keep !== null) await dropPartIfPossible(session, target);
      logTransfer(session, transfer, 'stored', {
        ...(target === path ? {} : { as: target }),
        members: `${outcome.stored}/${outcome.total}`,
      });
      return reply(outcome.acknowledged ? 226 : 451, outcome.sentence);
    } catch (error) {
      if (error instanceof TooLarge && keep !== null) await dropPartIfPossible(session, target);
      throw error;
    } finally {
      connection.drop();
    }
  });
}

/** Until the client's FIN. */
async function fill(session: Session, transfer: Transfer, upload: Upload, socket: Socket): Promise<void> {
  const { slabs } = session.services;
  transfer.waitingSince = performance.now();
  for await (const chunk of receive(socket, { ...moveOptions(session, transfer), slabs })) {
    transfer.waitingSince = null;
    const { length } = chunk;
    checkRoom(session, upload, length);
    await upload.write(chunk, () => slabs.giveBack(chunk));
    transfer.bytes += length;
    transfer.waitingSince = performance.now();
  }
  transfer.waitingSince = null;
}

/**
 * Puts the upload away when `work` fails or the transfer is aborted, and only then passes the failure on. What the client is
 * the cause of, whether it vanished or gave it up, it may want to go on with; what failed here it had better send again.
 */
async function orPutAway(
  session: Session,
  transfer: Transfer,
  upload: Upload,
  keep: KeepAs | null,
  work: () => Promise<Outcome>,
): Promise<Outcome> {
  const { signal, path } = transfer;
  const { uploads } = session.services;
  const place = keep === null ? null : uploads.enter(keep.owner, session.clientAddress, transfer);
  let puttingAway: Promise<void> | null = null;
  const putAway = (cause: unknown): Promise<void> => {
    place?.ends();
    puttingAway ??= (async () => {
      const worthIt = isClients(cause) && place?.isOverruled === false;
      if (keep === null || !worthIt) await upload.abort('the client or the gateway gave it up');
      else if (await upload.keep(keep)) {
        session.services.keptLately.add(keep.owner.user, keep.owner.path);
        session.logger.info('kept what came of an upload', { path, bytes: upload.size });
      }
    })().catch((error: unknown) => {
      session.logger.warn('an upload could not be put away', { path, why: String(error) });
    });
    return puttingAway;
  };
  // Not behind the write that may be waiting for a slow member.
  const atOnce = () => void putAway(signal.reason);
  signal.addEventListener('abort', atOnce);
  try {
    return await work();
  } catch (error) {
    await putAway(signal.aborted ? signal.reason : error);
    throw error;
  } finally {
    signal.removeEventListener('abort', atOnce);
    place?.leave();
  }
}

function isClients(cause: unknown): boolean {
  return (
    cause instanceof TransferAborted || cause instanceof DataConnectionLost || cause instanceof EndedEarly
  );
}

/** ALLO may have told the size of what comes or, before a REST, of the whole. */
function checkAnnounced(transfer: Transfer, upload: Upload, announced: number): void {
  if (announced === 0 || transfer.bytes === announced || upload.size === announced) return;
  const text = `ALLO announced ${announced} bytes, ${transfer.bytes} came: nothing was stored.`;
  throw transfer.bytes < announced ? new EndedEarly(451, text) : new CommandRefused(451, text);
}

/**
 * Linux closes the sockets of a killed process from the last opened to the first: its data connection ends well, and only a
 * moment later does the control connection end. The longer an upload took, the likelier that it was killed in it, and
 * the longer we may wait for that moment; a small file does not wait.
 */
const GRACE_SHARE = 0.05;
const LONGEST_GRACE_MS = 50;

async function checkClientIsThere(session: Session, transfer: Transfer): Promise<void> {
  if (session.services.acceptAbruptClose) return;
  const graceMs = Math.min(LONGEST_GRACE_MS, transfer.seconds * 1000 * GRACE_SHARE);
  if (graceMs >= 1) await delay(graceMs);
  if (await session.isClientThere()) return;
  throw new TransferAborted('The control connection ended before the upload did: nothing was stored.');
}
