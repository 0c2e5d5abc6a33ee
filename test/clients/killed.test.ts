/** kill -9 of a program in the middle of its upload: half a file is no file. */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { hasProgram } from '../network/program.ts';
import type { Network } from '../network/with-network.ts';
import { breakOff, localFile, slowUploads } from './break-off.ts';
import { doorsOf, openClientNetwork } from './client-network.ts';

let network: Network & AsyncDisposable;
test.before(async (t) => {
  t.timeout(120_000);
  network = await openClientNetwork();
});
test.after.always(async () => {
  await network?.[Symbol.asyncDispose]();
});
test.afterEach.always((t) => {
  if (!t.passed) console.error(`\nlogs at the end of "${t.title}"\n${network.log()}`);
});

for (const [program, slowUpload] of Object.entries(slowUploads)) {
  test.serial(`${program}, killed while it uploads, leaves no file, or the old one as it was`, async (t) => {
    t.timeout(120_000);
    if (!hasProgram(t, program)) return;
    const a = network.member('a');
    const { path } = await localFile(t);
    await doorsOf(network, 'none').near.byHand(`/old by ${program}`, Buffer.from('old'));
    // Which of its connections ends first is chance.
    for (const name of [`new-${program}-1`, `new-${program}-2`, `old by ${program}`])
      await breakOff(
        a,
        program,
        slowUpload(a, path, name.replaceAll(' ', program === 'curl' ? '%20' : '\\ ')),
      );
    for (const { filesDir } of network.members) {
      t.false(existsSync(join(filesDir, `new-${program}-1`)));
      t.false(existsSync(join(filesDir, `new-${program}-2`)));
      t.is(await readFile(join(filesDir, `old by ${program}`), 'utf8'), 'old');
    }
  });
}
