import { createServer } from 'node:net';
import test from 'ava';
import { placeFor, runToEnd } from './member-process.ts';

const mistakes: readonly (readonly [string, readonly string[], number, RegExp])[] = [
  ['an unknown option', ['run', '--lisen', 'x'], 64, /Unknown option --lisen\. Did you mean --listen\?/],
  [
    'an option of other programs',
    ['run', '--port', '7000'],
    64,
    /Unknown option --port\. Did you mean --listen\?/,
  ],
  ['an option like no other', ['run', '--xyzzyquux'], 64, /Unknown option --xyzzyquux\. \(/],
  ['an unknown command', ['stauts'], 64, /Unknown command "stauts"\. Did you mean "status"\?/],
  [
    'no command',
    [],
    64,
    /Which command\? One of run, proxy, ftp, sweep, status, doctor, update, disk, peers/,
  ],
  ['a word too many', ['status', 'now'], 64, /"now" after status means nothing/],
  ['a switch of another command', ['status', '--once'], 64, /--once means nothing to status/],
  ['a switch of sweep --once alone', ['sweep', '--dry-run'], 64, /--dry-run goes with sweep --once only/],
  [
    'a switch with a value that is missing',
    ['trash', 'restore', 'x', '--to'],
    64,
    /--to needs what it stands for/,
  ],
  ['an option of another command', ['status', '--to', 'x'], 64, /--to means nothing to status/],
  ['an unknown action', ['peers', 'ad', 'x'], 64, /peers knows list, add.*Did you mean "add"\?/],
  ['an action without its word', ['trash', 'restore'], 64, /Which one\? cloudroid trash restore ID/],
  [
    'an action with a word too many',
    ['conflicts', 'list', '/a'],
    64,
    /"\/a" after conflicts list means nothing/,
  ],
  ['a disk command without a word', ['disk'], 64, /Which\? `disk accept`/],
  ['an empty disk that is alone', ['disk', 'accept', '--alone'], 64, /Which\? `disk accept`/],
  ['a name that JavaScript gives every object', ['constructor'], 64, /Unknown command "constructor"/],
  ['a wrong value', ['run', '--ack', 'most'], 78, /--ack: expected one of reachable.*got "most"/],
  ['an option without its value', ['run', '--listen'], 78, /--listen: expected .* got nothing/],
];
for (const [title, args, status, message] of mistakes) {
  test(`${title} is one line on standard error and status ${status}`, async (t) => {
    const finished = await runToEnd(args);
    t.is(finished.status, status);
    t.is(finished.stdout, '');
    t.regex(finished.stderr, message);
    t.is(finished.stderr.trim().split('\n').length, 1);
  });
}

test('a wrong variable is named as the variable it is', async (t) => {
  const { status, stderr } = await runToEnd(['status'], { CLOUDROID_MAX_SESSIONS: 'many' });
  t.is(status, 78);
  t.regex(stderr, /the variable CLOUDROID_MAX_SESSIONS: expected a whole number .* got "many"/);
});

test('--help lists every command and setting with its default', async (t) => {
  const { status, stdout, stderr } = await runToEnd(['--help']);
  t.is(status, 0);
  t.is(stderr, '');
  for (const word of [
    'run',
    'proxy',
    'ftp',
    'sweep',
    'status',
    'peers',
    '--storage-listen',
    '0.0.0.0:6001',
    '30000-30099',
  ]) {
    t.true(stdout.includes(word), word);
  }
});

test('status of a folder on which no member ever ran says so, makes nothing, and ends with 3', async (t) => {
  const place = await placeFor(t, '127.0.0.1');
  const { status, stderr } = await runToEnd(['status', ...place.options]);
  t.is(status, 3);
  t.regex(stderr, /not running.*npm start/);
});

test('a busy port is one clear line with another port to choose, and status 69', async (t) => {
  const place = await placeFor(t, '127.0.0.1');
  const other = createServer();
  await new Promise<void>((resolve) => other.listen(place.port, place.host, resolve));
  t.teardown(() => other.close());
  const { status, stderr, stdout } = await runToEnd(['run', ...place.options]);
  t.is(status, 69);
  t.is(stdout, '');
  t.is(
    stderr,
    `cloudroid: Port ${place.port} is in use. Stop the other program or choose another: --listen 127.0.0.1:${place.port + 10}\n`,
  );
});

test('a data folder that cannot be made is one clear line that names it', async (t) => {
  const place = await placeFor(t, '127.0.0.1');
  const { status, stderr } = await runToEnd(['run', ...place.options, '--data', '/dev/null/data']);
  t.is(status, 73);
  t.regex(stderr, /\/dev\/null\/data\/state/);
  t.is(stderr.trim().split('\n').length, 1);
});
