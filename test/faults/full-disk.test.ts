/** Disks that are full, or refuse writing. */
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { assertIdentical, becomeIdentical, diskAgainstCatalog } from '../network/compare.ts';
import { withNetwork } from '../network/with-network.ts';
import { smallVolume, turnReadOnly } from './small-volume.ts';

/** What the storage server keeps free so that deleting always works (src/storage/disk/disk-space.ts). */
const RESERVE_MEGABYTES = 64;

test.serial('a full disk answers 452, loses nothing, lets itself be emptied and works again', async (t) => {
  const volume = smallVolume(t, RESERVE_MEGABYTES + 40);
  if (volume === null) return;
  await withNetwork(t, { members: 1, folderOf: () => join(volume.folder, 'a') }, async (network) => {
    const a = network.member('a');
    const client = await a.login();
    const stored = new Map<string, Buffer>();
    let refused = { code: 0, text: '' };
    for (let count = 0; count < 30; count += 1) {
      const bytes = randomBytes(4_000_000);
      const reply = await client.upload(`STOR /file-${count}`, bytes);
      if (reply.code !== 226) {
        refused = reply;
        t.is((await client.command(`SIZE /file-${count}`)).code, 550, 'what was refused is not there');
        break;
      }
      stored.set(`/file-${count}`, bytes);
    }
    t.is(refused.code, 452, refused.text);
    t.true(stored.size >= 4, `only ${stored.size} fitted`);
    t.is(
      (await client.command('ALLO 900000000')).code >= 400
        ? 452
        : (await client.upload('STOR /too-big', 'x')).code,
      452,
    );
    // An overwrite that does not fit leaves the old file.
    t.is((await client.upload('STOR /file-0', randomBytes(40_000_000))).code, 452);
    for (const [path, bytes] of stored)
      t.true((await client.download(`RETR ${path}`)).bytes.equals(bytes), path);
    t.is(await diskAgainstCatalog(a), null);
    for (const path of ['/file-0', '/file-1', '/file-2']) {
      const gone = await client.command(`DELE ${path}`);
      t.is(gone.code, 250, gone.text);
      stored.delete(path);
    }
    const again = randomBytes(4_000_000);
    const reply = await client.upload('STOR /again', again);
    t.is(reply.code, 226, reply.text);
    stored.set('/again', again);
    await a.stop();
    await a.start();
    await a.ready(1);
    const later = await a.login();
    for (const [path, bytes] of stored)
      t.true((await later.download(`RETR ${path}`)).bytes.equals(bytes), path);
    t.is(await diskAgainstCatalog(a), null);
    client.destroy();
    later.destroy();
  });
});

test.serial(
  'a peer whose disk is full does not stop the others, and catches up once there is room',
  async (t) => {
    const volume = smallVolume(t, RESERVE_MEGABYTES + 20);
    if (volume === null) return;
    const folderOf = (name: string) => (name === 'b' ? join(volume.folder, 'b') : undefined);
    await withNetwork(t, { members: 2, folderOf }, async (network) => {
      const client = await network.member('a').login();
      let last = '';
      t.regex((await client.upload('STOR /first', 'fits')).text, /Stored on 2 of 2 members\./);
      for (let count = 0; count < 12; count += 1) {
        const reply = await client.upload(`STOR /file-${count}`, randomBytes(4_000_000));
        t.is(reply.code, 226, reply.text);
        last = reply.text;
      }
      t.regex(last, /Stored on 1 of 2 members|Stored on this member ONLY/);
      volume.remount('size=200m');
      await becomeIdentical(network.members, 60_000);
      await assertIdentical(t, network.members);
      client.destroy();
    });
  },
);

test.serial(
  'a disk filled by somebody else to its last byte refuses uploads, serves reads, and recovers',
  async (t) => {
    const volume = smallVolume(t, RESERVE_MEGABYTES + 30);
    if (volume === null) return;
    await withNetwork(t, { members: 1, folderOf: () => join(volume.folder, 'a') }, async (network) => {
      const a = network.member('a');
      const client = await a.login();
      const bytes = randomBytes(2_000_000);
      t.is((await client.upload('STOR /file', bytes)).code, 226);
      const foreign = join(volume.folder, 'foreign');
      // dd ends with an error when nothing fits any more: that is what is wanted.
      spawnSync('dd', ['if=/dev/zero', `of=${foreign}`, 'bs=64k']);
      for (const content of ['small', randomBytes(300_000)]) {
        for (const path of ['/file', '/other']) {
          const reply = await client.upload(`STOR ${path}`, content);
          t.is(reply.code, 452, reply.text);
        }
      }
      t.true((await client.download('RETR /file')).bytes.equals(bytes));
      rmSync(foreign);
      const reply = await client.upload('STOR /file', 'new');
      t.is(reply.code, 226, reply.text);
      t.is((await client.command('SIZE /other')).code, 550);
      t.is(await diskAgainstCatalog(a), null);
      client.destroy();
    });
  },
);

test.serial(
  'a volume that turns read-only refuses writing with 4xx, serves reads, and nothing is lost',
  async (t) => {
    await withNetwork(t, { members: 1 }, async (network) => {
      const a = network.member('a');
      const client = await a.login();
      const bytes = randomBytes(500_000);
      t.is((await client.upload('STOR /file', bytes)).code, 226);
      const end = turnReadOnly(t, a.filesDir);
      if (end === null) return;
      for (const content of ['small', randomBytes(300_000)]) {
        const reply = await client.upload('STOR /file', content);
        t.true(reply.code >= 450 && reply.code < 460, reply.text);
      }
      const refused = await client.command('DELE /file');
      t.true(refused.code >= 450 && refused.code < 460, refused.text);
      t.true((await client.download('RETR /file')).bytes.equals(bytes));
      t.regex(a.log(), /EROFS|read-only/, 'the log tells why');
      end();
      await a.stop();
      await a.start();
      await a.ready(1);
      const later = await a.login();
      t.true((await later.download('RETR /file')).bytes.equals(bytes));
      const reply = await later.upload('STOR /file', 'new');
      t.is(reply.code, 226, reply.text);
      t.is(await diskAgainstCatalog(a), null);
      client.destroy();
      later.destroy();
    });
  },
);
