/** What the issue promises: 1,000 sessions at once, each idle one below 60 kB, and 200 transfers at once of which none fails. */
import { createHash, randomBytes } from 'node:crypto';
import test from 'ava';
import { waitUntil } from '../network/wait-until.ts';
import { RawClient } from '../proxy/raw-client.ts';
import { overTls } from '../proxy/tls-client.ts';
import { Scene } from './scene.ts';

const SESSIONS = 1000;
const MOST_PER_SESSION = 60_000;
/** More than there are passive ports (test/network/member.ts: 120). */
const TRANSFERS = 200;
const MEBIBYTE = 1024 * 1024;
/** What transfers were read into is kept for the next (ftp/slabs.ts): eight pieces of 512 KiB and eight of 256. */
const KEPT_SLABS = 6 * MEBIBYTE;
/** Bytes; from nothing to more than a session's buffers hold. */
const SIZES = [0, 1, 4096, 40_000, 300_000, 1_500_000];

let scene: Scene;
let before = 0;
test.before(async () => {
  const limit = String(SESSIONS + 50);
  scene = await Scene.open({
    inspected: true,
    options: [
      ...['--max-sessions', limit, '--max-sessions-per-address', limit, '--max-sessions-per-user', limit],
      ...['--logins-per-minute', '100000'],
    ],
  });
  await scene.inspector();
  await waitUntil('nobody is there', async () => ((await scene.sessions()) === 0 ? null : 'somebody'));
  before = scene.descriptors();
});
test.after.always('closed', async () => scene?.close());

async function login(): Promise<RawClient> {
  return await RawClient.loggedIn(scene.a.port, { host: scene.a.host });
}

/** By AUTH TLS, with protected data connections. */
async function loginByTls(): Promise<RawClient> {
  const plain = await RawClient.connect(scene.a.port, { host: scene.a.host });
  await plain.command('AUTH TLS');
  const client = RawClient.around(await overTls(plain.socket), scene.a.host);
  for (const line of ['USER guest', 'PASS guest', 'PBSZ 0', 'PROT P']) await client.command(line);
  return client;
}

async function gather(count: number, come = login): Promise<RawClient[]> {
  const clients: RawClient[] = [];
  while (clients.length < count) {
    clients.push(...(await Promise.all(Array.from({ length: Math.min(100, count - clients.length) }, come))));
  }
  return clients;
}

/** What sessions of people and devices have done by the time they are idle. */
async function useOnce(client: RawClient): Promise<void> {
  for (const line of ['FEAT', 'OPTS UTF8 ON', 'TYPE I', 'PWD', 'SIZE /canary.txt'])
    await client.command(line);
}

for (const [how, come] of [
  ['in plain text', login],
  ['over TLS', loginByTls],
] as const) {
  test.serial(
    `1,000 sessions at once ${how} are idle at less than 60 kB each, and all of them are answered`,
    async (t) => {
      const inspector = await scene.inspector();
      // Once for what is made for the first session and kept.
      const first = await gather(100, come);
      for (const client of first) await useOnce(client);
      for (const client of first) client.destroy();
      await scene.settled(before);
      const empty = await inspector.memory();

      const clients = await gather(SESSIONS, come);
      for (const client of clients) await useOnce(client);
      await waitUntil('all are counted', async () =>
        (await scene.sessions()) === SESSIONS ? null : 'not yet',
      );
      const full = await inspector.memory();
      const each = (full.heap + full.buffers - empty.heap - empty.buffers) / SESSIONS;
      const resident = (full.resident - empty.resident) / SESSIONS;
      t.log(
        `${Math.round(each)} bytes of live objects and buffers a session, ${Math.round(resident)} of resident memory`,
      );
      t.true(each < MOST_PER_SESSION, `${each} bytes`);
      t.true(resident < MOST_PER_SESSION, `${resident} bytes resident`);

      const answers = await Promise.all(clients.map(async (client) => (await client.command('PWD')).code));
      t.deepEqual([...new Set(answers)], [257]);
      if (how === 'in plain text') {
        const uploads = await Promise.all(
          clients
            .slice(0, 20)
            .map(async (client, index) => (await client.upload(`STOR /of-${index}`, `${index}`)).code),
        );
        t.deepEqual([...new Set(uploads)], [226]);
        for (const [index, client] of clients.slice(0, 20).entries())
          t.is((await client.command(`DELE /of-${index}`)).code, 250);
      }
      for (const client of clients) client.destroy();
      await scene.settled(before);
      const after = await inspector.memory();
      t.true(
        after.heap + after.buffers < empty.heap + empty.buffers + 4 * MEBIBYTE + KEPT_SLABS,
        `${JSON.stringify(empty)} ${JSON.stringify(after)}`,
      );
    },
  );
}

test.serial(
  `of ${TRANSFERS} transfers at once, up and down, none fails, and every byte is as it was`,
  async (t) => {
    const owner = await login();
    const contents = SIZES.map((size) => randomBytes(size));
    const hashes = contents.map((content) => createHash('sha256').update(content).digest('hex'));
    await owner.command('MKD /many');
    for (const [index, content] of contents.entries()) {
      t.is((await owner.upload(`STOR /many/source-${index}`, content)).code, 226);
    }
    const clients = await gather(TRANSFERS);
    const outcomes = await Promise.all(
      clients.map(async (client, index) => {
        const which = index % SIZES.length;
        if (index % 2 === 0) {
          const { reply, bytes } = await client.download(`RETR /many/source-${which}`);
          const same = createHash('sha256').update(bytes).digest('hex') === hashes[which];
          return same ? `${reply.code}` : `${reply.text}: ${bytes.length} of ${SIZES[which]} bytes`;
        }
        const { code, text } = await client.upload(`STOR /many/copy-${index}`, contents[which] ?? '');
        return code === 226 ? '226' : text;
      }),
    );
    t.deepEqual(
      outcomes.filter((outcome) => outcome !== '226'),
      [],
    );
    for (let index = 1; index < TRANSFERS; index += 2) {
      const { text } = await owner.command(`XSHA256 /many/copy-${index}`);
      t.true(text.toLowerCase().includes(hashes[index % SIZES.length] ?? '?'), text);
    }
    for (const client of [...clients, owner]) client.destroy();
    await scene.settled(before);
    await scene.assertUnharmed(t);
  },
);
