/** What is known of one file: size, time, facts, hash; and setting its time. */
import { FACTS, factsOf } from '../../ftp/listing.ts';
import { multilineReply, type Reply, reply } from '../../ftp/reply.ts';
import { formatTimestamp, parseTimestamp } from '../../ftp/timestamp.ts';
import { change, requireEntry, requireFile } from '../changes.ts';
import type { CommandDefinition } from '../command-definition.ts';
import type { Session } from '../session.ts';
import { keptSize } from '../transfers/resume.ts';

export const factCommands: readonly CommandDefinition[] = [
  {
    name: 'SIZE',
    argument: 'required',
    syntax: '<path>',
    feature: 'SIZE',
    help: 'The bytes of a file, or of what was kept of an upload that broke off; the same in TYPE A.',
    reference: 'RFC 3659 4',
    async run(session, argument) {
      const path = session.path(argument);
      const entry = await session.replicas.lookup(path);
      const size = entry?.kind === 'file' ? entry.size : null;
      const kept = entry === null ? await keptSize(session, path) : null;
      return reply(213, String(size ?? kept ?? (await requireFile(session, path)).size));
    },
  },
  {
    name: 'MDTM',
    argument: 'required',
    syntax: '[<YYYYMMDDHHMMSS>] <path>',
    feature: 'MDTM',
    help: 'The time of the last change, UTC; with a time in front: sets it.',
    reference: 'RFC 3659 3',
    run: modificationTime,
  },
  {
    name: 'MFMT',
    argument: 'required',
    right: 'change',
    syntax: '<YYYYMMDDHHMMSS> <path>',
    feature: 'MFMT',
    help: 'Sets the time of the last change on all members.',
    reference: 'draft-somers-ftp-mfxx 3',
    async run(session, argument) {
      const [, time = '', path = ''] = /^(\S+) (.+)$/s.exec(argument) ?? [];
      const mtime = parseTimestamp(time);
      if (mtime === null) return reply(501, 'Say MFMT <YYYYMMDDHHMMSS> <path>.');
      return await touch(session, 'MFMT', path, mtime);
    },
  },
  {
    name: 'MFF',
    argument: 'required',
    right: 'change',
    syntax: 'Modify=<YYYYMMDDHHMMSS>; <path>',
    feature: 'MFF Modify;',
    help: 'Sets the fact Modify; others are not kept here and are left out of the answer.',
    reference: 'draft-somers-ftp-mfxx 5',
    async run(session, argument) {
      // ncftp leaves out the last semicolon, and asks for Create too.
      const [, facts = '', path = ''] = /^([^;= ]+=[^; ]*(?:;[^;= ]+=[^; ]*)*;?) (.+)$/s.exec(argument) ?? [];
      if (path === '') return reply(501, 'Say MFF Modify=<YYYYMMDDHHMMSS>; <path>.');
      const [, time] = /(?:^|;)modify=([^;]*)/i.exec(facts) ?? [];
      if (time === undefined) return reply(504, 'Only Modify can be set.');
      const mtime = parseTimestamp(time);
      return mtime === null ? reply(501, 'That is not a time.') : await touch(session, 'MFF', path, mtime);
    },
  },
  {
    name: 'MLST',
    argument: 'optional',
    right: 'read',
    syntax: '[<path>]',
    feature: (session) =>
      `MLST ${FACTS.map((fact) => `${fact}${session.facts.includes(fact) ? '*' : ''};`).join('')}`,
    help: 'The facts of one file or directory, over the control connection.',
    reference: 'RFC 3659 7',
    async run(session, argument) {
      const entry = await requireEntry(session, session.path(argument));
      const facts = factsOf(entry, session.facts, session.account?.rights === 'full');
      return multilineReply(250, 'Listing:', [`${facts} ${entry.path}`], 'End.');
    },
  },
  {
    name: 'HASH',
    argument: 'required',
    right: 'read',
    syntax: '<path>',
    feature: 'HASH SHA-256*',
    help: 'SHA-256 of a file, at once: it is kept with the file.',
    reference: 'draft-bryan-ftpext-hash',
    async run(session, argument) {
      const { path, size, sha256 } = await requireFile(session, session.path(argument));
      return reply(213, `SHA-256 0-${size} ${sha256} ${path}`);
    },
  },
  {
    name: 'XSHA256',
    argument: 'required',
    right: 'read',
    syntax: '<path>',
    feature: 'XSHA256',
    help: 'The same as HASH in an older form.',
    reference: 'common practice',
    async run(session, argument) {
      const quoted = /^"(.+)"$/.exec(argument)?.[1];
      const literal = await session.replicas.lookup(session.path(argument));
      const path = literal === null && quoted !== undefined ? quoted : argument;
      return reply(250, (await requireFile(session, session.path(path))).sha256.toUpperCase());
    },
  },
  {
    name: 'SITE CHMOD',
    argument: 'required',
    right: 'change',
    syntax: '<mode> <path>',
    help: 'Says yes and changes nothing: permissions are not kept here.',
    reference: 'common practice',
    async run(session, argument) {
      const [, path] = /^[0-7]{3,4} (.+)$/s.exec(argument) ?? [];
      if (path === undefined) return reply(501, 'Say SITE CHMOD <mode> <path>.');
      await requireEntry(session, session.pathToWrite(path));
      return reply(200, 'Permissions are not kept here; nothing was changed.');
    },
  },
  {
    name: 'SITE UTIME',
    argument: 'required',
    right: 'change',
    syntax: '<YYYYMMDDHHMMSS> <path>  or  <path> <accessed> <modified> <created> UTC',
    help: 'Sets the time of the last change on all members.',
    reference: 'common practice',
    async run(session, argument) {
      const [, path = '', long] = /^(.+) \d{14} (\d{14}) \d{14} UTC$/is.exec(argument) ?? [];
      if (long !== undefined) return await touchOr501(session, path, long);
      const [, short = '', rest = ''] = /^(\d{12}|\d{14}) (.+)$/s.exec(argument) ?? [];
      return await touchOr501(session, rest, short.padEnd(14, '0'));
    },
  },
];

async function touchOr501(session: Session, path: string, time: string): Promise<Reply> {
  const mtime = parseTimestamp(time);
  return mtime === null || path === ''
    ? reply(501, 'Say SITE UTIME <YYYYMMDDHHMMSS> <path>.')
    : await touch(session, 'SITE UTIME', path, mtime);
}

/** The set form looks like a name; a file of that very name is what is meant. */
async function modificationTime(session: Session, argument: string): Promise<Reply> {
  const [, time = '', name = ''] = /^(\d{14}(?:\.\d+)?) (.+)$/s.exec(argument) ?? [];
  const mtime = parseTimestamp(time);
  if (mtime !== null && (await session.replicas.lookup(session.path(argument))) === null) {
    return await touch(session, 'MDTM', name, mtime);
  }
  return reply(213, formatTimestamp((await requireEntry(session, session.path(argument))).mtime));
}

async function touch(session: Session, command: string, argument: string, mtime: number): Promise<Reply> {
  const path = session.pathToWrite(argument);
  await requireEntry(session, path);
  const done = await change(session, command, { op: 'touch', path, mtime });
  return done.code === 250 ? reply(213, `Modify=${formatTimestamp(mtime)}; ${path}`) : done;
}
