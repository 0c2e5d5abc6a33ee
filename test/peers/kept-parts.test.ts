/** An upload that broke off and goes on, on real members: whatever was cut off when, the file is the same on all. */
import { createHash, randomBytes } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import type { PeeredReplicaSet } from '../../src/peers/replica-set.ts';
import type { Upload, UploadOptions } from '../../src/peers/replica-set-api.ts';
import { type Lab, type LabMember, until, withMembers } from './with-members.ts';

const OWNER = { user: 'guest', path: '/film' };
const KEEP = { owner: OWNER, over: null, keepMs: 60_000 };
const PIECE_BYTES = 65_536;

async function send(upload: Upload, bytes: Buffer): Promise<void> {
  for (let at = 0; at < bytes.length; at += PIECE_BYTES)
    await upload.write(bytes.subarray(at, at + PIECE_BYTES));
}

async function breakOff(
  replicas: PeeredReplicaSet,
  bytes: Buffer,
  options: UploadOptions = {},
): Promise<boolean> {
  const upload = await replicas.startUpload(OWNER.path, options);
  // And one that is not kept: it may be the last.
  await send(upload, bytes.length === 0 ? bytes : Buffer.concat([bytes, Buffer.from('#')]));
  return await upload.keep(KEEP);
}

async function goOn(replicas: PeeredReplicaSet, length?: number): Promise<UploadOptions> {
  const found = await replicas.parts.find(OWNER);
  if (found === null) throw new Error('nothing was kept');
  return { part: { owner: OWNER, found, length: length ?? found.size } };
}

async function onAll(lab: Lab, path: string): Promise<(string | null)[]> {
  const hashes = [];
  for (const member of lab.members) {
    const { entry } = await member.client.record({ path });
    const disk = readFileSync(join(member.filesDir, path));
    hashes.push(entry?.sha256 === sha256(disk) ? entry.sha256 : null);
  }
  return hashes;
}

const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');
const staged = (member: LabMember) => readdirSync(join(member.filesDir, '.cloudroid/staging'));
const parts = (member: LabMember) => readdirSync(join(member.filesDir, '.cloudroid/parts'));

for (const [title, first, second] of [
  ['so small that it was in memory only', 1000, 500],
  ['that grows out of the memory', 1000, 300_000],
  ['of many pieces', 900_000, 700_000],
] as const) {
  test.serial(`an upload ${title} goes on to its end on all members`, async (t) => {
    await withMembers(t, { members: 3 }, async (lab) => {
      const { replicas } = lab.member('a');
      await lab.inStep();
      const whole = randomBytes(first + second);
      t.true(await breakOff(replicas, whole.subarray(0, first)));
      t.is((await replicas.parts.find(OWNER))?.size, first);
      t.is(await replicas.lookup(OWNER.path), null);
      const upload = await replicas.startUpload(OWNER.path, await goOn(replicas));
      t.is(upload.size, first);
      await send(upload, whole.subarray(first));
      t.regex((await upload.finish()).sentence, /3 of 3/);
      t.deepEqual(await onAll(lab, OWNER.path), Array(3).fill(sha256(whole)));
      t.true(await replicas.parts.drop(OWNER));
      // What peers have in staging goes as soon as they notice, or after a day.
      t.deepEqual(staged(lab.member('a')), []);
      for (const member of lab.members) t.deepEqual(parts(member), [], member.name);
      t.deepEqual(
        await onAll(lab, OWNER.path),
        Array(3).fill(sha256(whole)),
        'nor has it gone with the part',
      );
    });
  });
}

test.serial('an upload that goes on before the end of its part, and breaks off, and goes on', async (t) => {
  await withMembers(t, { members: 2 }, async (lab) => {
    const { replicas } = lab.member('a');
    await lab.inStep();
    const [start, rest] = [randomBytes(500_000), randomBytes(600_000)];
    t.true(await breakOff(replicas, start));
    t.true(await breakOff(replicas, rest.subarray(0, 200_000), await goOn(replicas, 123_456)));
    const upload = await replicas.startUpload(OWNER.path, await goOn(replicas));
    await send(upload, rest.subarray(200_000));
    await upload.finish();
    const whole = Buffer.concat([start.subarray(0, 123_456), rest]);
    t.deepEqual(await onAll(lab, OWNER.path), Array(2).fill(sha256(whole)));
  });
});

test.serial('an upload to which nothing was added leaves the part that it came from', async (t) => {
  await withMembers(t, { members: 1 }, async (lab) => {
    const a = lab.member('a');
    const bytes = randomBytes(100_000);
    t.true(await breakOff(a.replicas, bytes));
    t.false(await breakOff(a.replicas, Buffer.alloc(0), await goOn(a.replicas)));
    t.is((await a.replicas.parts.find(OWNER))?.sha256, sha256(bytes));
    t.deepEqual(staged(a), []);
    t.false(await breakOff(a.replicas, Buffer.alloc(0)), 'nothing came at all');
  });
});

