/** Real FTP programs against one network of two: everything through member a, everything read back from b. */
import { randomFillSync } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { open, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { assertIdentical, becomeIdentical, hashOfFile } from '../network/compare.ts';
import { hasProgram, succeed } from '../network/program.ts';
import type { Network } from '../network/with-network.ts';
import { doorsOf, makeHome, openClientNetwork } from './client-network.ts';
import { everyProgram } from './drivers/every-program.ts';
import { performAll } from './repertoire.ts';

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

for (const [index, program] of everyProgram.entries()) {
  const title = `${program.title}: what is stored, renamed, appended, resumed and deleted through one member is so on all`;
  test.serial(title, async (t) => {
    t.timeout(240_000);
    if (!program.needs.every((name) => hasProgram(t, name))) return;
    const home = `/program ${index}`;
    await makeHome(network, home);
    await performAll(t, program, doorsOf(network, 'none'), home);
    await assertIdentical(t, network.members);
  });
}

/** Random bytes in blocks, so that the test needs no memory for them. */
async function makeLargeFile(path: string, megabytes: number): Promise<void> {
  const file = await open(path, 'w');
  const block = Buffer.alloc(1_000_000);
  for (let count = 0; count < megabytes; count += 1) await file.write(randomFillSync(block));
  await file.close();
}

test.serial(
  'a file of 300 MB sent by curl through one member comes back from another, byte for byte',
  async (t) => {
    t.timeout(240_000);
    if (!hasProgram(t, 'curl')) return;
    const folder = mkdtempSync(join(tmpdir(), 'cloudroid-large-'));
    t.teardown(() => rmSync(folder, { recursive: true, force: true }));
    const [sent, back] = [join(folder, 'sent'), join(folder, 'back')];
    await makeLargeFile(sent, 300);
    const [a, b] = [network.member('a'), network.member('b')];
    const { stderr } = await succeed(t, 'curl', [
      '-v',
      '--no-progress-meter',
      '-T',
      sent,
      `${a.url}/large.bin`,
    ]);
    t.regex(stderr, /226 Stored on \d of 2 members/);
    await succeed(t, 'curl', ['-sS', '-o', back, `${b.url}/large.bin`]);
    const wanted = await hashOfFile(sent);
    t.is(await hashOfFile(back), wanted);
    await becomeIdentical(network.members);
    for (const member of [a, b])
      t.is(await hashOfFile(join(member.filesDir, 'large.bin')), wanted, member.name);
  },
);

test.serial('curl moves its bytes over PASV, EPSV, PORT and EPRT alike', async (t) => {
  if (!hasProgram(t, 'curl')) return;
  const [a, b] = [network.member('a'), network.member('b')];
  const ways: readonly (readonly [way: string, ...options: string[]])[] = [
    ['PASV', '--disable-epsv'],
    ['EPSV'],
    ['PORT', '--ftp-port', a.host, '--disable-eprt', '--interface', a.host],
    ['EPRT', '--ftp-port', a.host, '--interface', a.host],
  ];
  for (const [way, ...options] of ways) {
    const args = ['-v', '--no-progress-meter', ...options];
    const sent = await succeed(t, 'curl', [...args, '-T', '-', `${a.url}/by ${way}`.replaceAll(' ', '%20')], {
      input: `sent by ${way}`,
    });
    t.regex(sent.stderr, new RegExp(`^> ${way}`, 'm'));
    t.is(await readFile(join(b.filesDir, `by ${way}`), 'utf8'), `sent by ${way}`);
    const back = await succeed(t, 'curl', [...args, `${a.url}/by%20${way}`]);
    t.is(back.stdout.toString(), `sent by ${way}`);
  }
});
