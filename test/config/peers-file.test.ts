import test from 'ava';
import { parsePeersFile } from '../../src/config/peers-file.ts';

const places = (text: string) => parsePeersFile(text).peers.map(({ host, port }) => `${host} ${port}`);

test('names, IPv4 and IPv6 addresses are peers, on port 6001 unless said otherwise', (t) => {
  const text =
    'odroid-b\n192.168.1.12\n192.168.1.13:6011\n[fd00::14]:6002\n[fd00::15]\nboard.example.org.:7000\n';
  t.deepEqual(places(text), [
    'odroid-b 6001',
    '192.168.1.12 6001',
    '192.168.1.13 6011',
    'fd00::14 6002',
    'fd00::15 6001',
    'board.example.org 7000',
  ]);
});

test('a plain list of addresses, bare IPv6 included, is a list of peers', (t) => {
  t.deepEqual(places('10.0.0.1\r\n10.0.0.2\r\nfe80::1%eth0\r\n2001:db8:0:0:0:0:0:1\r\n'), [
    '10.0.0.1 6001',
    '10.0.0.2 6001',
    'fe80::1%eth0 6001',
    '2001:db8::1 6001',
  ]);
});

test('comments, blank lines, a byte order mark and old line ends do no harm', (t) => {
  t.deepEqual(places('\uFEFF# all boards\r\r   \rodroid-b   # the left one\r#odroid-c'), ['odroid-b 6001']);
  t.deepEqual(parsePeersFile(''), { peers: [], badLines: [] });
});

test('a peer written twice, in whatever letters, is one peer', (t) => {
  t.deepEqual(places('odroid-b\nODROID-B:6001\nodroid-b:6002\nfd00::1\n[FD00:0::1]:6001'), [
    'odroid-b 6001',
    'odroid-b 6002',
    'fd00::1 6001',
  ]);
});

for (const bad of [
  'a b',
  'host:0',
  'host:65536',
  'host:x',
  '300.1.1.1',
  '1.2.3',
  '[::1',
  '[nonsense]:1',
  ':6001',
  '-x',
  'ftp://a',
  'a,b',
]) {
  test(`the line ${JSON.stringify(bad)} is reported with its number and the rest is used`, (t) => {
    const { peers, badLines } = parsePeersFile(`odroid-a\n\n${bad}\nodroid-b`);
    t.deepEqual(
      peers.map(({ host }) => host),
      ['odroid-a', 'odroid-b'],
    );
    t.deepEqual(
      badLines.map(({ line, text }) => [line, text]),
      [[3, bad]],
    );
    t.regex(badLines[0]?.expected ?? '', /host name/);
  });
}

test('a file of endless lines is cut and said so', (t) => {
  const { peers, badLines } = parsePeersFile(Array.from({ length: 500 }, (_, n) => `host-${n}`).join('\n'));
  t.is(peers.length, 100);
  t.is(badLines.length, 1);
  t.is(badLines[0]?.line, 101);
});