test.serial('of an upload whose last piece waits for a slow member all is kept', async (t) => {
  await withMembers(t, { members: 2, wires: true }, async (lab) => {
    const [a, b] = [lab.member('a'), lab.member('b')];
    await lab.inStep();
    b.wire?.limit(300_000);
    const bytes = randomBytes(24 * 1024 * 1024);
    const upload = await a.replicas.startUpload(OWNER.path);
    let taken = 0;
    const sending = (async () => {
      for (; taken < bytes.length; taken += PIECE_BYTES)
        await upload.write(bytes.subarray(taken, taken + PIECE_BYTES));
    })().catch(() => undefined);
    await until(() => upload.size > 9 * 1024 * 1024);
    t.true(await upload.keep(KEEP));
    await sending;
    b.wire?.limit(Number.POSITIVE_INFINITY);
    const found = await a.replicas.parts.find(OWNER);
    t.is(found?.size, upload.size - 1);
    t.is(found?.sha256, sha256(bytes.subarray(0, upload.size - 1)));
    const next = await a.replicas.startUpload(OWNER.path, await goOn(a.replicas));
    await send(next, bytes.subarray(next.size));
    await next.finish();
    await b.sweep();
    t.deepEqual(await onAll(lab, OWNER.path), Array(2).fill(sha256(bytes)));
  });
});

test.serial('a part that the disk has damaged gets into no file: refused once, then forgotten', async (t) => {
  await withMembers(t, { members: 2 }, async (lab) => {
    const a = lab.member('a');
    await lab.inStep();
    for (const length of [undefined, 10]) {
      t.true(await breakOff(a.replicas, randomBytes(200_000)));
      const options = await goOn(a.replicas, length);
      // As after a power cut: the size is right, the bytes are zeros.
      const diskPath = options.part?.found.diskPath ?? '';
      writeFileSync(diskPath, Buffer.alloc(4096), { flag: 'r+' });
      await t.throwsAsync(a.replicas.startUpload(OWNER.path, options), { message: /damaged/ });
      t.is(await a.replicas.parts.find(OWNER), null);
      t.deepEqual([...staged(a), ...parts(a)], []);
    }
  });
});

test.serial(
  'parts outlive the storage server and the gateway; without a storage server nothing is kept',
  async (t) => {
    await withMembers(t, { members: 2 }, async (lab) => {
      const a = lab.member('a');
      await lab.inStep();
      const whole = randomBytes(400_000);
      t.true(await breakOff(a.replicas, whole.subarray(0, 150_000)));
      await a.stopStorage();
      t.is(await a.replicas.parts.find(OWNER), null);
      const during = await a.replicas.startUpload('/other');
      await send(during, whole);
      t.false(await during.keep({ ...KEEP, owner: { ...OWNER, path: '/other' } }));
      await a.startStorage();
      await a.replicas.close();
      await a.openClients('reachable', a.at);
      a.replicas.setPeers([lab.member('b').door]);
      await lab.inStep();
      const upload = await a.replicas.startUpload(OWNER.path, await goOn(a.replicas));
      await send(upload, whole.subarray(150_000));
      t.regex((await upload.finish()).sentence, /2 of 2/);
      t.deepEqual(await onAll(lab, OWNER.path), Array(2).fill(sha256(whole)));
    });
  },
);

test.serial('an upload that goes on while its storage server stops is finished by the peer', async (t) => {
  await withMembers(t, { members: 2 }, async (lab) => {
    const [a, b] = [lab.member('a'), lab.member('b')];
    await lab.inStep();
    const whole = randomBytes(800_000);
    t.true(await breakOff(a.replicas, whole.subarray(0, 300_000)));
    const upload = await a.replicas.startUpload(OWNER.path, await goOn(a.replicas));
    await send(upload, whole.subarray(300_000, 500_000));
    await a.stopStorage();
    await send(upload, whole.subarray(500_000));
    t.regex((await upload.finish()).sentence, /1 of 2/);
    t.is(sha256((await b.read(OWNER.path)) ?? Buffer.alloc(0)), sha256(whole));
    await a.startStorage();
    await a.sweep();
    t.deepEqual(await onAll(lab, OWNER.path), Array(2).fill(sha256(whole)));
  });
});

test.serial('an upload that breaks off in the moment in which it outgrows the memory is kept', async (t) => {
  await withMembers(t, { members: 2 }, async (lab) => {
    const { replicas } = lab.member('a');
    await lab.inStep();
    const bytes = randomBytes(90_000);
    const upload = await replicas.startUpload(OWNER.path);
    await upload.write(bytes.subarray(0, 20_000));
    const writing = upload.write(bytes.subarray(20_000));
    t.true(await upload.keep(KEEP));
    await writing;
    t.is((await replicas.parts.find(OWNER))?.sha256, sha256(bytes.subarray(0, -1)));
    await t.throwsAsync(upload.write(bytes), { message: /over/ });
    await t.throwsAsync(upload.finish(), { message: /over/ });
    t.false(await upload.keep(KEEP));
  });
});
