import test from 'ava';
import { parseShownPage } from '../../src/peers/shown-listing.ts';
import { WireError } from '../../src/peers/wire.ts';
import type { Store } from '../../src/storage/store-api.ts';
import { change, openedStore, put } from './opened-store.ts';

function shown(store: Store, dir: string) {
  return [...store.listShown(dir)].flatMap((text) => parseShownPage(dir, text));
}

function listed(store: Store, dir: string) {
  return [...store.list(dir)].map(({ record: _, ...entry }) => entry);
}

test('what a gateway shows of a folder is what is listed, by name, whatever the names', async (t) => {
  const { store } = await openedStore(t);
  const dir = '/\u{1F4F7} d"i\\r';
  const names = [
    'plain',
    'with "quotes"',
    'back\\slash',
    'tab\t',
    'ümläut',
    '\u{1F600}',
    "it's",
    '{"a":[1]}',
    ' ',
  ];
  for (const name of names) await put(store, `${dir}/${name}`, name, 1_700_000_000_123);
  await put(store, `${dir}/implied/below`, 'x');
  await change(store, { op: 'mkdir', path: `${dir}/empty` });
  t.deepEqual(shown(store, dir), listed(store, dir));
  t.deepEqual(
    shown(store, dir).map(({ path }) => path),
    [...names, 'implied', 'empty'].map((name) => `${dir}/${name}`).sort(),
  );
  t.deepEqual(shown(store, '/'), [{ path: dir, kind: 'directory', size: 0, sha256: '', mtime: 0 }]);
  t.deepEqual(shown(store, `${dir}/empty`), []);
  t.throws(() => store.listShown('/none'), { name: 'Refusal' });
  t.throws(() => store.listShown(`${dir}/plain`), { name: 'Refusal' });
});

test('a long folder is shown as of the moment it was asked for', async (t) => {
  const { store } = await openedStore(t);
  await Promise.all(Array.from({ length: 2100 }, (_, index) => put(store, `/d/${index}`, String(index))));
  const before = listed(store, '/d');
  const pages = store.listShown('/d')[Symbol.iterator]();
  const first = pages.next();
  await change(store, { op: 'rename', from: '/d', to: '/elsewhere' });
  const texts: string[] = first.done === true ? [] : [first.value];
  for (let next = pages.next(); next.done !== true; next = pages.next()) texts.push(next.value);
  t.true(texts.length > 2);
  t.deepEqual(
    texts.flatMap((text) => parseShownPage('/d', text)),
    before,
  );
  t.throws(() => store.listShown('/d'), { name: 'Refusal' });
});

test('a page that is no page of a listing is garbage', (t) => {
  const garbage = [
    '',
    '{}',
    '[1]',
    '[["a"]]',
    '[["a",1,"3",4,"x"]]',
    '[["a/b",1,3,4,"x"]]',
    '[["",1,3,4,"x"]]',
  ];
  for (const text of garbage) t.throws(() => parseShownPage('/', text), { instanceOf: WireError }, text);
});
