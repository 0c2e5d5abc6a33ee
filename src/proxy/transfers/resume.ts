/**
 * Going on with an upload that broke off (docs/ARCHITECTURE.md): which uploads are kept as a part, and what REST + STOR,
 * APPE, SIZE and DELE make of one. A part counts only as long as at its path is what was there when the upload began: a
 * file that was finished or deleted meanwhile makes it worthless, and nothing is glued to it.
 */
import type { Entry } from '../../peers/protocol.ts';
import type { FoundPart, PartOwner } from '../../peers/protocol-parts.ts';
import type { KeepAs, UploadOptions } from '../../peers/replica-set-api.ts';
import { uploadTarget } from '../changes.ts';
import { CommandRefused } from '../error-reply.ts';
import type { Session } from '../session.ts';
import type { UploadPlan } from './upload-plan.ts';

/**
 * STOR. From 0 it begins anew. REST n: the first n bytes are those of the part, whose sender is most likely the one that
 * goes on; also while an older file is there, whose bytes do not belong to it. Without a part: those of the file.
 */
export async function planStore(session: Session, path: string, restartAt: number): Promise<UploadPlan> {
  const entry = await uploadTarget(session, path);
  if (restartAt === 0) {
    await endSilent(session, path);
    return { path, options: {}, opening: 'Send the file.', anew: true, keep: keptAs(session, path, entry) };
  }
  const part = await partOf(session, path, entry);
  const size = part?.size ?? entry?.size ?? 0;
  if (restartAt > size) {
    throw new CommandRefused(554, `Cannot go on at byte ${restartAt}: there are ${size} bytes.`);
  }
  const options: UploadOptions =
    part !== null
      ? { part: { owner: ownerOf(session, path), found: part, length: restartAt } }
      : entry !== null
        ? { prefix: { entry, length: restartAt } }
        : {};
  const opening = `Send the file from byte ${restartAt} on.`;
  return { path, options, opening, keep: keptAs(session, path, entry) };
}

/**
 * APPE. What breaks off is kept only where it went on from a part: a device that adds lines to a file and sends the last
 * one again after a failure must not find half of it there already.
 */
export async function planAppend(session: Session, path: string): Promise<UploadPlan> {
  const entry = await uploadTarget(session, path);
  // Also where there is nothing to begin with: of two that append at once one must see the other's bytes.
  const baseSha256 = entry?.sha256 ?? null;
  const opening = 'Send what to append.';
  const found = entry === null ? await partOf(session, path, null) : null;
  if (found !== null) {
    const part = { owner: ownerOf(session, path), found, length: found.size };
    return { path, options: { baseSha256, part }, opening, keep: keptAs(session, path, null) };
  }
  const options =
    entry === null || entry.size === 0
      ? { baseSha256 }
      : { baseSha256, prefix: { entry, length: entry.size } };
  return { path, options, opening, keep: null };
}

/** SIZE where no file is: null when nothing was kept either. */
export async function keptSize(session: Session, path: string): Promise<number | null> {
  return (await partOf(session, path, null))?.size ?? null;
}

/** True: there was a part of this user's at the path, and it is gone. */
export async function dropPart(session: Session, path: string): Promise<boolean> {
  return await session.replicas.parts.drop(ownerOf(session, path));
}

/** The same where it is only tidying up: a part beside a finished file is of no use, and goes by itself in time. */
export async function dropPartIfPossible(session: Session, path: string): Promise<void> {
  try {
    await dropPart(session, path);
  } catch (error) {
    session.logger.debug('a part was left behind', { path, why: String(error) });
  }
}

async function partOf(session: Session, path: string, entry: Entry | null): Promise<FoundPart | null> {
  if (session.services.keepPartsHours === 0) return null;
  await endSilent(session, path);
  const part = await session.replicas.parts.find(ownerOf(session, path));
  return part !== null && part.over === (entry?.sha256 ?? null) ? part : null;
}

/** What this very client has begun and lost the line to. */
async function endSilent(session: Session, path: string): Promise<void> {
  await session.services.uploads.endSilent(ownerOf(session, path), session.clientAddress);
}

function keptAs(session: Session, path: string, entry: Entry | null): KeepAs | null {
  const keepMs = session.services.keepPartsHours * 60 * 60 * 1000;
  return keepMs === 0 ? null : { owner: ownerOf(session, path), over: entry?.sha256 ?? null, keepMs };
}

function ownerOf({ user }: Session, path: string): PartOwner {
  return { user: user ?? '', path };
}
