import { once } from 'node:events';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect as connectTls } from 'node:tls';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import test from 'ava';
import { MAX_LINE_BYTES } from '../../src/peers/protocol.ts';
import { credentialsFor, loadOrMakeNetworkKey } from '../../src/peers/trust.ts';
import { encodeJson } from '../../src/peers/wire.ts';
import { RawPeer } from './raw-peer.ts';
import { type Lab, MEMBER, PEER, withStorageServer } from './with-storage-server.ts';

async function strangerOf({ folder }: Lab, member = PEER) {
  return await credentialsFor(await loadOrMakeNetworkKey(join(folder, 'another', 'network.key')), member);
}

function warnings(logged: readonly string[]): string[] {
  return logged.filter((line) => line.startsWith('warn'));
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
}

test('a member with another network key is refused; both sides say which file to copy', async (t) => {
  await withStorageServer(async (lab) => {
    const credentials = await strangerOf(lab);
    for (let n = 0; n < 3; n += 1) {
      const stranger = await lab.replica({ credentials });
      const error = await t.throwsAsync(stranger.hello(), { name: 'ReplicaUntrusted' });
      t.regex(error?.message ?? '', /the network keys differ/);
      t.true(error?.message.includes(credentials.keyFile));
    }
    await until(() => warnings(lab.logged).length > 0);
    const [first, ...more] = warnings(lab.logged);
    t.true(first?.includes(`copy ${lab.keyFile}`), first);
    t.true(first?.includes('127.0.0.1'), first);
    t.deepEqual(more, [], 'told once for each address');
    t.is((await (await lab.replica()).hello()).member, MEMBER);
  });
});

test('somebody who checks nothing and shows a foreign certificate gets no greeting', async (t) => {
  await withStorageServer(async (lab) => {
    const { cert, key } = await strangerOf(lab);
    const { port } = lab.server.endpoint;
    for (const shown of [{ cert, key }, {}]) {
      const socket = connectTls({ host: '127.0.0.1', port, rejectUnauthorized: false, ...shown });
      let said = '';
      socket.on('data', (chunk) => {
        said += chunk;
      });
      socket.on('error', () => undefined);
      socket.write('USER x\r\nPASS x\r\nSITE HELLO\r\n');
      await new Promise((resolve) => socket.once('close', resolve));
      t.is(said, '');
    }
  });
});

test('an FTP client without TLS is refused and told nothing', async (t) => {
  await withStorageServer(async (lab) => {
    const socket = connect({ host: '127.0.0.1', port: lab.server.endpoint.port });
    let said = '';
    socket.on('data', (chunk) => {
      said += chunk.toString('latin1');
    });
    socket.on('error', () => undefined);
    socket.write('USER guest\r\nPASS guest\r\nLIST\r\n');
    await once(socket, 'close');
    t.false(said.includes('220'));
    await until(() => warnings(lab.logged).length > 0);
    t.regex(warnings(lab.logged)[0] ?? '', /does not speak TLS/);
  });
});

test('the user name must be the name in the certificate', async (t) => {
  await withStorageServer(async ({ server, credentials }) => {
    const raw = await RawPeer.open(server.endpoint, await credentials(PEER), false);
    await raw.say(`SITE HELLO ${encodeJson({ protocol: 1 })}`, '530');
    await raw.say('EPSV', '530');
    await raw.say(`USER ${MEMBER}`, '331');
    await raw.say('PASS x', '530');
    t.truthy(await raw.say('SIZE /staging/whatever-it-is', '530'));
    raw.close();
  });
});

test('another member than the expected one is not trusted', async (t) => {
  await withStorageServer(async ({ replica }) => {
    const wrong = await replica({ expectMember: 'odroid-z-9999' });
    const error = await t.throwsAsync(wrong.hello(), { name: 'ReplicaUntrusted' });
    t.true(error?.message.includes(MEMBER));
  });
});

test('a clone of another member is refused: an old boot comes back while the new one lives elsewhere', async (t) => {
  await withStorageServer(async ({ replica, credentials }) => {
    const peer = await replica({ credentials: await credentials(PEER) });
    await peer.hello({ member: PEER, store: 's', boot: 'one' });
    const error = await t.throwsAsync(peer.hello({ member: MEMBER, store: 's', boot: 'x' }), {
      name: 'ReplicaUntrusted',
    });
    t.true(error?.message.includes('cannot speak for'));
    const own = await replica();
    t.is(
      (await own.hello({ member: MEMBER, store: 's', boot: 'of an earlier start' })).boot,
      'boot-of-the-lab',
    );
  });
});

test('no verb but those of the protocol is heard', async (t) => {
  await withStorageServer(async ({ server, credentials, folder }) => {
    const raw = await RawPeer.open(server.endpoint, await credentials());
    const lines = ['LIST', `LIST ${folder}`, 'MLSD', 'MKD x', 'RNFR /x', 'RMD /', 'CWD /', 'STAT /', 'PASV'];
    for (const line of [
      ...lines,
      'PORT 127,0,0,1,0,21',
      'AUTH TLS',
      'STOU',
      'FEAT',
      'toString',
      'constructor',
    ]) {
      await raw.say(line, '502');
    }
    await raw.say('SITE CHMOD 777 x', '501');
    await raw.say('SITE CHMOD', '502');
    await raw.say('SITE toString', '502');
    for (const path of [
      '/etc/passwd',
      '/staging/../x',
      '/staging/short',
      '/objects/xyz',
      'staging/abcdefgh',
      '',
    ]) {
      await raw.say(`SIZE ${path}`, '550');
      await raw.say(`DELE ${path}`, '550');
    }
    await raw.say(`DELE /objects/${'0'.repeat(64)}`, '550');
    t.truthy(await raw.say('NOOP', '200'));
    raw.close();
  });
});

