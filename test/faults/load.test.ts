/** Much at once. */
import { createHash, randomBytes } from 'node:crypto';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { assertIdentical, becomeIdentical, hashOfFile } from '../network/compare.ts';
import type { Member } from '../network/member.ts';
import { hasProgram, succeed } from '../network/program.ts';
import { withNetwork } from '../network/with-network.ts';
import type { RawClient } from '../proxy/raw-client.ts';

/** The most memory the process ever had in RAM, in MB. */
function peakMegabytes(pid: number): number {
  const kilobytes = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1];
  if (kilobytes === undefined) throw new Error(`no VmHWM of ${pid}`);
  return (Number(kilobytes) * 1024) / 1_000_000;
}

/** Compiles the program into a folder of the test's own, as it is shipped: reading TypeScript takes 30 MB by itself. */
async function compiled(t: ExecutionContext): Promise<string> {
  const root = join(import.meta.dirname, '..', '..');
  const folder = mkdtempSync(join(tmpdir(), 'cloudroid-compiled-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  const tsc = join(root, 'node_modules', '.bin', 'tsc');
  await succeed(t, tsc, ['-p', join(root, 'tsconfig.build.json'), '--outDir', join(folder, 'dist')]);
  copyFileSync(join(root, 'package.json'), join(folder, 'package.json'));
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
  return join(folder, 'dist', 'main.js');
}

const GIBIBYTE = 1_073_741_824;
const MOST_MEGABYTES = 150;

test.serial(
  'a proxy stays under 150 MB while 1 GiB goes up to three members and comes down again',
  async (t) => {
    if (!hasProgram(t, 'curl') || !hasProgram(t, 'openssl')) return;
    await withNetwork(t, { members: 3, main: await compiled(t) }, async (network) => {
      const [a, b] = [network.member('a'), network.member('b')];
      // A stream of a cipher: as random as it gets, and cheap.
      const source = `openssl enc -aes-128-ctr -nosalt -K 00 -iv 00 -in /dev/zero 2>/dev/null | head -c ${GIBIBYTE}`;
      const sent = await succeed(t, 'sh', [
        '-c',
        `${source} | curl -v --no-progress-meter -T - ${a.url}/big`,
      ]);
      t.regex(sent.stderr, /226 Stored on \d of 3 members/);
      const up = peakMegabytes(a.childPid('proxy'));
      const wanted = (await succeed(t, 'sh', ['-c', `${source} | sha256sum`])).stdout.toString().slice(0, 64);
      const back = await succeed(t, 'sh', ['-c', `curl -sS ${b.url}/big | sha256sum`]);
      t.is(back.stdout.toString().slice(0, 64), wanted);
      const down = peakMegabytes(b.childPid('proxy'));
      const [, told = ''] = /226 (Stored on [^\r\n]*)/.exec(sent.stderr) ?? [];
      t.log(`peak memory: ${up.toFixed(0)} MB sending, ${down.toFixed(0)} MB fetching; ${told}`);
      t.true(up < MOST_MEGABYTES, `${up} MB sending`);
      t.true(down < MOST_MEGABYTES, `${down} MB fetching`);
      await becomeIdentical(network.members, 60_000);
      for (const member of network.members)
        t.is(await hashOfFile(join(member.filesDir, 'big')), wanted, member.name);
    });
  },
);

async function sessions(member: Member, count: number): Promise<RawClient[]> {
  const clients: RawClient[] = [];
  // In tens: a listener's queue is not what is tested here.
  for (let opened = 0; opened < count; opened += 10) {
    clients.push(...(await Promise.all(Array.from({ length: 10 }, () => member.login()))));
  }
  return clients;
}

test.serial('200 sessions at once, 50 of them transferring, each gets its own bytes', async (t) => {
  await withNetwork(t, { members: 2 }, async (network) => {
    const a = network.member('a');
    const clients = await sessions(a, 200);
    t.teardown(() => {
      for (const client of clients) client.destroy();
    });
    const contents = Array.from({ length: 50 }, () => randomBytes(1_500_000));
    const busy = clients.slice(0, 50);
    for (let index = 0; index < 25; index += 1) {
      t.is((await busy[index]?.upload(`STOR /${index}`, contents[index] ?? ''))?.code, 226);
    }
    // 25 fetch, 25 send, and the other 150 talk meanwhile.
    const transfers = busy.map(async (client, index) => {
      const bytes = contents[index] ?? Buffer.alloc(0);
      if (index >= 25) return (await client.upload(`STOR /${index}`, bytes)).code === 226;
      const got = await client.download(`RETR /${index}`);
      return got.reply.code === 226 && got.bytes.equals(bytes);
    });
    const talk = clients
      .slice(50)
      .map(async (client, index) => (await client.command(`SIZE /${index % 25}`)).text);
    t.deepEqual([...new Set(await Promise.all(talk))], ['213 1500000']);
    t.deepEqual([...new Set(await Promise.all(transfers))], [true]);
    const listed = await clients[199]?.download('NLST /');
    t.is(listed?.bytes.toString().split('\r\n').filter(Boolean).length, 50);
    for (const [index, bytes] of contents.entries()) {
      const hash = await hashOfFile(join(a.filesDir, String(index)));
      t.is(hash, createHash('sha256').update(bytes).digest('hex'), `file ${index}`);
    }
    t.deepEqual(
      [...new Set(await Promise.all(clients.map(async (client) => (await client.command('QUIT')).code)))],
      [221],
    );
    await becomeIdentical(network.members);
    await assertIdentical(t, network.members);
  });
});
