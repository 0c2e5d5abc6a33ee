/** cloudroid.txt as people write it. */
import test from 'ava';
import { blanked, parseBootFile } from '../../src/appliance/boot-file.ts';
import { bootKeys, checkBootValue } from '../../src/appliance/boot-keys.ts';
import { decodeText } from '../../src/appliance/text-file.ts';
import { Unfit } from '../../src/config/setting-checks.ts';
import { KEY } from './with-board.ts';

const text = 'hostname = cellar\r\nguest = off\r\n';
const swap = (bytes: Buffer): Buffer => Buffer.from(bytes).swap16();
const encodings: { readonly [name: string]: Buffer } = {
  'UTF-8': Buffer.from(text),
  'UTF-8 with a byte order mark': Buffer.from(`\uFEFF${text}`),
  'UTF-16, little end first, with a mark': Buffer.from(`\uFEFF${text}`, 'utf16le'),
  'UTF-16, little end first': Buffer.from(text, 'utf16le'),
  'UTF-16, big end first, with a mark': swap(Buffer.from(`\uFEFF${text}`, 'utf16le')),
  'UTF-16, big end first': swap(Buffer.from(text, 'utf16le')),
};

for (const [name, bytes] of Object.entries(encodings)) {
  test(`a file in ${name} is read, and goes back in that encoding`, (t) => {
    const decoded = decodeText(bytes);
    t.is(decoded.text, text);
    t.is(decodeText(decoded.encode('guest = on\n')).text, 'guest = on\n');
    if (name.includes('mark')) t.deepEqual(decoded.encode(text), bytes);
  });
}

test('a file in Windows-1252 is read, umlauts in remarks and all', (t) => {
  const bytes = Buffer.from('# K\u00fcche\r\nhostname = kueche\r\n', 'latin1');
  const decoded = decodeText(bytes);
  t.is(parseBootFile(decoded.text).given.get('hostname')?.text, 'kueche');
  t.deepEqual(decoded.encode(decoded.text), bytes);
});

test('keys count in any case, with spaces or underscores; values lose quotes and remarks', (t) => {
  const { given, problems } = parseBootFile(
    'HOSTNAME=Cellar\nData Disk = auto   # the big one\rdata_disk =\nTimeZone\t=\t"Europe/Berlin"\n   # guest = off\n',
  );
  t.deepEqual(problems, []);
  t.deepEqual(
    [...given],
    [
      ['hostname', { line: 1, text: 'Cellar' }],
      ['data-disk', { line: 2, text: 'auto' }],
      ['timezone', { line: 4, text: 'Europe/Berlin' }],
    ],
  );
});

test('what is no line of ours is told with its number, and what was probably meant', (t) => {
  const { given, problems } = parseBootFile('hostnam = a\nhello\nguest = on\nguest = off\n');
  t.deepEqual([...given.keys()], ['guest']);
  t.is(given.get('guest')?.text, 'on');
  t.deepEqual(
    problems.map(({ line }) => line),
    [1, 2, 4],
  );
  t.regex(problems[0]?.expected ?? '', /did you mean hostname\?/);
});

test('a network key is never shown, even under a mistyped name', (t) => {
  const { problems } = parseBootFile(`network-kee = ${KEY}\n${KEY}\n`);
  t.is(problems.length, 2);
  t.false(JSON.stringify(problems).includes(KEY.slice(30)));
});

test('blanking out takes the value away and leaves everything else to the letter', (t) => {
  const before = `# mine\r\nNetwork-Key = ${KEY}\r\n\r\npeers = a\r\n`;
  t.is(blanked(before, ['network-key']), '# mine\r\nNetwork-Key =\r\n\r\npeers = a\r\n');
});

const good: { readonly [key: string]: readonly string[] } = {
  hostname: ['cellar', 'A-1'],
  peers: ['10.0.0.2, odroid-b.local;[::1]:6001', 'none'],
  'network-key': [KEY, KEY.split(' ')[1] ?? ''],
  'replace-network-key': ['Yes'],
  'show-network-key': ['no'],
  guest: ['ON', 'off', 'read-only'],
  'data-disk': ['none', 'AUTO', 'LABEL=BIG', 'uuid=1234-ABCD', '/dev/sda1'],
  'accept-disk': ['empty', 'files'],
  timezone: ['Europe/Berlin', 'UTC', 'Etc/GMT+3', 'America/Argentina/Salta'],
  ntp: ['192.168.1.1', 'a.example b.example', 'none'],
  'ssh-key': [`ssh-ed25519 ${'A'.repeat(68)} me@home`, 'none'],
};
const bad: { readonly [key: string]: readonly string[] } = {
  hostname: ['two words', '-a', 'k\u00fcche', 'a'.repeat(64), 'a.b'],
  peers: ['10.0.0.999', 'a, b:0', 'a none'],
  'network-key': [KEY.slice(0, -1), 'secret', `${KEY} x`, KEY.replace('key-1', 'key-2')],
  'replace-network-key': ['perhaps'],
  'show-network-key': ['1'],
  guest: ['readonly', 'yes'],
  'data-disk': ['sda1', '/dev/../etc', 'LABEL=', 'LABEL=cl-root', 'LABEL=a/b', '/dev/a b', 'UUID=xyz'],
  'accept-disk': ['yes'],
  timezone: ['../../etc/passwd', 'Europe/../../x', 'Mars /x', ''],
  ntp: ['a b;c/d', '1.2.3'],
  'ssh-key': ['command="x" ssh-ed25519 AAAA', 'ssh-ed25519 short', '-----BEGIN OPENSSH PRIVATE KEY-----'],
};

for (const key of bootKeys) {
  test(`${key} takes what is right and refuses what is not`, (t) => {
    t.true((good[key]?.length ?? 0) > 0 && (bad[key]?.length ?? 0) > 0);
    for (const value of good[key] ?? []) t.notThrows(() => checkBootValue(key, value), value);
    for (const value of bad[key] ?? [])
      t.throws(() => checkBootValue(key, value), { instanceOf: Unfit }, value);
  });
}
