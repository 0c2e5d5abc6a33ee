/** Clients that die in the middle of a transfer. */
import { randomBytes } from 'node:crypto';
import type { Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import test from 'ava';
import { assertIdentical, diskPicture } from '../network/compare.ts';
import { withNetwork } from '../network/with-network.ts';
import type { RawClient } from '../proxy/raw-client.ts';

const deaths: readonly {
  readonly title: string;
  readonly die: (data: Socket, client: RawClient) => void;
  /** The control connection lives on and must hear this. */
  readonly reply?: number;
}[] = [
  {
    title: 'closes both connections with FIN',
    die: (data, client) => {
      client.socket.end();
      data.end();
    },
  },
  {
    title: 'ends its data with FIN and is gone',
    die: (data, client) => {
      data.end();
      client.destroy();
    },
  },
  {
    title: 'resets both connections',
    die: (data, client) => {
      data.resetAndDestroy();
      client.socket.resetAndDestroy();
    },
  },
  { title: 'resets its data connection alone', die: (data) => data.resetAndDestroy(), reply: 426 },
];

for (const verb of ['STOR', 'APPE'] as const) {
  test.serial(
    `${verb}: a client that dies half-way, by FIN or by RST, leaves the old file as it was`,
    async (t) => {
      await withNetwork(t, { members: 2 }, async (network) => {
        const a = network.member('a');
        const first = await a.login();
        t.is((await first.upload('STOR /file', randomBytes(90_000))).code, 226);
        const before = await diskPicture(a.filesDir);
        for (const { title, die, reply } of deaths) {
          for (const half of [10_000, 2_000_000]) {
            const client = await a.login();
            const data = await client.dataConnection();
            client.send(`${verb} /file\r\n`);
            t.is((await client.reply()).code, 150);
            await new Promise((resolve) => data.write(randomBytes(half), resolve));
            await pause(100);
            die(data, client);
            if (reply !== undefined) t.is((await client.reply()).code, reply, title);
            // A wrong commit would come now.
            await pause(1000);
            for (const member of network.members) {
              t.deepEqual(await diskPicture(member.filesDir), before, `${member.name}: a client ${title}`);
            }
            client.destroy();
          }
        }
        const names = (await first.download('NLST')).bytes.toString();
        t.is(names, 'file\r\n', 'the parts are invisible');
        t.is((await first.upload('STOR /file', 'whole')).code, 226);
        await assertIdentical(t, network.members);
        first.destroy();
      });
    },
  );
}

test.serial('an upload shorter than ALLO announced is not stored when the client ends it', async (t) => {
  await withNetwork(t, { members: 1 }, async (network) => {
    const client = await network.member('a').login();
    t.is((await client.upload('STOR /file', 'old')).code, 226);
    t.is((await client.command('ALLO 1000')).code, 200);
    const short = await client.upload('STOR /file', 'only a part');
    t.true(short.code >= 400 && short.code < 500, short.text);
    t.is((await client.download('RETR /file')).bytes.toString(), 'old');
    client.destroy();
  });
});

test.serial(
  'a client that drops a download half-way does no harm to its session or to the others',
  async (t) => {
    await withNetwork(t, { members: 1 }, async (network) => {
      const a = network.member('a');
      const client = await a.login();
      const bytes = randomBytes(5_000_000);
      t.is((await client.upload('STOR /file', bytes)).code, 226);
      const data = await client.dataConnection();
      client.send('RETR /file\r\n');
      t.is((await client.reply()).code, 150);
      await new Promise((resolve) => data.once('data', resolve));
      data.resetAndDestroy();
      t.is((await client.reply()).code, 426);
      t.true((await client.download('RETR /file')).bytes.equals(bytes));
      client.destroy();
    });
  },
);
