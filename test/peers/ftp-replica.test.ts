/** The client against peers that are wrong, slow or dead. What works is tested in test/storage/storage-server*.test.ts. */
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { openReplica, type ReplicaOptions } from '../../src/peers/ftp-replica.ts';
import type { ReplicaClient } from '../../src/peers/replica-client-api.ts';
import { credentialsFor, loadOrMakeNetworkKey, type TlsCredentials } from '../../src/peers/trust.ts';
import { type FakePeer, startFakePeer, startPlainServer } from './fake-peer.ts';

async function withCredentials(run: (credentials: TlsCredentials) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'cloudroid-replica-'));
  try {
    await run(await credentialsFor(await loadOrMakeNetworkKey(join(folder, 'network.key')), 'odroid-a'));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function withFakePeer(
  answer: Parameters<typeof startFakePeer>[1],
  run: (peer: FakePeer) => Promise<void>,
  options: Partial<ReplicaOptions> = {},
): Promise<void> {
  await withCredentials(async (credentials) => {
    const peer = await startFakePeer(credentials, answer, options);
    try {
      await run(peer);
    } finally {
      await peer.close();
    }
  });
}

const answers: { readonly [what: string]: string } = {
  'no JSON': '200 hello\r\n',
  'JSON of another kind': '200 [1,2]\r\n',
  'a field missing': '200 {"after":"7"}\r\n',
  'no reply at all': 'what do you want?\r\n',
  'a multi-line reply': '200-many\r\n200 lines\r\n',
  'an unknown error': '550 {"error":"toString","message":"x"}\r\n',
  'broken JSON in an error': '550 {"error":\r\n',
  'an endless line': `200 ${'x'.repeat(1_100_000)}`,
  'a request for more': '331 password?\r\n',
};

for (const [what, said] of Object.entries(answers)) {
  test(`${what} from a peer is ReplicaUnreachable and names the peer`, async (t) => {
    await withFakePeer(
      () => said,
      async ({ replica }) => {
        const asked = replica.cursor({ store: 's', incarnation: 'i' });
        const error = await t.throwsAsync(asked, { name: 'ReplicaUnreachable' });
        t.regex(error?.message ?? '', /127\.0\.0\.1:\d+/);
      },
    );
  });
}

test('a reply that comes in many pieces is one reply, with 100s before it ignored', async (t) => {
  const member = 'm'.repeat(200_000);
  const reply = `200 ${JSON.stringify({ after: 7, member })}\r\n`;
  await withFakePeer(
    (_line, socket) => {
      socket.write('100 Working.\r\n100 Wor');
      setTimeout(() => socket.write(`king.\r\n${reply.slice(0, 100)}`), 20);
      setTimeout(() => socket.write(reply.slice(100, -1)), 40);
      setTimeout(() => socket.write('\n'), 60);
      return null;
    },
    async ({ replica }) => {
      t.is((await replica.cursor({ store: 's', incarnation: 'i' })).after, 7);
      t.is((await replica.cursor({ store: 's', incarnation: 'i' })).after, 7);
    },
  );
});

test('garbage from a peer in a listing is ReplicaUnreachable', async (t) => {
  await withFakePeer(
    (line) => (line === 'EPSV' ? '229 ok (|||99999999|)\r\n' : null),
    async ({ replica }) => {
      await t.throwsAsync(replica.list('/'), { name: 'ReplicaUnreachable', message: /data port/ });
    },
  );
});

test('a peer that is silent is given up, one that says 100 is waited for', async (t) => {
  await withFakePeer(
    (line, socket) => {
      if (!line.startsWith('SITE WAIT')) return null;
      const working = setInterval(() => socket.write('100 Working.\r\n'), 100);
      setTimeout(() => {
        clearInterval(working);
        socket.write('200 {"request":3}\r\n');
      }, 900);
      return null;
    },
    async ({ replica, connections }) => {
      t.deepEqual(await replica.wait({ after: 1, seconds: 1 }), { request: 3 });
      const before = connections();
      await t.throwsAsync(replica.hello(), { name: 'ReplicaUnreachable' });
      t.is(connections(), before + 1, 'silence is not tried a second time');
    },
    { silenceMs: 400 },
  );
});

test('an idle connection that has died is replaced without the caller noticing', async (t) => {
  let answered = 0;
  await withFakePeer(
    (_line, socket) => {
      answered += 1;
      // The server stops just when the second request comes on the warm connection.
      if (answered === 2) {
        socket.destroy();
        return null;
      }
      return '200 {"after":7}\r\n';
    },
    async ({ replica, connections }) => {
      t.is((await replica.cursor({ store: 's', incarnation: 'i' })).after, 7);
      t.is((await replica.cursor({ store: 's', incarnation: 'i' })).after, 7);
      t.is(connections(), 2);
    },
  );
});

test('an error reply of a kind is a Refusal with its path, "refused" is ReplicaUntrusted', async (t) => {
  const said = [
    '550 {"error":"exists","message":"there","path":"/a"}',
    '530 {"error":"refused","message":"a clone"}',
  ];
  await withFakePeer(
    () => `${said.shift()}\r\n`,
    async ({ replica }) => {
      const refusal = await t.throwsAsync(replica.hello(), { name: 'Refusal', message: 'there' });
      t.like(refusal, { kind: 'exists', path: '/a' });
      await t.throwsAsync(replica.hello(), { name: 'ReplicaUntrusted', message: /a clone/ });
    },
  );
});

test('names cannot break out of a command line', async (t) => {
  await withFakePeer(
    () => '200 {"entry":null,"record":null}\r\n',
    async ({ replica, heard }) => {
      await replica.record({ path: '/a\r\nDELE /staging/12345678\r\n' });
      t.true(
        heard.every((line) => /^(?:USER|PASS|SITE RECORD [A-Za-z0-9_-]+$)/.test(line)),
        heard.join('|'),
      );
    },
  );
});

test('nobody there, and somebody who speaks no TLS, are ReplicaUnreachable', async (t) => {
  await withCredentials(async (credentials) => {
    const plain = await startPlainServer();
    const gone = createServer();
    await new Promise<void>((resolve) => gone.listen(0, '127.0.0.1', resolve));
    const address = gone.address();
    const free = typeof address === 'object' && address !== null ? address.port : 0;
    await new Promise((resolve) => gone.close(resolve));
    const open = (port: number): ReplicaClient =>
      openReplica({ endpoint: { host: '127.0.0.1', port }, credentials });
    try {
      await t.throwsAsync(open(free).hello(), { name: 'ReplicaUnreachable', message: /ECONNREFUSED/ });
      const spoken = await t.throwsAsync(open(plain.port).hello(), { name: 'ReplicaUnreachable' });
      t.regex(spoken?.message ?? '', /no storage server of Cloudroid/);
    } finally {
      await plain.close();
    }
  });
});

test('a closed client asks nobody', async (t) => {
  await withFakePeer(
    () => '200 {"after":7}\r\n',
    async ({ replica, heard }) => {
      const running = replica.cursor({ store: 's', incarnation: 'i' });
      replica.close();
      await t.throwsAsync(running, { name: 'ReplicaUnreachable' });
      await t.throwsAsync(replica.hello(), { name: 'ReplicaUnreachable' });
      t.deepEqual(
        heard.filter((line) => line.startsWith('SITE')),
        [],
      );
    },
  );
});
