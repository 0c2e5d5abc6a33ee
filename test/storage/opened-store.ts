/** A store in a temp folder of its own, and the operations tests do on it. */
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import type { CommitReply } from '../../src/peers/protocol.ts';
import type { Operation } from '../../src/replication/operation.ts';
import type { ReplicaRecord, VersionVector } from '../../src/replication/record.ts';
import { openStore } from '../../src/storage/store.ts';
import type { Store, StoreOptions } from '../../src/storage/store-api.ts';
import { checkStore, type StoreDirs } from './check-store.ts';
import { sha256Of } from './content-hash.ts';

export { sha256Of };

export const MEMBER = 'odroid-a-0001';

export function tempDirs(t: ExecutionContext): StoreDirs & { readonly root: string } {
  const root = mkdtempSync(join(tmpdir(), 'cloudroid-store-'));
  t.teardown(() => rmSync(root, { recursive: true, force: true }));
  return { root, filesDir: join(root, 'files'), stateDir: join(root, 'state') };
}

export function storeOptions(dirs: StoreDirs, more: Partial<StoreOptions> = {}): StoreOptions {
  const { filesDir, stateDir } = dirs;
  return {
    filesDir,
    stateDir,
    member: MEMBER,
    name: 'odroid-a',
    now: Date.now,
    log: (level, message, details) => {
      if (process.env['STORE_LOG'] !== undefined) console.log(level, message, details);
    },
    reserveBytes: 1024 * 1024,
    ...more,
  };
}

/** Opens a store that is closed and checked when the test is over. */
export async function openedStore(
  t: ExecutionContext,
  more: Partial<StoreOptions> & { dirs?: StoreDirs; ignore?: readonly string[] } = {},
): Promise<{ store: Store; dirs: StoreDirs }> {
  const { dirs = tempDirs(t), ignore = [], ...options } = more;
  const store = await openStore(storeOptions(dirs, options));
  t.teardown(async () => {
    await store.close();
    const wrong = checkStore(dirs, { ignore });
    if (wrong.length > 0) throw new Error(`the store does not hold together: ${wrong.join('; ')}`);
  });
  return { store, dirs };
}

export function operationId(): string {
  return randomUUID();
}

export async function put(store: Store, path: string, content: string, mtime?: number): Promise<CommitReply> {
  return await store.commit({
    id: operationId(),
    operation: {
      op: 'put',
      path,
      size: Buffer.byteLength(content),
      sha256: sha256Of(content),
      ...(mtime === undefined ? {} : { mtime }),
    },
    content: { inline: Buffer.from(content).toString('base64') },
  });
}

export async function change(
  store: Store,
  operation: Exclude<Operation, { op: 'put' }>,
): Promise<CommitReply> {
  return await store.commit({ id: operationId(), operation });
}

export async function readThrough(store: Store, path: string): Promise<string> {
  const { entry } = store.record(path);
  if (entry?.kind !== 'file') throw new Error(`${path} is no file`);
  const { handle } = await store.openObject(entry.sha256);
  try {
    return await handle.readFile('utf8');
  } finally {
    await handle.close();
  }
}

let nextSeq = 0;

/** A record as another member would push it. */
export function foreignRecord(
  path: string,
  content: string | null,
  more: Partial<ReplicaRecord> = {},
): ReplicaRecord {
  nextSeq += 1;
  const actor = more.dot?.[0] ?? 'odroid-b-0002.bbbbbbbb';
  const seq = more.dot?.[1] ?? nextSeq;
  const context: VersionVector = { [actor]: seq };
  return {
    path,
    kind: content === null ? 'tombstone' : 'file',
    size: content === null ? 0 : Buffer.byteLength(content),
    sha256: content === null ? '' : sha256Of(content),
    mtime: 1_700_000_000_000,
    dot: [actor, seq],
    stamp: 1_700_000_000_000,
    context,
    kept: [],
    ...more,
  };
}

export function inlineContent(...contents: readonly string[]): { [sha256: string]: { inline: string } } {
  return Object.fromEntries(
    contents.map((content) => [sha256Of(content), { inline: Buffer.from(content).toString('base64') }]),
  );
}
