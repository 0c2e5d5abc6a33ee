/** LIST, NLST, MLSD: over a data connection, as long as a directory may be. */
import { Readable } from 'node:stream';
import { factsLine, listLine, nameLine } from '../../ftp/listing.ts';
import type { Reply } from '../../ftp/reply.ts';
import { baseName } from '../../ftp/virtual-path.ts';
import type { Entry } from '../../peers/protocol.ts';
import type { EntryPage } from '../../peers/shown-listing.ts';
import { requireEntry } from '../changes.ts';
import type { CommandDefinition } from '../command-definition.ts';
import { CommandRefused } from '../error-reply.ts';
import { directoryEntries, listedEntries, type OpenListing, withoutFlags } from '../listed-entries.ts';
import type { NameEncoding } from '../name-encoding.ts';
import type { Session } from '../session.ts';
import { sendStream } from '../transfers/download.ts';
import { withKeptParts } from '../transfers/shown-parts.ts';

/** Lines are sent in pieces of about this many characters. */
const PIECE_LENGTH = 32 * 1024;

export const listingCommands: readonly CommandDefinition[] = [
  {
    name: 'LIST',
    argument: 'optional',
    right: 'list',
    transfers: true,
    syntax: '[<path>]',
    help: 'Lists a directory or one file in the form of ls -l, times in UTC. Flags such as -la are ignored: a file -la is ./-la.',
    reference: 'RFC 959 4.1.3',
    run(session, argument) {
      const path = session.path(withoutFlags(argument));
      const now = Date.now();
      return list(
        session,
        'LIST',
        path,
        async () => (await listedEntries(session, path)).open,
        (entry) => listLine(entry, now),
      );
    },
  },
  {
    name: 'NLST',
    argument: 'optional',
    right: 'list',
    transfers: true,
    syntax: '[<path>]',
    help: 'Lists bare names; for a file or a pattern with the folder as it was said, as mget needs it (RFC 1123 4.1.2.7).',
    reference: 'RFC 959 4.1.3',
    run(session, argument) {
      const wanted = withoutFlags(argument);
      const path = session.path(wanted);
      let folder = '';
      const find = async () => {
        const { named, open } = await listedEntries(session, path);
        if (named === 'entries') folder = wanted.slice(0, wanted.lastIndexOf('/') + 1);
        return open;
      };
      return list(session, 'NLST', path, find, (entry) => nameLine(folder + baseName(entry.path)));
    },
  },
  {
    name: 'MLSD',
    argument: 'optional',
    right: 'list',
    transfers: true,
    syntax: '[<path>]',
    feature: 'TVFS',
    help: 'Lists a directory with the facts chosen by OPTS MLST.',
    reference: 'RFC 3659 7',
    run(session, argument) {
      const path = session.path(argument);
      const { facts, account } = session;
      const writable = account?.rights === 'full';
      const line = (entry: Entry) => factsLine(entry, facts, baseName(entry.path), writable);
      return list(session, 'MLSD', path, () => directoryOnly(session, path), line);
    },
  },
];

function list(
  session: Session,
  command: string,
  path: string,
  find: () => Promise<OpenListing>,
  line: (entry: Entry) => string,
): Promise<Reply> {
  return sendStream(session, { kind: 'listing', command, path }, async (_restartAt, over) => {
    const open = await find();
    return {
      opening: 'Here comes the listing.',
      open: async () => Readable.from(pieces(session.names, await open(over), line), { objectMode: false }),
      done: 'Listed.',
    };
  });
}

async function* pieces(
  names: NameEncoding,
  entries: AsyncIterable<EntryPage>,
  line: (entry: Entry) => string,
): AsyncGenerator<Buffer> {
  let piece = '';
  for await (const page of entries) {
    for (const entry of page) {
      piece += line(entry);
      if (piece.length < PIECE_LENGTH) continue;
      yield names.encode(piece);
      piece = '';
    }
  }
  if (piece !== '') yield names.encode(piece);
}

/** RFC 3659 section 7.2.1: 501 for a file. */
async function directoryOnly(session: Session, path: string): Promise<OpenListing> {
  if (path !== '/' && (await requireEntry(session, path)).kind === 'file') {
    throw new CommandRefused(501, `${path}: is a file; use MLST.`);
  }
  const open = directoryEntries(session, path);
  return async (over) => await withKeptParts(session, path, await open(over));
}
