/** Where the client is, and making and removing directories. */
import { quotedPath, type Reply, reply } from '../../ftp/reply.ts';
import { change, requireDirectory, requireParent } from '../changes.ts';
import type { CommandDefinition } from '../command-definition.ts';
import { CommandRefused } from '../error-reply.ts';
import type { Session } from '../session.ts';

export const directoryCommands: readonly CommandDefinition[] = [
  {
    name: 'PWD',
    aliases: ['XPWD'],
    argument: 'none',
    help: 'Tells the working directory, quotes doubled.',
    reference: 'RFC 959 4.1.3',
    run: (session) => reply(257, `${quotedPath(session.workingDirectory)} is the working directory.`),
  },
  {
    name: 'CWD',
    aliases: ['XCWD'],
    argument: 'required',
    syntax: '<path>',
    help: 'Changes the working directory.',
    reference: 'RFC 959 4.1.1',
    run: enter,
  },
  {
    name: 'CDUP',
    aliases: ['XCUP'],
    argument: 'none',
    help: 'Changes to the directory above; `/` is above itself.',
    reference: 'RFC 959 4.1.1',
    run: (session) => enter(session, '..'),
  },
  {
    name: 'MKD',
    aliases: ['XMKD'],
    argument: 'required',
    right: 'store',
    syntax: '<path>',
    help: 'Makes a directory on all members.',
    reference: 'RFC 959 4.1.3',
    run: make,
  },
  {
    name: 'RMD',
    aliases: ['XRMD'],
    argument: 'required',
    right: 'delete',
    syntax: '<path>',
    help: 'Removes an empty directory on all members.',
    reference: 'RFC 959 4.1.3',
    async run(session, argument) {
      const path = session.pathToWrite(argument);
      if (path === '/') throw new CommandRefused(550, '/: cannot be removed.');
      return await change(session, 'RMD', { op: 'rmdir', path });
    },
  },
];

async function enter(session: Session, argument: string): Promise<Reply> {
  const path = session.path(argument);
  await requireDirectory(session, path);
  session.workingDirectory = path;
  return reply(250, `${quotedPath(path)} is the working directory.`);
}

async function make(session: Session, argument: string): Promise<Reply> {
  const path = session.pathToCreate(argument);
  if (path === '/') throw new CommandRefused(550, '/: is there already.');
  await requireParent(session, path);
  const done = await change(session, 'MKD', { op: 'mkdir', path });
  return done.code === 250 ? reply(257, `${quotedPath(path)} ${done.lines.join(' ')}`) : done;
}
