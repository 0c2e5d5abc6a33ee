/** The list of members met and retired, in one store and in front of it. */
import test from 'ava';
import { MemberRetired, ReplicaUntrusted } from '../../src/peers/replica-client-api.ts';
import { Refusal } from '../../src/replication/operation.ts';
import { openStore } from '../../src/storage/store.ts';
import { MEMBER, openedStore, put, storeOptions, tempDirs } from './opened-store.ts';
import { RawPeer } from './raw-peer.ts';
import { MEMBER as LAB_MEMBER, PEER, withStorageServer } from './with-storage-server.ts';

test('the lists only grow, in any order, and who is retired stays so whoever meets it again', async (t) => {
  const dirs = tempDirs(t);
  const { store } = await openedStore(t, { dirs });
  t.deepEqual(store.hello().members, [MEMBER]);
  await store.members.join({ met: ['b-1', 'c-1'], retired: [] });
  await store.members.join({ met: [], retired: ['c-1', 'd-1'] });
  await store.members.join({ met: ['c-1', 'd-1', 'e-1'], retired: [] });
  await store.members.meet('d-1');
  const { members, retired } = store.hello();
  t.deepEqual(members, ['b-1', 'e-1', MEMBER]);
  t.deepEqual(retired, ['c-1', 'd-1']);
  t.true(store.members.isRetired('d-1'));
  await store.close();
  const again = await openStore(storeOptions(dirs));
  t.teardown(() => again.close());
  t.deepEqual(again.hello().members, members, 'also after a restart');
  t.deepEqual(again.hello().retired, retired);
});

test('neither this very member nor one that was never met can be retired, and the refusal says why', async (t) => {
  const { store } = await openedStore(t);
  await store.members.meet('b-1');
  const own = await t.throwsAsync(store.members.retire(MEMBER), { instanceOf: Refusal });
  t.is(own.kind, 'invalid');
  t.regex(own.message, /this very member: retire it from another one/);
  const unknown = await t.throwsAsync(store.members.retire('x-9'), { instanceOf: Refusal });
  t.is(unknown.kind, 'not-found');
  t.regex(unknown.message, /no member x-9 was ever met; known are b-1/);
  t.deepEqual(store.hello().retired, []);
  t.deepEqual((await store.members.retire('b-1')).retired, ['b-1']);
  t.deepEqual((await store.members.retire('b-1')).retired, ['b-1'], 'twice is once');
});

test('a list with something in it that is no member id is refused whole', async (t) => {
  const { store } = await openedStore(t);
  for (const wrong of ['', '../x', 'A B', 'x'.repeat(41)]) {
    await t.throwsAsync(store.members.join({ met: ['b-1', wrong], retired: [] }), { instanceOf: Refusal });
  }
  t.deepEqual(store.hello().members, [MEMBER]);
});

test('a member that hears that it was retired takes no more writes, says what to do, and remembers it', async (t) => {
  const dirs = tempDirs(t);
  const { store } = await openedStore(t, { dirs });
  await put(store, '/before', 'x');
  await store.members.join({ met: [], retired: [MEMBER] });
  const refused = await t.throwsAsync(put(store, '/after', 'y'), { instanceOf: Refusal });
  t.is(refused.kind, 'read-only');
  t.regex(store.hello().readOnly ?? '', /was retired from its network.*joins as a new member/);
  t.false(store.hello().members.includes(MEMBER));
  await store.close();
  const again = await openStore(storeOptions(dirs));
  t.teardown(() => again.close());
  t.regex(again.hello().readOnly ?? '', /was retired/);
  t.is(again.record('/before').entry?.kind, 'file', 'its files are still there to be read');
});

test('a new store is joining until it is said to have what the others have', async (t) => {
  const dirs = tempDirs(t);
  const { store } = await openedStore(t, { dirs });
  t.true(store.hello().joining);
  await store.members.join({ met: ['b-1'], retired: [] });
  t.true(store.hello().joining);
  await store.members.join({ met: [], retired: [], joined: true });
  t.false(store.hello().joining);
  await store.close();
  const again = await openStore(storeOptions(dirs));
  t.teardown(() => again.close());
  t.false(again.hello().joining);
});

test('whoever is served is remembered first, also one that only reads the feed', async (t) => {
  await withStorageServer(async ({ server, credentials, store }) => {
    const reader = await RawPeer.open(server.endpoint, await credentials(PEER));
    await reader.say('SIZE /staging/nothing-here', '550');
    reader.close();
    t.deepEqual(store.hello().members, [LAB_MEMBER, PEER]);
  });
});

test('a retired member is refused whatever it asks for, on connections that it had too, and told why', async (t) => {
  await withStorageServer(async ({ server, credentials, store, replica }) => {
    const theirs = await credentials(PEER);
    const open = await RawPeer.open(server.endpoint, theirs);
    await open.say('SIZE /staging/nothing-here', '550');
    await (await replica()).members.retire(PEER);
    for (const line of ['SITE HELLO', 'SITE STATUS', 'EPSV', 'RETR /changes/0', 'STOR /staging/abcdefgh']) {
      t.regex(await open.say(line, '530'), /"error":"retired".*new identity/, line);
    }
    open.close();
    const client = await replica({ credentials: theirs });
    const refusal = await t.throwsAsync(client.hello(), { instanceOf: MemberRetired });
    t.true(refusal instanceof ReplicaUntrusted);
    t.deepEqual(store.hello().retired, [PEER]);
    t.is((await (await replica()).hello()).member, LAB_MEMBER, 'its own processes are served');
  });
});

test('lists, retirement and collection are for the own processes of a member only', async (t) => {
  await withStorageServer(async ({ credentials, store, replica }) => {
    const stranger = await replica({ credentials: await credentials(PEER) });
    await stranger.hello();
    for (const call of [
      () => stranger.members.join({ met: [], retired: [LAB_MEMBER] }),
      () => stranger.members.retire(LAB_MEMBER),
      () => stranger.members.collect({ members: [LAB_MEMBER], knowledge: {} }),
    ]) {
      await t.throwsAsync(call(), { instanceOf: Refusal });
    }
    t.deepEqual(store.hello().retired, []);
    t.is(store.hello().readOnly, null);
  });
});
