/** What cloudroid.txt makes of a board, start by start. */
import { lstatSync, mkdirSync, readlinkSync, statSync } from 'node:fs';
import test from 'ava';
import { defaultHostname } from '../../src/appliance/take-hostname.ts';
import { KEY, OTHER_KEY, withBoard } from './with-board.ts';

const PEERS = '/etc/cloudroid/PEERS.txt';
const KEY_FILE = '/var/lib/cloudroid/network.key';
const TEXT = '/boot/cloudroid/cloudroid.txt';

test('a board without cloudroid.txt gets a name of its own and no other change', async (t) => {
  await withBoard(async (board) => {
    t.deepEqual(await board.boot(), { taken: [], problems: [] });
    t.regex(board.read('/etc/hostname'), /^cloudroid-[0-9a-f]{4}\n$/);
    t.is(board.ran.filter((line) => line.startsWith('hostnamectl set-hostname cloudroid-')).length, 1);
    t.false(board.has(PEERS));
    t.false(board.has(KEY_FILE));
    await board.boot();
    t.deepEqual(board.ran, []);
  });
});

test('two boards have two names, and a board without an id keeps the one it has', async (t) => {
  t.not(defaultHostname('0'.repeat(32)), defaultHostname(`${'0'.repeat(31)}1`));
  t.is(defaultHostname('uninitialized'), null);
  await withBoard(async (board) => {
    board.write('/etc/hostname', 'cellar\n');
    await board.boot();
    t.is(board.read('/etc/hostname'), 'cellar\n');
  });
});

test('everything that cloudroid.txt may say is taken over, once', async (t) => {
  await withBoard(async (board) => {
    board.write('/etc/hosts', '127.0.0.1 localhost\n127.0.1.1\tdebian\n');
    const ssh = `ssh-ed25519 ${'A'.repeat(68)} me`;
    const text = [
      'hostname = Cellar',
      'peers = 10.0.0.2, odroid-b.local',
      `network-key = ${KEY}`,
      'guest = read-only',
      'timezone = Europe/Berlin',
      `ssh-key = ${ssh}`,
      'ntp = 192.168.1.1',
      '',
    ].join('\r\n');
    const { problems, taken } = await board.boot(text);
    t.deepEqual(problems, []);
    t.is(taken.length, 7);
    t.is(board.read('/etc/hostname'), 'cellar\n');
    t.is(board.read('/etc/hosts'), '127.0.0.1 localhost\n127.0.1.1\tcellar\n');
    t.is(board.read(PEERS), '10.0.0.2\nodroid-b.local\n');
    t.true(board.read(KEY_FILE).endsWith(`\n${KEY}\n`));
    t.is(statSync(board.at(KEY_FILE)).mode & 0o777, 0o600);
    t.is(board.read('/var/lib/cloudroid/guest-wish'), 'read-only\n');
    t.is(readlinkSync(board.at('/etc/localtime')), '../usr/share/zoneinfo/Europe/Berlin');
    t.true(board.read('/root/.ssh/authorized_keys').includes(`${ssh}\n`));
    t.is(statSync(board.at('/root/.ssh/authorized_keys')).mode & 0o777, 0o600);
    t.regex(board.read('/etc/systemd/timesyncd.conf.d/50-cloudroid-txt.conf'), /^NTP=192\.168\.1\.1$/m);
    t.deepEqual((await board.boot()).taken, []);
    t.deepEqual(board.ran, []);
  });
});

test('a wrong value is told on the card with its line, in the line ends of Windows, and the others count', async (t) => {
  await withBoard(async (board) => {
    const { taken } = await board.boot('# mine\r\nguest = maybe\r\nhostname = cellar\r\nnonsense\r\n');
    t.deepEqual(taken, ['hostname']);
    const errors = board.errors() ?? '';
    t.regex(errors, /Line 2: guest = maybe\r\n +Expected: on, off or read-only\.\r\n/);
    t.regex(errors, /Line 4: nonsense\r\n/);
    t.false(/[^\r]\n/.test(errors));
    t.false(board.has('/var/lib/cloudroid/guest-wish'));
    await board.boot('guest = off\r\nhostname = cellar\r\n');
    t.is(board.errors(), null);
    t.is(board.read('/var/lib/cloudroid/guest-wish'), 'off\n');
  });
});

test('a file in UTF-16 is taken over and stays one', async (t) => {
  await withBoard(async (board) => {
    await board.boot(Buffer.from(`\uFEFFhostname = cellar\r\nnetwork-key = ${KEY}\r\n`, 'utf16le'));
    t.is(board.read('/etc/hostname'), 'cellar\n');
    t.is(
      Buffer.from(board.read(TEXT), 'utf8').length > 0 && statSync(board.at(TEXT)).size,
      Buffer.from('\uFEFFhostname = cellar\r\nnetwork-key =\r\n', 'utf16le').length,
    );
  });
});

