/** Removing and renaming. */
import { type Reply, reply } from '../../ftp/reply.ts';
import { Refusal } from '../../replication/operation.ts';
import { change, requireEntry, requireParent } from '../changes.ts';
import type { CommandDefinition } from '../command-definition.ts';
import { CommandRefused } from '../error-reply.ts';
import type { Session } from '../session.ts';
import { dropPart, dropPartIfPossible } from '../transfers/resume.ts';

export const fileCommands: readonly CommandDefinition[] = [
  {
    name: 'DELE',
    argument: 'required',
    right: 'delete',
    syntax: '<path>',
    help: 'Deletes a file on all members, and what was kept of an upload to its path.',
    reference: 'RFC 959 4.1.3',
    async run(session, argument) {
      const path = session.pathToWrite(argument);
      if (path === '/') throw new CommandRefused(550, '/: That is a directory.');
      return await remove(session, path);
    },
  },
  {
    name: 'RNFR',
    argument: 'required',
    right: 'change',
    syntax: '<path>',
    help: 'Says what RNTO will rename.',
    reference: 'RFC 959 4.1.3',
    async run(session, argument) {
      session.renameFrom = null;
      const path = session.pathToWrite(argument);
      if (path === '/') throw new CommandRefused(550, '/: cannot be renamed.');
      await requireEntry(session, path);
      session.renameFrom = path;
      return reply(350, 'Now RNTO, please.');
    },
  },
  {
    name: 'RNTO',
    argument: 'required',
    right: 'change',
    syntax: '<path>',
    help: 'Renames a file or a directory on all members; a file of that name is replaced, a directory is not.',
    reference: 'RFC 959 4.1.3',
    async run(session, argument) {
      const from = session.renameFrom;
      session.renameFrom = null;
      if (from === null) return reply(503, 'RNFR comes first.');
      const to = session.pathToCreate(argument);
      if (to === '/') throw new CommandRefused(550, '/: is there already.');
      if (to.startsWith(`${from}/`)) throw new CommandRefused(550, `${to}: is inside ${from}.`);
      await requireParent(session, to);
      return await change(session, 'RNTO', { op: 'rename', from, to });
    },
  },
];

async function remove(session: Session, path: string): Promise<Reply> {
  try {
    const done = await change(session, 'DELE', { op: 'delete', path });
    await dropPartIfPossible(session, path);
    return done;
  } catch (error) {
    const nothing = error instanceof Refusal && error.kind === 'not-found';
    if (!nothing || !(await dropPart(session, path))) throw error;
    return reply(250, 'Deleted what was kept of an upload that broke off.');
  }
}