test('garbage on the control line is answered line by line and harms nothing', async (t) => {
  await withStorageServer(async ({ server, credentials }) => {
    const raw = await RawPeer.open(server.endpoint, await credentials());
    await raw.say('SITE HELLO !!!not-base64url!!!', '550');
    await raw.say(`SITE HELLO ${Buffer.from('[1]').toString('base64url')}`, '550');
    await raw.say(`SITE HELLO ${Buffer.from('{').toString('base64url')}`, '550');
    await raw.say(`SITE HELLO ${encodeJson({ protocol: 99 })}`, '550');
    await raw.say(`SITE RECORD ${encodeJson({ path: 7 })}`, '550');
    await raw.say(`SITE COMMIT ${encodeJson({ id: 'x', operation: null })}`, '550');
    await raw.say(`SITE MERGE ${encodeJson({ mode: 'push', records: 'x' })}`, '550');
    await raw.say(`SITE MERGE ${encodeJson({ mode: 'push', records: [{ record: {} }] })}`, '550');
    await raw.say(`SITE WAIT ${encodeJson({ after: -1, seconds: 1 })}`, '550');
    raw.write(Buffer.from([0xff, 0xfe, 0x0d, 0x0a]));
    await raw.expect('501');
    raw.write('\r\n');
    await raw.expect('502');
    t.truthy(await raw.say('NOOP', '200'));
    raw.close();
  });
});

test('a command is one line however it is cut, and two lines in one piece are two', async (t) => {
  await withStorageServer(async ({ server, credentials }) => {
    const raw = await RawPeer.open(server.endpoint, await credentials());
    const line = Buffer.from(`SITE RECORD ${encodeJson({ path: '/é "x" -a' })}\n`);
    for (const byte of line) {
      raw.write(Buffer.from([byte]));
      await new Promise((resolve) => setImmediate(resolve));
    }
    t.deepEqual(JSON.parse(await raw.expect('200')), { entry: null, record: null });
    raw.write(`NOOP\r\nREST 5\r\nSIZE /staging/nothing-there\r\nNOO`);
    await raw.expect('200');
    await raw.expect('350');
    await raw.expect('550');
    raw.write('P\r\n');
    await raw.expect('200');
    raw.close();
  });
});

const LITTLE_BYTES = 16 * 1024 * 1024;

/** After a collection: what is really kept. */
function heldBytes(): number {
  setFlagsFromString('--expose-gc');
  runInNewContext('gc')();
  return process.memoryUsage().arrayBuffers;
}

test('a line without end is refused once it ends, and is never kept', async (t) => {
  await withStorageServer(async ({ server, credentials }) => {
    const raw = await RawPeer.open(server.endpoint, await credentials());
    const chunk = Buffer.alloc(MAX_LINE_BYTES, 'x');
    const before = heldBytes();
    for (let n = 0; n < 512; n += 1) {
      if (!raw.socket.write(chunk)) await once(raw.socket, 'drain');
    }
    // Memory of buffers is given back a little after the collection; what is kept for good stays over the limit.
    let grown = heldBytes() - before;
    for (let look = 0; look < 100 && grown >= LITTLE_BYTES; look += 1) {
      await sleep(50);
      grown = heldBytes() - before;
    }
    t.true(grown < LITTLE_BYTES, `64 MiB of line left ${grown} bytes behind`);
    raw.write('\r\nNOOP\r\n');
    await raw.expect('500');
    await raw.expect('200');
    raw.close();
  });
});

test('a peer that sends commands without waiting for answers is cut off', async (t) => {
  await withStorageServer(async ({ server, credentials }) => {
    const raw = await RawPeer.open(server.endpoint, await credentials());
    raw.write(`SITE WAIT ${encodeJson({ after: 0, seconds: 60 })}\r\n${'NOOP\r\n'.repeat(100)}`);
    await raw.expect('421');
    t.is(await raw.line(), null);
  });
});

test('connections above the limit are closed, those within go on', async (t) => {
  await withStorageServer(
    async ({ server, credentials, logged }) => {
      const own = await credentials();
      const one = await RawPeer.open(server.endpoint, own);
      const two = await RawPeer.open(server.endpoint, own);
      const three = connect({ host: '127.0.0.1', port: server.endpoint.port });
      three.on('error', () => undefined);
      await once(three, 'close');
      await one.say('NOOP', '200');
      await two.say('NOOP', '200');
      one.close();
      await once(one.socket, 'close');
      t.true(warnings(logged).some((line) => line.includes('too many connections')));
      two.close();
    },
    { maxConnections: 3 },
  );
});