test('peers added on the board stay, peers taken out of cloudroid.txt go', async (t) => {
  await withBoard(async (board) => {
    await board.boot('peers = a, b\n');
    board.write(PEERS, `# by hand\n${board.read(PEERS)}c # mine\n`);
    await board.boot();
    t.is(board.read(PEERS), '# by hand\na\nb\nc # mine\n');
    await board.boot('peers = b, d\n');
    t.is(board.read(PEERS), '# by hand\nb\nc # mine\nd\n');
    await board.boot('peers =\n');
    t.is(board.read(PEERS), '# by hand\nb\nc # mine\nd\n');
    await board.boot('peers = none\n');
    t.is(board.read(PEERS), '# by hand\nc # mine\n');
  });
});

test('what was changed on the board after it was taken over stays, and an empty line says nothing', async (t) => {
  await withBoard(async (board) => {
    await board.boot('hostname = cellar\n');
    board.write('/etc/hostname', 'attic\n');
    await board.boot();
    await board.boot('hostname =\n');
    t.is(board.read('/etc/hostname'), 'attic\n');
  });
});

test('the network key is kept from the card once the board has it', async (t) => {
  await withBoard(async (board) => {
    await board.boot(`network-key = ${KEY.split(' ')[1]}\r\nguest = off\r\n`);
    t.is(board.read(TEXT), 'network-key =\r\nguest = off\r\n');
    t.true(board.read(KEY_FILE).endsWith(`\n${KEY}\n`));
    t.false(board.read('/var/lib/cloudroid-setup/taken.json').includes(KEY.slice(30)));
  });
});

test('another network key is never put over the one that is there without being told so', async (t) => {
  await withBoard(async (board) => {
    board.write(KEY_FILE, `# comment\n${KEY}\n`);
    await board.boot(`network-key = ${OTHER_KEY}\n`);
    t.true(board.read(KEY_FILE).includes(KEY));
    t.regex(board.errors() ?? '', /replace-network-key = yes/);
    t.false((board.errors() ?? '').includes(OTHER_KEY.slice(30)));
    await board.boot(`network-key = ${OTHER_KEY}\nreplace-network-key = yes\n`);
    t.true(board.read(KEY_FILE).endsWith(`\n${OTHER_KEY}\n`));
    t.is(board.errors(), null);
    t.is(board.read(TEXT), 'network-key =\nreplace-network-key =\n');
    await board.boot(`network-key = ${KEY}\n`);
    t.true(board.read(KEY_FILE).includes(OTHER_KEY));
  });
});

test('the key goes to the next board by the card, and leaves the card at the next start', async (t) => {
  await withBoard(async (board) => {
    await board.boot('show-network-key = yes\n');
    const shown = board.read('/boot/cloudroid/network-key.txt');
    const line = /^(network-key = (\S+ \S+))\r\n$/m.exec(shown);
    t.truthy(line);
    t.true(board.read(KEY_FILE).includes(line?.[2] ?? 'none'));
    await withBoard(async (next) => {
      t.deepEqual((await next.boot(line?.[1])).problems, []);
      t.is(next.read(KEY_FILE), board.read(KEY_FILE));
    });
    await board.boot();
    t.false(board.has('/boot/cloudroid/network-key.txt'));
  });
});

test('keys for ssh that somebody else put there stay', async (t) => {
  await withBoard(async (board) => {
    const file = '/root/.ssh/authorized_keys';
    const key = (letter: string): string => `ssh-ed25519 ${letter.repeat(68)} ${letter}`;
    board.write(file, `${key('X')}\n`);
    await board.boot(`ssh-key = ${key('A')}\nssh-key = ${key('B')}\n`);
    for (const letter of ['X', 'A', 'B']) t.true(board.read(file).includes(key(letter)));
    await board.boot('ssh-key = none\n');
    t.is(board.read(file), `${key('X')}\n`);
  });
});

test('what the system refuses is told and tried again; a time zone that it does not know is wrong', async (t) => {
  await withBoard(async (board) => {
    board.answers.set('hostnamectl', { ok: false, output: 'no bus' });
    const first = await board.boot('hostname = cellar\ntimezone = Europe/Atlantis\nguest = off\n');
    t.deepEqual(first.taken, ['guest']);
    t.regex(board.errors() ?? '', /Line 1: hostname = cellar\r\n.*no bus/);
    t.regex(board.errors() ?? '', /Line 2: timezone = Europe\/Atlantis/);
    t.is(lstatSync(board.at('/etc/localtime'), { throwIfNoEntry: false }), undefined);
    board.answers.delete('hostnamectl');
    t.deepEqual((await board.boot()).taken, ['hostname']);
  });
});

test('a note of what was taken over that is damaged, or a file that is none, stops nothing', async (t) => {
  await withBoard(async (board) => {
    board.write('/var/lib/cloudroid-setup/taken.json', '{"hostname": ');
    t.deepEqual((await board.boot('hostname = cellar\n')).taken, ['hostname']);
    t.regex((await board.boot(Buffer.alloc(70_000, 'x'))).problems[0]?.expected ?? '', /at most 65536/);
    t.true((await board.boot(Buffer.from([0xff, 0xfe, 0, 1, 2, 0x80]))).problems.length > 0);
    mkdirSync(board.at('/var/lib/cloudroid/network.key'), { recursive: true });
    const { taken, problems } = await board.boot(`network-key = ${KEY}\nhostname = attic\n`);
    t.deepEqual(taken, ['hostname']);
    t.is(problems.length, 1);
  });
});
