/** Gets the bytes that a request brings ready for publishing, and says which bytes this replica already has. */

import { type Content, INLINE_LIMIT_BYTES } from '../../peers/protocol.ts';
import { Refusal } from '../../replication/operation.ts';
import { failpoint } from '../../system/failpoint.ts';
import type { Group } from '../group.ts';
import type { WantedContent } from './content-proof.ts';
import { findSource } from './content-source.ts';
import type { PublishContext } from './publish-context.ts';
import type { Prepared } from './staging.ts';
import { inodeAt } from './volume.ts';

/** Proves and flushes what the request names. `trustDirect`: see Staging.prepare. Throws Refusal, FlushFailed. */
export async function prepareContent(
  { staging, space }: PublishContext,
  wanted: WantedContent,
  content: Content,
  trustDirect: boolean,
): Promise<Prepared> {
  if (content.inline === undefined && content.staged === undefined) {
    throw new Refusal('invalid', 'the content is neither staged nor inline', { path: wanted.path });
  }
  if (content.inline === undefined) {
    space.require(0, wanted.path);
    failpoint('commit:staged');
    const id = String(content.staged);
    // From here on nobody writes to it: what is published must be what was hashed and flushed.
    staging.claims.claim(id);
    try {
      return await staging.prepare(id, wanted, trustDirect);
    } catch (error) {
      staging.claims.release(id);
      throw error;
    }
  }
  const bytes = Buffer.from(content.inline, 'base64');
  if (bytes.length > INLINE_LIMIT_BYTES) {
    throw new Refusal('invalid', 'the inline content is too long', { path: wanted.path });
  }
  space.require(bytes.length, wanted.path);
  if (bytes.length !== wanted.size) {
    throw new Refusal('hash-mismatch', `the inline content has ${bytes.length} bytes, not ${wanted.size}`);
  }
  return await staging.prepareInline(bytes, wanted);
}

/** True when the bytes are prepared, published or in the trash. Throws GroupConflict when that is about to change. */
export function hasContent(
  { catalog, volume }: PublishContext,
  group: Group,
  prepared: ReadonlyMap<string, Prepared>,
  sha256: string,
): boolean {
  const ready = prepared.get(sha256);
  if (ready !== undefined && inodeAt(group.stagedPath(ready.staged)) === ready.ino) return true;
  for (const { local } of catalog.table.withContent(sha256)) {
    if (local !== undefined) group.checkUntouched(local.place);
  }
  return findSource(volume, catalog, sha256) !== undefined;
}

/** The request is over: uploads are nobody's again, inline contents that no commit has used go. */
export async function dropUnused({ staging }: PublishContext, prepared: Iterable<Prepared>): Promise<void> {
  for (const { staged } of prepared) {
    if (!staged.startsWith('inline-')) staging.claims.release(staged);
    if (staged.startsWith('inline-') && staging.holds(staged)) await staging.drop(staged);
  }
}
