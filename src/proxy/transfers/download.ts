/** From a member to the client. */

import type { Socket } from 'node:net';
import { type Bytes, send } from '../../ftp/data-stream.ts';
import { type Reply, reply } from '../../ftp/reply.ts';
import { resetConnection } from '../../ftp/reset-connection.ts';
import type { Session } from '../session.ts';
import {
  type DataConnection,
  logTransfer,
  moveOptions,
  openData,
  runTransfer,
  type TransferRequest,
} from './run-transfer.ts';

export interface DownloadPlan {
  readonly opening: string;
  /** Called when the data connection is up. */
  open(): Promise<Bytes>;
  /** Text of the 226. */
  readonly done: string;
}

/** Sends one stream; `over` tells the plan when nothing of it is needed any more (transfer.ts). Half of it never looks whole: the data connection is reset and the reply is not a 226. */
export function sendStream(
  session: Session,
  request: TransferRequest,
  plan: (restartAt: number, over: AbortSignal) => Promise<DownloadPlan>,
): Promise<Reply> {
  return runTransfer(session, request, async (transfer, { restartAt }) => {
    const { opening, open, done } = await plan(restartAt, transfer.over);
    const connection = await openData(session, transfer, opening);
    let socket: Socket | null = null;
    try {
      const source = await open();
      socket = await beginWith(connection, source);
      await send(source, socket, moveOptions(session, transfer));
    } catch (error) {
      if (socket === null) connection.drop();
      else resetConnection(socket);
      throw error;
    } finally {
      transfer.bytes = socket?.bytesWritten ?? 0;
    }
    if (request.kind === 'download') logTransfer(session, transfer, 'sent');
    return reply(226, done);
  });
}

/** A source that nobody will read must not stay open. */
async function beginWith(connection: DataConnection, source: Bytes): Promise<Socket> {
  try {
    return await connection.begin();
  } catch (error) {
    source.destroy();
    throw error;
  }
}
