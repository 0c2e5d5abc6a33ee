/** RETR, STOR, APPE, STOU. */
import { randomBytes } from 'node:crypto';
import type { Reply } from '../../ftp/reply.ts';
import { parentOf } from '../../ftp/virtual-path.ts';
import { requireFile, uploadTarget } from '../changes.ts';
import type { CommandDefinition } from '../command-definition.ts';
import { sendStream } from '../download.ts';
import { CommandRefused } from '../error-reply.ts';
import type { Session } from '../session.ts';
import { receiveFile } from '../upload.ts';

export const transferCommands: readonly CommandDefinition[] = [
  {
    name: 'RETR',
    argument: 'required',
    transfers: true,
    syntax: '<path>',
    help: 'Sends a file, from this member or else from another one.',
    reference: 'RFC 959 4.1.3',
    run: retrieve,
  },
  {
    name: 'STOR',
    argument: 'required',
    transfers: true,
    syntax: '<path>',
    help: 'Stores a file on all members; the old one stays until the new one is whole. The reply tells on how many.',
    reference: 'RFC 959 4.1.3',
    run: store,
  },
  {
    name: 'APPE',
    argument: 'required',
    transfers: true,
    syntax: '<path>',
    help: 'Adds to the end of a file, or makes it.',
    reference: 'RFC 959 4.1.3',
    run: append,
  },
  {
    name: 'STOU',
    argument: 'optional',
    transfers: true,
    syntax: '[<path>]',
    help: 'Stores under a name that is free: the one given, or one that begins like it. The 150 tells the name.',
    reference: 'RFC 959 4.1.3, RFC 1123 4.1.2.9',
    run: storeUnique,
  },
];

function retrieve(session: Session, argument: string): Promise<Reply> {
  const path = session.path(argument);
  return sendStream(session, { kind: 'download', command: 'RETR', path }, async (restartAt) => {
    const entry = await requireFile(session, path);
    if (restartAt > entry.size) throw new CommandRefused(554, `The file has only ${entry.size} bytes.`);
    return {
      opening: `Sending ${entry.size - restartAt} bytes.`,
      open: () => session.replicas.read(entry, restartAt),
      done: 'Sent.',
    };
  });
}

function store(session: Session, argument: string): Promise<Reply> {
  const path = session.pathToWrite(argument);
  return receiveFile(session, 'STOR', path, async (restartAt) => {
    const entry = await uploadTarget(session, path);
    if (restartAt === 0) return { path, options: {}, opening: 'Send the file.' };
    if (entry === null || restartAt > entry.size) {
      throw new CommandRefused(
        554,
        `Cannot go on at byte ${restartAt}: the file has ${entry?.size ?? 0} bytes.`,
      );
    }
    const opening = `Send the file from byte ${restartAt} on.`;
    return { path, options: { prefix: { entry, length: restartAt } }, opening };
  });
}

function append(session: Session, argument: string): Promise<Reply> {
  const path = session.pathToWrite(argument);
  return receiveFile(session, 'APPE', path, async () => {
    const entry = await uploadTarget(session, path);
    // Also where there is nothing to begin with: of two that append at once one must see the other's bytes.
    const baseSha256 = entry?.sha256 ?? null;
    const options =
      entry === null || entry.size === 0
        ? { baseSha256 }
        : { baseSha256, prefix: { entry, length: entry.size } };
    return { path, options, opening: 'Send what to append.' };
  });
}

function storeUnique(session: Session, argument: string): Promise<Reply> {
  const wanted = session.pathToWrite(argument === '' ? 'unique' : argument);
  return receiveFile(session, 'STOU', wanted, async () => {
    const free = argument !== '' && wanted !== '/' && (await session.replicas.lookup(wanted)) === null;
    const path = free ? wanted : session.pathToWrite(`${wanted}.${randomBytes(4).toString('hex')}`);
    await uploadTarget(session, path);
    return { path, options: { exclusive: true }, opening: `FILE: ${nameFor(session, path)}` };
  });
}

/** RFC 1123: the name as a later RETR in the same place takes it. */
function nameFor(session: Session, path: string): string {
  return parentOf(path) === session.workingDirectory ? path.slice(path.lastIndexOf('/') + 1) : path;
}
