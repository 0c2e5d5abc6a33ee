import test from 'ava';
import { openStore } from '../../src/storage/store.ts';
import { storeOptions, tempDirs } from './opened-store.ts';

test('after a restart a sweep goes on where its last complete exchange with a peer ended', async (t) => {
  const dirs = tempDirs(t);
  const peer = { store: 'other-store', incarnation: 'bbbbbbbb' };
  const first = await openStore(storeOptions(dirs));
  const exchange = { ...peer, knowledge: {}, collectedStamp: 0, upTo: 77 };
  await first.merge({ mode: 'complete', records: [], exchange, receiver: first.hello().incarnation });
  await first.close();
  const second = await openStore(storeOptions(dirs));
  t.deepEqual(second.cursor(peer), { after: 77 });
  await second.close();
});
