/**
 * A file that only its owner may read, made once. Several processes may start at the same moment: each writes a draft of its
 * own and links it to the name; the link of one succeeds, and a crash leaves the whole file or none.
 */
import { randomBytes } from 'node:crypto';
import { link, mkdir, open, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import { systemCodeOf } from './exit-status.ts';

/** Durable when it resolves. False when another process was first: its file stays. `folderMode`: of a folder that is missing. */
export async function makeSecretFile(file: string, text: string, folderMode?: number): Promise<boolean> {
  const folder = dirname(file);
  await mkdir(folder, { recursive: true, ...(folderMode !== undefined && { mode: folderMode }) });
  const draft = `${file}.${randomBytes(6).toString('hex')}`;
  const handle = await open(draft, 'wx', 0o600);
  try {
    await handle.writeFile(text);
    await handle.sync();
    await link(draft, file);
    const directory = await open(folder, 'r');
    try {
      await directory.sync();
    } finally {
      await directory.close();
    }
    return true;
  } catch (error) {
    if (systemCodeOf(error) === 'EEXIST') return false;
    throw error;
  } finally {
    await handle.close();
    await unlink(draft);
  }
}
