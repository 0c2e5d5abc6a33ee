/**
 * From the client to the members. Nothing is visible before the commit, and nothing is committed unless the client
 * sent a FIN, the bytes it announced, and is still there: stream mode has no other way to tell a whole file from a
 * client that died.
 */
import { setImmediate as nextTick } from 'node:timers/promises';
import { receive } from '../ftp/data-stream.ts';
import { type Reply, reply } from '../ftp/reply.ts';
import type { Upload, UploadOptions } from '../peers/replica-set-api.ts';
import { CommandRefused } from './error-reply.ts';
import { logTransfer, openData, runTransfer } from './run-transfer.ts';
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
  return runTransfer(
    session,
    { kind: 'upload', command, path },
    async (transfer, { restartAt, announcedBytes }) => {
      const { path: target, options, opening } = await plan(restartAt);
      const { socket, begin } = await openData(session, transfer, opening);
      try {
        const announced = announcedBytes > 0 ? { announcedBytes } : {};
        const upload = await session.replicas.startUpload(target, { ...options, ...announced });
        const giveUp = () =>
          void upload.abort('given up by the client or by us').catch((error: unknown) => {
            session.logger.warn('an upload could not be put away', { path: target, error });
          });
        // At once, not after the write that may be waiting for a slow member.
        transfer.signal.addEventListener('abort', giveUp);
        try {
          begin();
          for await (const chunk of receive(socket, {
            signal: transfer.signal,
            stallMs: session.services.limits.stallMs,
          })) {
            await upload.write(chunk);
            transfer.bytes += chunk.length;
          }
          socket.end();
          checkAnnounced(transfer, upload, announcedBytes);
          await checkClientIsThere(session);
          transfer.beginCommit();
          const outcome = await upload.finish();
          logTransfer(session, transfer, 'stored', {
            ...(target === path ? {} : { as: target }),
            members: `${outcome.stored}/${outcome.total}`,
          });
          return reply(outcome.acknowledged ? 226 : 451, outcome.sentence);
        } catch (error) {
          await upload.abort(error instanceof Error ? error.message : 'failed');
          throw error;
        } finally {
          transfer.signal.removeEventListener('abort', giveUp);
        }
      } finally {
        if (!socket.writableEnded) socket.destroy();
      }
    },
  );
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
  // What the operating system has of the control connection by now must have been read before the decision.
  await nextTick();
  await nextTick();
  if (session.services.acceptAbruptClose) return;
  if (session.presence === 'ended' || session.presence === 'gone') {
    throw new TransferAborted('The control connection ended before the upload did: nothing was stored.');
  }
}
