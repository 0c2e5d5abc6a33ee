/** `cloudroid users` beside real members: what it says, and that it counts on all of them. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import test from 'ava';
import { RawClient } from '../proxy/raw-client.ts';
import type { Member } from './member.ts';
import { waitUntil } from './wait-until.ts';
import { withNetwork } from './with-network.ts';

const main = join(import.meta.dirname, '..', '..', 'src', 'main.ts');

function users(member: Member, words: readonly string[], input = '') {
  const args = ['--no-warnings=ExperimentalWarning', main, 'users', ...words, ...member.args];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { input, encoding: 'utf8' });
  return { status, stdout, stderr };
}

async function mayLogIn(member: Member, user: string, password: string): Promise<boolean> {
  try {
    (await RawClient.loggedIn(member.port, { host: member.host, user, password })).destroy();
    return true;
  } catch {
    return false;
  }
}

async function comesTrue(what: string, holds: () => Promise<boolean>): Promise<void> {
  await waitUntil(what, async () => ((await holds()) ? null : 'not yet'), { withinMs: 60_000 });
}

test('accounts made, changed and removed by the command on one member count on the other', async (t) => {
  t.timeout(300_000);
  await withNetwork(t, { members: 2, options: ['--sweep', '0 0 1 1 *'] }, async (network) => {
    const [a, b] = [network.member('a'), network.member('b')];
    t.regex(users(a, ['list']).stdout, /^No accounts: guest with the public password guest/);
    t.regex(users(a, []).stdout, /cloudroid users add NAME/);
    const guest = await b.login();

    const made = users(
      a,
      ['add', 'cam1', '--upload-only', '--home', 'cams/1', '--quota', '5M', '--password-stdin'],
      'picture-box\n',
    );
    t.is(made.status, 0, made.stderr);
    t.regex(
      made.stdout,
      /^Made the account cam1: home folder \/cams\/1, rights upload-only, quota 5\.0 MiB\.$/m,
    );
    t.regex(made.stdout, /^The other member fetches it now\.$/m);
    t.regex(made.stdout, /guest \/ guest is switched off now/);
    await comesTrue('cam1 on b', () => mayLogIn(b, 'cam1', 'picture-box'));
    t.regex((await guest.reply()).text, /^421 Your account was changed/);
    t.false(await mayLogIn(a, 'guest', 'guest'));
    t.false(await mayLogIn(b, 'guest', 'guest'));
    const camera = await RawClient.loggedIn(b.port, { host: b.host, user: 'cam1', password: 'picture-box' });
    t.is((await camera.upload('STOR one.jpg', 'x'.repeat(2_000_000))).code, 226);
    t.is((await camera.upload('STOR two.jpg', 'x'.repeat(4_000_000))).code, 552);

    t.regex(
      users(a, ['add', 'cam1', '--password-stdin'], 'picture-box\n').stderr,
      /There is an account cam1: cloudroid users set/,
    );
    t.regex(
      users(a, ['set', 'cam1', '--quota', 'none', '--full']).stdout,
      /^cam1 has now: .*rights full, no quota\.$/m,
    );
    await comesTrue(
      'full rights on b, in the same session',
      async () => (await camera.download('NLST')).bytes.toString() === 'one.jpg\r\n',
    );
    const page = users(b, ['list']);
    t.regex(page.stdout, /^NAME {2,}HOME {2,}RIGHTS {2,}QUOTA {2,}USED {2,}CHANGED$/m);
    t.regex(page.stdout, /^cam1 {2,}\/cams\/1 {2,}full {2,}none {2,}1\.9 MiB {2,}/m);
    const json: unknown = JSON.parse(users(b, ['list', '--json']).stdout);
    t.like(json, [{ name: 'cam1', home: '/cams/1', rights: 'full', usedBytes: 2_000_000 }]);
    t.notRegex(JSON.stringify(json), /scrypt|hash|salt/);

    t.is(users(b, ['password', 'cam1', '--password-stdin'], 'another-one\n').status, 0);
    t.regex((await camera.reply()).text, /^421 Your account was changed/);
    await comesTrue('the new password on a', () => mayLogIn(a, 'cam1', 'another-one'));
    t.false(await mayLogIn(a, 'cam1', 'picture-box'));

    t.is(users(a, ['add', 'guest', '--read-only', '--password-stdin'], 'guest\n').status, 0);
    await comesTrue('guests on b', () => mayLogIn(b, 'guest', 'guest'));
    t.is(users(a, ['remove', 'guest']).status, 0);
    const removed = users(b, ['remove', 'cam1']);
    t.regex(removed.stdout, /^Removed the account cam1; files in \/cams\/1 stay\./);
    await comesTrue('cam1 is gone from a', async () => !(await mayLogIn(a, 'cam1', 'another-one')));
    for (const member of [a, b]) t.false(await mayLogIn(member, 'guest', 'guest'), 'never open again');
    t.regex(users(a, ['list']).stdout, /Nobody can log in: cloudroid users add NAME/);

    for (const [words, input, status, said] of [
      [['add', 'anonymous', '--password-stdin'], 'long enough\n', 1, /Nobody gets in as anonymous/],
      [['add', '../x', '--password-stdin'], 'long enough\n', 1, /is no name for a user/],
      [['add', 'bert', '--password-stdin'], 'short\n', 1, /at least 8 characters/],
      [['add', 'bert'], '', 64, /--password-stdin/],
      [['add', 'bert', '--full', '--read-only', '--password-stdin'], 'long enough\n', 64, /Only one of/],
      [['add', 'bert', '--quota', 'much', '--password-stdin'], 'long enough\n', 64, /a number of bytes/],
      [
        ['add', 'bert', '--home', '/.cloudroid', '--password-stdin'],
        'long enough\n',
        1,
        /cannot be a home folder/,
      ],
      [['add'], '', 64, /Which one\? cloudroid users add NAME/],
      [['set', 'nobody', '--full'], '', 1, /There is no account nobody/],
      [['set', 'cam1'], '', 64, /What is to change\?/],
      [['remove', 'nobody'], '', 1, /There is no account nobody/],
      [['rename', 'x'], '', 64, /Did you mean "remove"|users knows/],
    ] as const) {
      const answer = users(a, words, input);
      t.is(answer.status, status, `${words.join(' ')}: ${answer.stdout}${answer.stderr}`);
      t.regex(answer.stderr, said, words.join(' '));
    }
    t.regex(users(a, ['list']).stdout, /Nobody can log in/);
  });
});

test('guest / guest can be switched off without any other account', async (t) => {
  await withNetwork(t, { members: 1 }, async (network) => {
    const member = network.member('a');
    t.regex(users(member, ['remove', 'guest']).stdout, /^guest \/ guest is switched off\. Nobody can log in/);
    t.false(await mayLogIn(member, 'guest', 'guest'));
    t.regex(users(member, ['list']).stdout, /^guest +\/ +switched off/m);
    t.is(users(member, ['password', 'guest', '--password-stdin'], 'guest\n').status, 0);
    t.true(await mayLogIn(member, 'guest', 'guest'));
  });
});
