/** Those who begin transfers and keep them open, as many as one address may have: others transfer meanwhile. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import test from 'ava';
import { waitUntil } from '../network/wait-until.ts';
import type { RawClient } from '../proxy/raw-client.ts';
import { Scene } from './scene.ts';

const HOLDERS = 120;
const MEBIBYTE = 1024 * 1024;

let scene: Scene;
let before = 0;
test.before(async () => {
  scene = await Scene.open();
  await waitUntil('nobody is there', async () => ((await scene.sessions()) === 0 ? null : 'somebody'));
  before = scene.descriptors();
});
test.after.always('closed', async () => scene?.close());

interface Holder {
  readonly client: RawClient;
  readonly data: Socket;
}

/** Begins a transfer and reads nothing. */
async function begin(line: string): Promise<Holder> {
  const client = await scene.a.login();
  const data = connect({ host: scene.a.host, port: await client.passivePort(), allowHalfOpen: true });
  data.on('error', () => undefined);
  data.pause();
  await once(data, 'connect');
  client.send(`${line}\r\n`);
  const { code, text } = await client.reply();
  if (code !== 150) throw new Error(text);
  return { client, data };
}

async function beginMany(line: (index: number) => string): Promise<Holder[]> {
  const holders: Holder[] = [];
  while (holders.length < HOLDERS) holders.push(await begin(line(holders.length)));
  return holders;
}

/** No answer but the 150 yet. */
const isUnderWay = ({ client }: Holder): boolean => client.heard.split('150 ')[1]?.split('\r\n')[1] === '';

function letGo(holders: readonly Holder[]): void {
  for (const { client, data } of holders) {
    data.destroy();
    client.destroy();
  }
}

async function othersWork(name: string): Promise<number[]> {
  const client = await scene.a.login();
  const codes = [
    (await client.upload(`STOR ${name}`, Buffer.alloc(MEBIBYTE, 1))).code,
    (await client.upload(`APPE ${name}`, Buffer.alloc(MEBIBYTE, 2))).code,
    (await client.download(`RETR ${name}`)).reply.code,
    (await client.download('LIST')).reply.code,
    (await client.command(`DELE ${name}`)).code,
  ];
  client.destroy();
  return codes;
}

test.serial(
  'uploads that trickle without an end do not stop others from storing, fetching and listing',
  async (t) => {
    const holders = await beginMany((index) => `STOR /held-${index}`);
    // Larger than what travels inside the commit.
    for (const { data } of holders) data.write(Buffer.alloc(100_000));
    const drip = setInterval(() => {
      for (const { data } of holders) data.write('x');
    }, 50);
    t.teardown(() => clearInterval(drip));
    t.deepEqual(await othersWork('/beside uploads'), [226, 226, 226, 226, 250]);
    t.is(holders.filter(isUnderWay).length, HOLDERS, 'all of them are still there');
    clearInterval(drip);
    letGo(holders);
    await scene.settled(before);
  },
);

test.serial('downloads that nobody reads do not stop others either', async (t) => {
  const owner = await scene.a.login();
  t.is((await owner.upload('STOR /big', Buffer.alloc(32 * MEBIBYTE))).code, 226);
  const holders = await beginMany(() => 'RETR /big');
  t.deepEqual(await othersWork('/beside downloads'), [226, 226, 226, 226, 250]);
  t.is(holders.filter(isUnderWay).length, HOLDERS);
  letGo(holders);
  t.is((await owner.command('DELE /big')).code, 250);
  owner.destroy();
  await scene.settled(before);
});

test.serial('after all of it the members are as they were', async (t) => {
  await scene.assertUnharmed(t);
});
