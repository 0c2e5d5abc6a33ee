import { randomBytes } from 'node:crypto';
import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { RecentPlaces } from '../../src/peers/recent-places.ts';
import { withMembers } from './with-members.ts';

const file = { path: '/f', kind: 'file', size: 1, sha256: 'aa', mtime: 0 } as const;
const disk = { path: '/disk/f', ino: '1', size: 1, mtimeNs: '2' };

test('a place is told once, and only for the content that it was noted for', (t) => {
  const places = new RecentPlaces();
  places.note({ entry: file, record: null, disk });
  t.is(places.take({ ...file, sha256: 'bb' }), undefined);
  t.is(places.take(file), undefined, 'nor for another one afterwards');
  places.note({ entry: file, record: null, disk });
  t.deepEqual(places.take(file), disk);
  t.is(places.take(file), undefined);
  places.note({ entry: file, record: null, disk });
  places.note({ entry: file, record: null });
  t.is(places.take(file), undefined, 'what has no bytes here any more');
});

test('no more places are kept than a few', (t) => {
  const places = new RecentPlaces();
  for (let index = 0; index < 1000; index += 1) {
    places.note({ entry: { ...file, path: `/${index}` }, record: null, disk });
  }
  t.is(places.take({ ...file, path: '/0' }), undefined);
  t.deepEqual(places.take({ ...file, path: '/999' }), disk);
});

test.serial('a file that moved between the lookup and the read is read where it is now', async (t) => {
  await withMembers(t, { members: 1 }, async (lab) => {
    const a = lab.member('a');
    const [first, second] = [randomBytes(200_000), randomBytes(200_000)];
    const read = async (entry: Parameters<typeof a.replicas.read>[0]) => {
      const pieces: Buffer[] = [];
      for await (const piece of await a.replicas.read(entry, 0)) pieces.push(piece);
      return Buffer.concat(pieces);
    };
    await a.put('/one', first);
    const entry = await a.replicas.lookup('/one');
    if (entry === null) throw new Error('no /one');
    await a.replicas.change({ op: 'rename', from: '/one', to: '/two' });
    t.true((await read(entry)).equals(first), 'found by its hash');
    await a.put('/one', second);
    const again = await a.replicas.lookup('/one');
    if (again === null) throw new Error('no /one');
    // The same name with other bytes, behind our back: not what the catalog knows.
    const path = join(a.filesDir, 'one');
    writeFileSync(`${path}.new`, first);
    renameSync(`${path}.new`, path);
    await t.throwsAsync(read(again));
    rmSync(path);
    await t.throwsAsync(read(again));
  });
});
