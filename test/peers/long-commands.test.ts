/** What keeps the disk of a member busy for long, many times at once: short commands go on meanwhile. */
import { randomBytes } from 'node:crypto';
import test from 'ava';
import { Parts } from '../../src/storage/disk/parts.ts';
import { LocalStore } from '../../src/storage/local-store.ts';
import { type LabMember, until, withMembers } from './with-members.ts';

/** More than there are connections for short commands. */
const MANY = 20;

async function othersWork(member: LabMember, path: string): Promise<number | undefined> {
  await member.put(path, 'stored meanwhile');
  return (await member.replicas.lookup(path))?.size;
}

test.serial(
  'uploads that break off at once, on a disk that flushes slowly, hold up nothing else',
  async (t) => {
    const { keep } = Parts.prototype;
    const disk = Promise.withResolvers<void>();
    let keeping = 0;
    Parts.prototype.keep = async function (this: Parts, request) {
      keeping += 1;
      await disk.promise;
      return await keep.call(this, request);
    };
    t.teardown(() => {
      Parts.prototype.keep = keep;
    });
    await withMembers(t, { members: 1 }, async (lab) => {
      const { replicas } = lab.member('a');
      const kept = Array.from({ length: MANY }, async (_, index) => {
        const path = `/film ${index}`;
        const upload = await replicas.startUpload(path);
        await upload.write(randomBytes(200_000));
        return await upload.keep({ owner: { user: 'guest', path }, over: null, keepMs: 60_000 });
      });
      await until(() => keeping === MANY);
      t.is(await othersWork(lab.member('a'), '/beside'), 16);
      disk.resolve();
      t.deepEqual([...new Set(await Promise.all(kept))], [true]);
    });
  },
);

test.serial(
  'large files that are appended to at once, whose beginning is copied slowly, hold up nothing else',
  async (t) => {
    const { stage } = LocalStore.prototype;
    const disk = Promise.withResolvers<void>();
    let copying = 0;
    LocalStore.prototype.stage = async function (this: LocalStore, request, by) {
      if (request.prefix !== undefined) {
        copying += 1;
        await disk.promise;
      }
      return await stage.call(this, request, by);
    };
    t.teardown(() => {
      LocalStore.prototype.stage = stage;
    });
    await withMembers(t, { members: 1 }, async (lab) => {
      const member = lab.member('a');
      await member.put('/log', 'begun');
      const entry = await member.replicas.lookup('/log');
      if (entry === null) throw new Error('it was not stored');
      const appended = Array.from({ length: MANY }, async () => {
        const upload = await member.replicas.startUpload('/log', { prefix: { entry, length: entry.size } });
        await upload.write(randomBytes(200_000));
        await upload.abort('enough');
      });
      await until(() => copying === MANY);
      t.is(await othersWork(member, '/beside'), 16);
      disk.resolve();
      await Promise.all(appended);
      t.is(String(await member.read('/log')), 'begun');
    });
  },
);
