/** A disk that is nearly full: what was kept of broken uploads makes room for files, before the trash does. */
import { randomBytes } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { diskAgainstCatalog } from '../network/compare.ts';
import { waitUntil } from '../network/wait-until.ts';
import { withNetwork } from '../network/with-network.ts';
import type { RawClient } from '../proxy/raw-client.ts';
import { smallVolume } from './small-volume.ts';

const MEGABYTE = 1024 * 1024;
/** What the storage server keeps free (src/storage/disk/disk-space.ts). */
const RESERVE_MEGABYTES = 64;

/** Sends so much, breaks the line, and sees that it is kept. */
async function breakOff(t: ExecutionContext, client: RawClient, bytes: number): Promise<void> {
  const data = await client.dataConnection();
  t.is((await client.command('STOR /film')).code, 150);
  data.write(randomBytes(bytes));
  await waitUntil('all of it is here', async () => {
    const { text } = await client.command('STAT');
    return text.includes(`${bytes} bytes so far`) ? null : text;
  });
  data.resetAndDestroy();
  t.is((await client.reply()).code, 426);
  t.is((await client.command('SIZE /film')).text, `213 ${bytes - 1}`);
}

test.serial('an upload that needs the room gets that of the parts, and the trash stays', async (t) => {
  const volume = smallVolume(t, RESERVE_MEGABYTES + 90);
  if (volume === null) return;
  await withNetwork(t, { members: 1, folderOf: () => join(volume.folder, 'a') }, async (network) => {
    const a = network.member('a');
    const client = await a.login();
    t.is((await client.upload('STOR /old', randomBytes(10 * MEGABYTE))).code, 226);
    t.is((await client.command('DELE /old')).code, 250);
    const internal = (name: string) => readdirSync(join(a.filesDir, '.cloudroid', name));
    t.is(internal('trash').length, 1);
    await breakOff(t, client, 25 * MEGABYTE);
    // More than is free, also when it is announced; with the part gone it fits.
    t.is((await client.command(`ALLO ${66 * MEGABYTE}`)).code, 200);
    t.is((await client.upload('STOR /other', randomBytes(66 * MEGABYTE))).code, 226);
    t.is((await client.command('SIZE /film')).code, 550);
    t.deepEqual(internal('parts'), []);
    t.is(internal('trash').length, 1, 'nobody else may have what is in the trash');
    client.destroy();
    t.is(await diskAgainstCatalog(a), null);
  });
});

test.serial('parts never fill the disk so far that deleted files no longer go to the trash', async (t) => {
  const volume = smallVolume(t, RESERVE_MEGABYTES + 90);
  if (volume === null) return;
  await withNetwork(t, { members: 1, folderOf: () => join(volume.folder, 'a') }, async (network) => {
    const a = network.member('a');
    const client = await a.login();
    t.is((await client.upload('STOR /dear', randomBytes(MEGABYTE))).code, 226);
    await breakOff(t, client, 40 * MEGABYTE);
    t.is((await client.command('DELE /dear')).code, 250);
    t.is(readdirSync(join(a.filesDir, '.cloudroid/trash')).length, 1);
    t.deepEqual(readdirSync(join(a.filesDir, '.cloudroid/parts')), []);
    client.destroy();
  });
});
