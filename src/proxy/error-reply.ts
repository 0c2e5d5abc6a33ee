/** The one map from what went wrong to a reply: 4xx where trying again may help, 5xx where not. */

import { NoDataConnection } from '../ftp/data-connection.ts';
import { DataConnectionLost } from '../ftp/data-stream.ts';
import { type Reply, reply } from '../ftp/reply.ts';
import { PathProblem } from '../ftp/virtual-path.ts';
import { NoReplicaError } from '../peers/replica-set-api.ts';
import { Refusal, type RefusalKind } from '../replication/operation.ts';
import { TransferAborted } from './transfers/transfer.ts';
import { PermissionDenied, QuotaExceeded } from './view/client-files.ts';

/** A command that says itself what to answer. */
export class CommandRefused extends Error {
  override readonly name = 'CommandRefused';
  readonly reply: Reply;
  constructor(code: number, text: string) {
    super(text);
    this.reply = reply(code, text);
  }
}

const REFUSALS: { readonly [kind in RefusalKind]: readonly [code: number, text: string] } = {
  'not-found': [550, 'No such file or directory.'],
  exists: [550, 'There is something of that name already.'],
  'not-a-directory': [550, 'Not a directory.'],
  'is-a-directory': [550, 'That is a directory.'],
  'not-empty': [550, 'The directory is not empty.'],
  'forbidden-name': [553, 'That name is not allowed.'],
  changed: [450, 'The file was changed meanwhile; try again.'],
  'hash-mismatch': [451, 'The bytes did not arrive whole; try again.'],
  'missing-content': [450, 'The content is not on any member that answers; try again later.'],
  'no-space': [452, 'Not enough space on the disk.'],
  'read-only': [451, 'No writing at the moment; see the log of this member.'],
  busy: [450, 'Busy; try again.'],
  invalid: [501, 'That is not possible.'],
  io: [451, 'The disk failed; see the log of this member.'],
};

/** Texts name the client's path, never the disk's: messages of a Refusal stay in the log. */
export function refusalReply(kind: RefusalKind, path: string | undefined): Reply {
  const [code, text] = REFUSALS[kind];
  return reply(code, path === undefined ? text : `${path}: ${text}`);
}

/** Null for a defect of ours: the caller logs it and answers 451. */
export function errorReply(error: unknown, path?: string): Reply | null {
  if (error instanceof CommandRefused) return error.reply;
  if (error instanceof Refusal) return refusalReply(error.kind, path ?? error.path);
  if (error instanceof NoReplicaError)
    return reply(451, 'No member of the network answers; try again later.');
  if (error instanceof PermissionDenied)
    return reply(550, path === undefined ? error.message : `${path}: ${error.message}`);
  if (error instanceof QuotaExceeded) return reply(552, error.message);
  if (error instanceof PathProblem) return reply(553, error.message);
  if (error instanceof NoDataConnection) return reply(425, error.message);
  if (error instanceof DataConnectionLost) return reply(426, error.message);
  if (error instanceof TransferAborted) return reply(426, error.message);
  return null;
}
