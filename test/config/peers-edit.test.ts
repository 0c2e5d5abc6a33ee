import {
  chmodSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { editPeersFile, PeersEditRefused, withoutPeer, withPeer } from '../../src/config/peers-edit.ts';

const file = '# our boards\n10.0.0.2   # in the cellar\n\n# the others\nodroid-c:6011\n[fd00::14]:6001';

function folderFor(t: ExecutionContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'cloudroid-peers-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

test('an address is added as the last line, everything else stays', (t) => {
  t.is(withPeer(file, '10.0.0.9'), `${file}\n10.0.0.9\n`);
  t.is(withPeer('', ' odroid-b:7001 '), 'odroid-b:7001\n');
  t.is(withPeer('a\r\nb\r\n', 'c'), 'a\r\nb\r\nc\r\n', 'with the line ends of the file');
});

test('an address that is there already is refused with its line, however it is written', (t) => {
  for (const address of ['10.0.0.2', '10.0.0.2:6001', 'ODROID-C:6011', '[fd00:0:0::14]', 'fd00::14']) {
    t.throws(
      () => withPeer(file, address),
      { instanceOf: PeersEditRefused, message: /in line [256]$/ },
      address,
    );
  }
});

test('what is no address is refused with what was expected', (t) => {
  for (const address of ['', '10.0.0', '10.0.0.2:0', 'a b', 'a#b', '# a', 'a\nb', 'http://a', '[::1']) {
    t.throws(
      () => withPeer(file, address),
      { instanceOf: PeersEditRefused, message: /expected a host name/ },
      address,
    );
  }
});

test('the hundredth member is the last one', (t) => {
  const full = Array.from({ length: 100 }, (_, index) => `board-${index}\n`).join('');
  t.throws(() => withPeer(full, 'one-more'), { message: /100 members already/ });
});

test('an address is removed with its comment, wherever it stands, and nothing else', (t) => {
  t.is(withoutPeer(file, '10.0.0.2:6001'), '# our boards\n\n# the others\nodroid-c:6011\n[fd00::14]:6001');
  t.is(
    withoutPeer(file, 'fd00::14'),
    '# our boards\n10.0.0.2   # in the cellar\n\n# the others\nodroid-c:6011\n',
  );
  t.is(withoutPeer('a\nb\na:6001\n', 'a'), 'b\n', 'every line of it');
  t.is(withoutPeer('a b c\nb\n', 'a b c'), 'b\n', 'a line that is no address by its text');
  t.is(withoutPeer('\uFEFFa\nb\n', 'a'), '\uFEFFb\n');
});

test('removing what is not there names what is', (t) => {
  t.throws(() => withoutPeer(file, '10.0.0.3'), {
    message: /it lists 10\.0\.0\.2:6001, odroid-c:6011, \[fd00::14\]:6001/,
  });
  t.throws(() => withoutPeer('', '10.0.0.3'), { message: /lists nobody/ });
});

test('the file is made when it is missing, keeps its rights, and leaves nothing beside it', (t) => {
  const folder = folderFor(t);
  const path = join(folder, 'PEERS.txt');
  editPeersFile(path, (text) => withPeer(text, 'a'));
  t.is(readFileSync(path, 'utf8'), 'a\n');
  chmodSync(path, 0o640);
  editPeersFile(path, (text) => withPeer(text, 'b'));
  t.is(readFileSync(path, 'utf8'), 'a\nb\n');
  t.is(statSync(path).mode & 0o777, 0o640);
  t.throws(() => editPeersFile(path, (text) => withPeer(text, 'b')), { instanceOf: PeersEditRefused });
  t.deepEqual(readdirSync(folder), ['PEERS.txt']);
});

test('a list behind a link is changed where it is', (t) => {
  const folder = folderFor(t);
  writeFileSync(join(folder, 'real'), 'a\n');
  symlinkSync('real', join(folder, 'PEERS.txt'));
  editPeersFile(join(folder, 'PEERS.txt'), (text) => withPeer(text, 'b'));
  t.is(readFileSync(join(folder, 'real'), 'utf8'), 'a\nb\n');
  t.deepEqual(readdirSync(folder).sort(), ['PEERS.txt', 'real']);
});
