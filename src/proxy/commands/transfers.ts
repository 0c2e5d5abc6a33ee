/** RETR, STOR, APPE, STOU. */
import { randomBytes } from 'node:crypto';
import type { Reply } from '../../ftp/reply.ts';
import { parentOf } from '../../ftp/virtual-path.ts';
import { requireFile, uploadTarget } from '../changes.ts';
import type { CommandDefinition } from '../command-definition.ts';
import { CommandRefused } from '../error-reply.ts';
import type { Session } from '../session.ts';
import { sendStream } from '../transfers/download.ts';
import { planAppend, planStore } from '../transfers/resume.ts';
import { receiveFile } from '../transfers/upload.ts';

export const transferCommands: readonly CommandDefinition[] = [
  {
    name: 'RETR',
    argument: 'required',
    right: 'read',
    transfers: true,
    syntax: '<path>',
    help: 'Sends a file, from this member or else from another one.',
    reference: 'RFC 959 4.1.3',
    run: retrieve,
  },
  {
    name: 'STOR',
    argument: 'required',
    right: 'store',
    transfers: true,
    syntax: '<path>',
    help: 'Stores a file on all members; the old one stays until the new one is whole. The reply tells on how many. What came before a break is kept for REST.',
    reference: 'RFC 959 4.1.3',
    run: store,
  },
  {
    name: 'APPE',
    argument: 'required',
    right: 'store',
    transfers: true,
    syntax: '<path>',
    help: 'Adds to the end of a file, or of what was kept of an upload that broke off, or makes it.',
    reference: 'RFC 959 4.1.3',
    run: append,
  },
  {
    name: 'STOU',
    argument: 'optional',
    right: 'store',
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
  const path = session.pathToCreate(argument);
  return receiveFile(session, 'STOR', path, (restartAt) => planStore(session, path, restartAt));
}

function append(session: Session, argument: string): Promise<Reply> {
  const path = session.pathToCreate(argument);
  return receiveFile(session, 'APPE', path, () => planAppend(session, path));
}

function storeUnique(session: Session, argument: string): Promise<Reply> {
  const wanted = session.pathToCreate(argument === '' ? 'unique' : argument);
  return receiveFile(session, 'STOU', wanted, async () => {
    const free = argument !== '' && wanted !== '/' && (await session.replicas.lookup(wanted)) === null;
    const path = free ? wanted : session.pathToCreate(`${wanted}.${randomBytes(4).toString('hex')}`);
    await uploadTarget(session, path);
    const opening = `FILE: ${nameFor(session, path)}`;
    // Nobody could name what was kept of it: another STOU gets another name.
    return { path, options: { exclusive: true }, opening, keep: null };
  });
}

/** RFC 1123: the name as a later RETR in the same place takes it. */
function nameFor(session: Session, path: string): string {
  return parentOf(path) === session.workingDirectory ? path.slice(path.lastIndexOf('/') + 1) : path;
}
