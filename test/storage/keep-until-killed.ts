/**
 * A process that keeps two parts of the same upload, one after the other, and drops the second, on a disk that forgets what was not flushed, and
 * dies where CLOUDROID_FAILPOINT says, or else at its end: `node keep-until-killed.ts <root>`. Prints a line for each step
 * that is done.
 */
import { writeSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { sha256Of } from './content-hash.ts';
import { forgetBelow } from './forgetful-disk.ts';

export const OWNER = { user: 'guest', path: '/film' };
export const CONTENTS = ['first half', 'second half, of more bytes'] as const;

if (import.meta.main) {
  const root = process.argv[2] ?? '';
  forgetBelow(join(root, 'files'), join(root, 'attic'));
  const { storeUnder } = await import('./store-in-process.ts');
  const store = await storeUnder(root);
  for (const [index, content] of CONTENTS.entries()) {
    const staged = `upload-number-${index}`;
    const { diskPath } = await store.stage({ id: staged });
    const handle = await open(diskPath, 'r+');
    await handle.writeFile(content);
    await handle.close();
    const [size, sha256] = [content.length, sha256Of(content)];
    await store.parts.keep({ ...OWNER, staged, size, sha256, over: null, keepMs: 1_000_000 });
    writeSync(1, `${index}\n`);
  }
  await store.parts.drop(OWNER);
  writeSync(1, 'dropped\n');
  process.kill(process.pid, 'SIGKILL');
}
