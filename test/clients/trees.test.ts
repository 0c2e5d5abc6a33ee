/** Whole trees and whole habits: what lftp, rclone and wget do with a folder of folders, in through one member, out through another. */
import { mkdtempSync, rmSync } from 'node:fs';
import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { assertIdentical } from '../network/compare.ts';
import { hasProgram, run, succeed } from '../network/program.ts';
import type { Network } from '../network/with-network.ts';
import { doorsOf, makeHome, openClientNetwork } from './client-network.ts';
import { lftp } from './drivers/lftp.ts';
import { rclone } from './drivers/rclone.ts';
import { wget } from './drivers/wget.ts';

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

/** Some of the tests themselves, and a few things that are awkward in a tree. */
async function makeTree(t: ExecutionContext): Promise<{ readonly sent: string; readonly back: string }> {
  const folder = mkdtempSync(join(tmpdir(), 'cloudroid-tree-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  const sent = join(folder, 'sent');
  for (const part of ['clients', 'ftp', 'layout.test.ts'])
    await cp(join(import.meta.dirname, '..', part), join(sent, part), { recursive: true });
  await mkdir(join(sent, 'ein leerer \u00dcbungsordner'));
  await writeFile(join(sent, 'no bytes'), '');
  await writeFile(join(sent, '.hidden'), 'seen all the same');
  return { sent, back: join(folder, 'back') };
}

test.serial('lftp mirrors a tree in, out, and in again with what was added and deleted since', async (t) => {
  if (!hasProgram(t, 'lftp')) return;
  const { sent, back } = await makeTree(t);
  const { near, far } = doorsOf(network, 'none');
  const [other = near] = far;
  await lftp(t, near, `mirror --parallel=4 -R ${sent} /mirrored`);
  await lftp(t, other, `mirror --parallel=4 /mirrored ${back}`);
  await succeed(t, 'diff', ['-r', sent, back]);
  await rm(join(sent, 'clients'), { recursive: true });
  await writeFile(join(sent, 'added'), 'later');
  await lftp(t, other, `mirror --parallel=4 --delete -R ${sent} /mirrored`);
  await lftp(t, near, `mirror --delete /mirrored ${back}`);
  await succeed(t, 'diff', ['-r', sent, back]);
  await assertIdentical(t, network.members);
});

test.serial('lftp fetches one file in five pieces at once', async (t) => {
  if (!hasProgram(t, 'lftp')) return;
  const { near, far } = doorsOf(network, 'none');
  const folder = mkdtempSync(join(tmpdir(), 'cloudroid-pget-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  const bytes = Buffer.from(Array.from({ length: 8_000_000 }, (_, index) => (index * index) >> 7));
  await near.byHand('/pieces', bytes);
  await lftp(t, far[0] ?? near, `pget -n 5 /pieces -o ${join(folder, 'pieces')}`);
  t.true(bytes.equals(await readFile(join(folder, 'pieces'))));
});

test.serial(
  'rclone copies a tree in, finds it equal, copies it out; sync deletes what is gone and check tells what differs',
  async (t) => {
    t.timeout(240_000);
    if (!hasProgram(t, 'rclone')) return;
    const { sent, back } = await makeTree(t);
    const { near, far } = doorsOf(network, 'none');
    const [other = near] = far;
    const patience = ['--create-empty-src-dirs', '--checkers', '4'];
    await rclone(t, near, (at) => ['copy', ...patience, sent, at('/cloned')]);
    await rclone(t, other, (at) => ['check', '--download', sent, at('/cloned')]);
    await rclone(t, other, (at) => ['copy', ...patience, at('/cloned'), back]);
    await succeed(t, 'diff', ['-r', sent, back]);
    // Times were set (MFMT), so a second copy has nothing to send.
    const again = await rclone(t, near, (at) => ['copy', '--stats-one-line', '-v', sent, at('/cloned')]);
    t.notRegex(again.toString(), /Copied/);
    await rm(join(sent, 'clients'), { recursive: true });
    await writeFile(join(sent, 'added'), 'later');
    await rclone(t, near, (at) => ['sync', ...patience, sent, at('/cloned')]);
    await rclone(t, other, (at) => ['check', '--download', sent, at('/cloned')]);
    await rclone(t, other, (at) => ['sync', ...patience, at('/cloned'), back]);
    await succeed(t, 'diff', ['-r', sent, back]);
    await assertIdentical(t, network.members);
  },
);

test.serial('wget -r fetches a tree, and with -N only what changed', async (t) => {
  if (!hasProgram(t, 'wget')) return;
  const { sent, back } = await makeTree(t);
  const { near, far } = doorsOf(network, 'none');
  const [other = near] = far;
  if (!hasProgram(t, 'lftp')) return;
  await lftp(t, near, `mirror --parallel=4 -R ${sent} /webbed`);
  const first = await wget(t, other, '/webbed/', [
    '-r',
    '-N',
    '-l',
    'inf',
    '-nH',
    '--cut-dirs=1',
    '-P',
    back,
  ]);
  await mkdir(join(back, 'ein leerer \u00dcbungsordner'), { recursive: true });
  await succeed(t, 'diff', ['-r', sent, back]);
  t.regex(first.stderr, /repertoire\.ts/);
  await near.byHand('/webbed/layout.test.ts', Buffer.from('changed, and not of the same size'));
  const second = await wget(t, other, '/webbed/', [
    '-r',
    '-N',
    '-l',
    'inf',
    '-nH',
    '--cut-dirs=1',
    '-P',
    back,
  ]);
  t.regex(second.stderr, /layout\.test\.ts" \[/);
  t.notRegex(second.stderr, /repertoire\.ts" \[/);
});

test.serial('inetutils-ftp is called back by the member: PORT, no passive mode', async (t) => {
  if (!hasProgram(t, 'inetutils-ftp')) return;
  const { near } = doorsOf(network, 'none');
  await makeHome(network, '/active');
  const input = 'user guest guest\nbinary\ncd /active\nput /etc/hostname name\nget name -\nquit\n';
  const { text } = await run('inetutils-ftp', ['-n', '-v', '-i', '-d', near.host, String(near.port)], {
    input,
  });
  t.regex(text, /---> PORT /, text);
  t.notRegex(text, /---> (PASV|EPSV)/);
  t.is(text.match(/^226 /gm)?.length, 2, text);
});
