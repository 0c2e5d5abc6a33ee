/** The programs that can, over TLS: AUTH TLS and implicit, data connections protected. What goes in through a comes out of b. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { assertIdentical } from '../network/compare.ts';
import { hasProgram, run } from '../network/program.ts';
import { type Network, withNetwork } from '../network/with-network.ts';
import { doorsOf, makeHome, openClientNetwork } from './client-network.ts';
import { everyProgram } from './drivers/every-program.ts';
import { lftp } from './drivers/lftp.ts';
import { fewNames, performAll } from './repertoire.ts';

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
  for (const security of program.secures ?? []) {
    test.serial(`${program.title} over ${security} TLS`, async (t) => {
      t.timeout(240_000);
      const needs = [...program.needs, ...(program.secureNeeds ?? [])];
      if (!needs.every((name) => hasProgram(t, name))) return;
      const home = `/program ${index} ${security}`;
      await makeHome(network, home);
      await performAll(t, program, doorsOf(network, security), home, fewNames);
      await assertIdentical(t, network.members);
    });
  }
}

test.serial('lftp mirrors a hundred files in and out over TLS, four connections at once', async (t) => {
  t.timeout(240_000);
  if (!hasProgram(t, 'lftp')) return;
  const { near, far } = doorsOf(network, 'explicit');
  const [other = near] = far;
  const folder = join(network.folder, 'local');
  const sent = join(folder, 'sent');
  await mkdir(sent, { recursive: true });
  for (let index = 1; index <= 100; index += 1) await writeFile(join(sent, `${index}`), `number ${index}`);
  await lftp(t, near, `mirror --parallel=4 -R ${sent} /secure-mirror`);
  await lftp(t, other, `mirror --parallel=4 /secure-mirror ${folder}/back`);
  for (let index = 1; index <= 100; index += 1)
    t.is(await readFile(join(folder, 'back', `${index}`), 'utf8'), `number ${index}`);
});

test.serial('with --require-tls a plain curl gets nowhere and one with TLS does its work', async (t) => {
  if (!hasProgram(t, 'curl')) return;
  await withNetwork(t, { members: 1, idle: true, options: ['--require-tls'] }, async (own) => {
    const member = own.member('a');
    await member.start();
    const { url } = member;
    const plain = await run('curl', ['-sS', '-v', '-T', '-', `${url}/x`], { input: 'plain' });
    t.not(plain.status, 0);
    t.regex(plain.stderr, /^< 5\d\d /m);
    const secure = ['-sS', '--ssl-reqd', '--insecure'];
    t.is((await run('curl', [...secure, '-T', '-', `${url}/x`], { input: 'secret' })).status, 0);
    t.is((await run('curl', [...secure, `${url}/x`])).stdout.toString(), 'secret');
    // Protected control connection, data in the clear.
    const clear = await run('curl', ['-sS', '--ftp-ssl-control', '--insecure', `${url}/x`]);
    t.not(clear.status, 0);
    t.is(clear.stdout.toString(), '');
  });
});
