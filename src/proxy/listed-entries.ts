/** What a listing shows, in the order of the members (by name), without our own names; a page at a time, so memory stays flat. */
import { addressGroup } from '../ftp/address.ts';
import { namePattern } from '../ftp/name-pattern.ts';
import { baseName, isReservedName } from '../ftp/virtual-path.ts';
import type { Entry } from '../peers/protocol.ts';
import type { EntryPage } from '../peers/shown-listing.ts';
import type { Turn } from '../system/fair-turns.ts';
import { refuse, requireDirectory } from './changes.ts';
import { CommandRefused } from './error-reply.ts';
import type { Session } from './session.ts';

/** Leading words such as -la are flags for `ls`, and ignored; a file of such a name is reached as ./-la. */
export function withoutFlags(argument: string): string {
  let rest = argument.trimStart();
  while (rest.startsWith('-')) {
    const space = rest.indexOf(' ');
    rest = space < 0 ? '' : rest.slice(space + 1).trimStart();
  }
  return rest;
}

/**
 * Begins to list. `over`: nobody reads any more; a listing that was never begun lets go of what it holds then.
 * @throws Refusal, NoReplicaError, CommandRefused 450; the reason of `over`.
 */
export type OpenListing = (over: AbortSignal) => Promise<AsyncIterable<EntryPage>>;

export interface Listed {
  /** What the argument named: a directory, whose entries follow, or entries of its own (a file, a pattern). */
  readonly named: 'directory' | 'entries';
  readonly open: OpenListing;
}

/**
 * A directory's entries, or the file itself, or what fits a pattern when nothing has that very name: perhaps nothing.
 * Nothing is opened yet: whose data connection never comes must not hold what there is little of.
 * @throws CommandRefused 550, Refusal, NoReplicaError.
 */
export async function listedEntries(session: Session, path: string): Promise<Listed> {
  const pattern = namePattern(path);
  const entry = path === '/' ? null : await session.replicas.lookup(path);
  if (entry?.kind === 'file') {
    // Who may only upload learns nothing of a file by its name.
    const hidden = session.account?.rights === 'upload-only';
    return { named: 'entries', open: async () => (hidden ? none() : one(entry)) };
  }
  if (entry !== null || path === '/') return { named: 'directory', open: directoryEntries(session, path) };
  if (pattern === null) return refuse('not-found', path);
  await requireDirectory(session, pattern.directory);
  const { directory, matches } = pattern;
  return {
    named: 'entries',
    open: (over) => allOf(session, directory, over, (all) => fitting(all, matches)),
  };
}

async function* fitting(
  pages: AsyncIterable<EntryPage>,
  matches: (name: string) => boolean,
): AsyncGenerator<EntryPage> {
  for await (const page of pages) yield page.filter(({ path }) => matches(baseName(path)));
}

/** Only a directory. */
export function directoryEntries(session: Session, path: string): OpenListing {
  return (over) => allOf(session, path, over, (all) => all);
}

/**
 * A long listing whose client does not read holds one of the few connections to the storage server, and memory: so there is
 * a turn to be had for each (services.ts). It is given back when all was taken, which a short one is at once.
 */
async function allOf(
  session: Session,
  path: string,
  over: AbortSignal,
  chosen: (all: AsyncIterable<EntryPage>) => AsyncIterable<EntryPage>,
): Promise<AsyncIterable<EntryPage>> {
  const giveBack = await session.services.listings.take(addressGroup(session.clientAddress), over);
  if (giveBack === null) throw new CommandRefused(450, 'Too many listings at once; try again.');
  try {
    return shown(session, chosen(await session.replicas.list(path, over)), giveBack);
  } catch (error) {
    giveBack();
    throw error;
  }
}

async function* none(): AsyncGenerator<EntryPage> {}

async function* one(entry: Entry): AsyncGenerator<EntryPage> {
  yield [entry];
}

/**
 * @throws CommandRefused 451 behind entry --max-listing-entries, which breaks a data connection: a program that mirrors
 * must not take the beginning of a listing for all of it.
 */
async function* shown(
  { services }: Session,
  pages: AsyncIterable<EntryPage>,
  giveBack: Turn,
): AsyncGenerator<EntryPage> {
  const most = services.maxListingEntries;
  let count = 0;
  try {
    for await (const all of pages) {
      const page = all.filter(({ path }) => !isReservedName(baseName(path)));
      count += page.length;
      if (count > most) throw new CommandRefused(451, `There are more than ${most} entries: no listing.`);
      yield page;
    }
  } finally {
    giveBack();
  }
}
