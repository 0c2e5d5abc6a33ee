/** Changes other than uploads, and looking at what is there first. */
import { type Reply, reply } from '../ftp/reply.ts';
import { parentOf } from '../ftp/virtual-path.ts';
import type { Entry } from '../peers/protocol.ts';
import type { ReplicaSet } from '../peers/replica-set-api.ts';
import { CommandRefused, refusalReply } from './error-reply.ts';
import type { Session } from './session.ts';

type Change = Parameters<ReplicaSet['change']>[0];

/** Changes all members and says on how many it worked. */
export async function change(session: Session, command: string, operation: Change): Promise<Reply> {
  const startedAt = performance.now();
  const outcome = await session.replicas.change(operation);
  session.logger.info('changed', {
    command,
    ...(operation.op === 'rename' ? { path: operation.from, to: operation.to } : { path: operation.path }),
    seconds: Math.round(performance.now() - startedAt) / 1000,
    members: `${outcome.stored}/${outcome.total}`,
  });
  return reply(outcome.acknowledged ? 250 : 451, outcome.sentence);
}

/** @throws CommandRefused */
export function refuse(kind: Parameters<typeof refusalReply>[0], path: string): never {
  const { code, lines } = refusalReply(kind, path);
  throw new CommandRefused(code, lines.join(' '));
}

/** @throws CommandRefused 550 */
export async function requireEntry(session: Session, path: string): Promise<Entry> {
  return (await session.replicas.lookup(path)) ?? refuse('not-found', path);
}

/** @throws CommandRefused 550 */
export async function requireFile(session: Session, path: string): Promise<Entry> {
  const entry = await requireEntry(session, path);
  return entry.kind === 'file' ? entry : refuse('is-a-directory', path);
}

/** @throws CommandRefused 550 */
export async function requireDirectory(session: Session, path: string): Promise<void> {
  if (path === '/') return;
  const entry = await requireEntry(session, path);
  if (entry.kind !== 'directory') refuse('not-a-directory', path);
}

/** Nothing is made in a directory that is not there: a typing error must not grow a tree. @throws CommandRefused 550 */
export async function requireParent(session: Session, path: string): Promise<void> {
  await requireDirectory(session, parentOf(path));
}

/** What is at the place of an upload: a file or nothing. @throws CommandRefused 550 */
export async function uploadTarget(session: Session, path: string): Promise<Entry | null> {
  if (path === '/') refuse('is-a-directory', path);
  const parent = parentOf(path);
  // The root is always there, and a home folder need not be.
  const { entry, folder } =
    parent === '/'
      ? { entry: await session.replicas.lookup(path), folder: null }
      : await session.replicas.lookupInFolder(path);
  if (parent !== '/' && folder?.kind !== 'directory')
    refuse(folder === null ? 'not-found' : 'not-a-directory', parent);
  if (entry?.kind === 'directory') refuse('is-a-directory', path);
  return entry;
}
