/** The verbs for parts of uploads: for the member's own processes, and nobody else. */
import { writeFile } from 'node:fs/promises';
import test from 'ava';
import { partKey } from '../../src/peers/protocol-parts.ts';
import { encodeJson } from '../../src/peers/wire.ts';
import { sha256Of } from './content-hash.ts';
import { RawPeer } from './raw-peer.ts';
import { PEER, withStorageServer } from './with-storage-server.ts';

const OWNER = { user: 'guest', path: '/film' };
const KEEP = { ...OWNER, staged: 'an-upload', size: 4, sha256: sha256Of('half'), over: null, keepMs: 60_000 };

test('a process of the member keeps, finds, goes on from and drops a part', async (t) => {
  await withStorageServer(async ({ replica }) => {
    const { parts, stage } = await replica().then((own) => ({
      parts: own.parts,
      stage: own.stage.bind(own),
    }));
    const { path = '' } = await stage({ id: KEEP.staged });
    await writeFile(path, 'half of it');
    const { id } = await parts.keep(KEEP);
    const found = await parts.find(OWNER);
    t.like(found, { id, size: 4, sha256: KEEP.sha256, over: null });
    t.deepEqual(await parts.keys(), [partKey(OWNER)]);
    t.like(await parts.adopt({ ...OWNER, part: id, staged: 'goes-on-1' }), { size: 4 });
    // Its answer was lost, and it is asked again.
    t.like(await parts.adopt({ ...OWNER, part: id, staged: 'goes-on-1' }), { size: 4 });
    t.true(await parts.drop(OWNER));
    t.false(await parts.drop(OWNER));
    t.is(await parts.find(OWNER), null);
    await t.throwsAsync(parts.adopt({ ...OWNER, part: id, staged: 'goes-on-2' }), { name: 'Refusal' });
  });
});

test('another member gets and changes nothing of it, and malformed requests are refused', async (t) => {
  await withStorageServer(async ({ server, credentials }) => {
    const stranger = await RawPeer.open(server.endpoint, await credentials(PEER));
    const requests = {
      KEEP,
      PART: OWNER,
      'ADOPT-PART': { ...OWNER, part: '0'.repeat(24), staged: 'goes-on-1' },
      'DROP-PART': OWNER,
      PARTS: {},
    };
    for (const [verb, request] of Object.entries(requests)) {
      const text = await stranger.say(`SITE ${verb} ${encodeJson(request)}`, '550');
      t.regex(text, /own processes/, verb);
    }
    stranger.socket.destroy();
    const own = await RawPeer.open(server.endpoint, await credentials());
    for (const [verb, request] of [
      ['KEEP', { ...KEEP, size: 0 }],
      ['KEEP', { ...KEEP, over: 'nothing' }],
      ['KEEP', { ...KEEP, sha256: '../../etc/passwd' }],
      ['KEEP', { ...KEEP, user: 7 }],
      ['KEEP', { ...KEEP, staged: '../files/x' }],
      ['ADOPT-PART', { ...OWNER, part: '../trash/1', staged: 'goes-on-1' }],
      ['PART', { user: 'guest' }],
      ['DROP-PART', {}],
    ] as const) {
      await own.say(`SITE ${verb} ${encodeJson(request)}`, '550');
    }
    t.is(await own.say(`SITE PARTS ${encodeJson({})}`, '200'), '{"keys":[]}');
    own.socket.destroy();
  });
});
