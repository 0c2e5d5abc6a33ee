/**
 * The files of accounts on this member's disk, looked at in every round: there are few, and what is edited there by hand
 * would be a way in. It is damage like any other: never taken over, fetched again from a peer.
 */
import { readdir } from 'node:fs/promises';
import type { ReplicaClient } from '../peers/replica-client-api.ts';
import { ACCOUNTS_DIR } from '../replication/account-path.ts';
import { escapeControls } from '../system/log-line.ts';
import { lookAt } from './hash-file.ts';
import { isAsPublished } from './walked-file.ts';

export interface AccountFilesResult {
  /** Found to be other bytes, or none. */
  readonly damaged: number;
  readonly notices: readonly string[];
}

const MAX_NAMED = 5;

/** Throws Refusal of the own storage server. */
export async function checkAccountFiles(local: ReplicaClient, filesDir: string): Promise<AccountFilesResult> {
  let damaged = 0;
  const known = new Set<string>();
  for (const entry of await local.upkeep.folder(ACCOUNTS_DIR)) {
    if (entry.kind !== 'file') continue;
    const { path, sha256, ino, mtimeNs, place } = entry;
    known.add(path);
    if (ino === null || mtimeNs === null) continue;
    const look = lookAt(filesDir + place);
    if (look !== undefined && isAsPublished(entry, look)) continue;
    const why = look === undefined ? 'missing' : 'changed';
    if (await local.upkeep.damaged({ path, sha256, ino, mtimeNs, why })) damaged += 1;
  }
  const strangers = (await namesIn(filesDir + ACCOUNTS_DIR)).filter(
    (name) => !known.has(`${ACCOUNTS_DIR}/${name}`),
  );
  // Made since the folder was asked for, perhaps.
  const unknown: string[] = [];
  for (const name of strangers) {
    const { record } = await local.record({ path: `${ACCOUNTS_DIR}/${name}` });
    if (record?.kind !== 'file') unknown.push(escapeControls(name));
  }
  if (unknown.length === 0) return { damaged, notices: [] };
  const named = `${unknown.slice(0, MAX_NAMED).join(', ')}${unknown.length > MAX_NAMED ? ', ...' : ''}`;
  return {
    damaged,
    notices: [`${ACCOUNTS_DIR}: ${named}: no account, and not taken for one (cloudroid users)`],
  };
}

async function namesIn(diskPath: string): Promise<string[]> {
  try {
    return await readdir(diskPath);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : '';
    if (code === 'ENOENT' || code === 'ENOTDIR') return [];
    throw error;
  }
}
