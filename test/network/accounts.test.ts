/** Accounts of real members: changed by a command beside one of them, they are on all, and no client gets near their files. */
import { readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { changeAccount, readAccounts } from '../../src/cli/change-account.ts';
import { CommandError } from '../../src/system/exit-status.ts';
import type { Member } from './member.ts';
import { waitUntil } from './wait-until.ts';
import { withNetwork } from './with-network.ts';

const DIR = '.cloudroid/users';

function onDisk(member: Member): { readonly [name: string]: string } {
  const names = readdirSync(join(member.filesDir, DIR)).sort();
  return Object.fromEntries(
    names.map((name) => [name, readFileSync(join(member.filesDir, DIR, name), 'utf8')]),
  );
}

async function comesTo(
  members: readonly Member[],
  wanted: { readonly [name: string]: string },
): Promise<void> {
  for (const member of members) {
    await waitUntil(
      `the accounts of ${member.name}`,
      () => {
        const found = JSON.stringify(onDisk(member));
        return found === JSON.stringify(wanted) ? null : found;
      },
      { withinMs: 60_000 },
    );
  }
}

test('what a command changes of the accounts of one member is fetched by the others at once', async (t) => {
  // No round comes by itself: what arrives, arrives because it was asked for.
  const options = { members: 2, options: ['--sweep', '0 0 1 1 *'] };
  await withNetwork(t, options, async (network) => {
    const [a, b] = [network.member('a'), network.member('b')];
    const both = network.members;
    const client = await a.login();
    for (const path of [
      '/.cloudroid',
      `/${DIR}`,
      `/${DIR}/anna`,
      '/.CLOUDROID/users/anna',
      '/x/../.cloudroid/users/anna',
    ]) {
      for (const command of [
        'STOR',
        'APPE',
        'RETR',
        'DELE',
        'MKD',
        'RMD',
        'RNFR',
        'CWD',
        'SIZE',
        'MLST',
        'MDTM',
      ])
        t.true((await client.command(`${command} ${path}`)).code >= 500, `${command} ${path}`);
    }
    client.destroy();

    t.is(await changeAccount(a.settings(), 'anna', 'first', null), 'The other member fetches it now.\n');
    await comesTo(both, { anna: 'first' });
    for (const member of both) {
      t.is(statSync(join(member.filesDir, DIR, 'anna')).mode & 0o777, 0o600);
      t.is(statSync(join(member.filesDir, DIR)).mode & 0o777, 0o700);
      t.deepEqual((await readAccounts(member.settings())).accounts, [{ name: 'anna', text: 'first' }]);
      t.is((await member.status()).files, 0);
    }
    await changeAccount(b.settings(), 'anna', 'second', 'first');
    await comesTo(both, { anna: 'second' });
    for (const was of ['first', null]) {
      const late = await t.throwsAsync(changeAccount(a.settings(), 'anna', 'third', was), {
        instanceOf: CommandError,
      });
      t.regex(late?.message ?? '', /changed meanwhile/);
    }
    await t.throwsAsync(changeAccount(a.settings(), 'nobody', null), { instanceOf: CommandError });
    await t.throwsAsync(changeAccount(a.settings(), '../x', 'x'), { instanceOf: CommandError });

    await b.stop();
    t.regex(await changeAccount(a.settings(), 'anna', null), /^0 of 1 other members/);
    await changeAccount(a.settings(), 'bert', 'b');
    await b.start();
    await comesTo(both, { bert: 'b' });
    for (const member of both) t.deepEqual(readdirSync(join(member.filesDir, '.cloudroid/trash')), []);

    await a.stop();
    await t.throwsAsync(changeAccount(a.settings(), 'bert', 'c'), { instanceOf: CommandError });
    for (const end of ['', '-wal', '-shm']) rmSync(join(a.stateDir, `catalog.sqlite${end}`), { force: true });
    await a.start();
    await waitUntil('a has its catalog again', async () => (await a.status()).hello.readOnly, {
      withinMs: 60_000,
    });
    await comesTo(both, { bert: 'b' });
    await waitUntil('both are alike', async () => {
      const [one, other] = await Promise.all(both.map(async (member) => (await member.status()).hello.tree));
      return one === other ? null : `${one} ${other}`;
    });
    // After the round that follows a rebuild.
    await waitUntil('a has what the others have', async () =>
      (await readAccounts(a.settings())).complete ? null : 'it is joining',
    );
  });
});
