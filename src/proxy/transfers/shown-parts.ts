/**
 * FileZilla goes on with an upload that broke off only where a listing shows how much has come: it never asks SIZE (seen with
 * 3.63). So it is shown in MLSD what was kept of the uploads of its own user, where no file is; nobody else sees that, for a
 * part is no file. Which those are is known only of uploads that broke off here: after a restart it begins anew.
 */
import type { Entry } from '../../peers/protocol.ts';
import type { EntryPage } from '../../peers/shown-listing.ts';
import type { Session } from '../session.ts';
import { keptSize } from './resume.ts';

/** The entries, and before them what FileZilla needs to know. */
export async function withKeptParts(
  session: Session,
  folder: string,
  entries: AsyncIterable<EntryPage>,
): Promise<AsyncIterable<EntryPage>> {
  const isShown = /^FileZilla\b/i.test(session.clientName) && session.account?.rights === 'full';
  if (!isShown) return entries;
  const parts = await keptIn(session, folder);
  return parts.length === 0 ? entries : both(parts, entries);
}

async function keptIn(session: Session, folder: string): Promise<Entry[]> {
  const { keptLately, uploads } = session.services;
  const user = session.user ?? '';
  const parts: Entry[] = [];
  for (const path of new Set([...keptLately.in(folder, user), ...uploads.pathsIn(folder, user)])) {
    if ((await session.replicas.lookup(path)) !== null) continue;
    const size = await keptSize(session, path);
    if (size === null) keptLately.forget(user, path);
    else parts.push({ path, kind: 'file', size, sha256: '', mtime: Date.now() });
  }
  return parts;
}

async function* both(parts: EntryPage, entries: AsyncIterable<EntryPage>): AsyncGenerator<EntryPage> {
  yield parts;
  yield* entries;
}
