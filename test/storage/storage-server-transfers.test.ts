import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import test from 'ava';
import type { ReplicaClient, ReplicaUpload } from '../../src/peers/replica-client-api.ts';
import { RawPeer } from './raw-peer.ts';
import { MEMBER, withStorageServer } from './with-storage-server.ts';

const MIB = 1024 * 1024;
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

async function send(upload: ReplicaUpload, bytes: Buffer): Promise<void> {
  for (let at = 0; at < bytes.length; at += 100_000) {
    if (!upload.write(bytes.subarray(at, at + 100_000))) await upload.drained();
  }
}

async function commit(replica: ReplicaClient, path: string, bytes: Buffer, staged: string) {
  const operation = { op: 'put' as const, path, size: bytes.length, sha256: sha256(bytes) };
  return await replica.commit({ id: `op-${path.slice(1)}-0123456789`, operation, content: { staged } });
}

async function collect(stream: Readable): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** What staging holds, as soon as it is `size` bytes; fails the test by its time limit. */
async function untilStaged(replica: ReplicaClient, id: string, size: number): Promise<void> {
  while ((await replica.stagedSize(id)) !== size) await delay(10);
}

test('64 MiB go up at the pace of the disk, are committed by their hash and come back the same', async (t) => {
  await withStorageServer(async ({ replica }) => {
    const peer = await replica();
    const bytes = randomBytes(64 * MIB);
    const upload = await peer.openUpload('upload-64-mib', 0);
    let most = 0;
    for (let at = 0; at < bytes.length; at += 65_536) {
      if (!upload.write(bytes.subarray(at, at + 65_536))) await upload.drained();
      most = Math.max(most, upload.queuedBytes);
    }
    await upload.end();
    t.true(most < MIB, `${most} bytes were queued`);
    await commit(peer, '/big', bytes, 'upload-64-mib');
    t.is(sha256(await collect(await peer.readObject(sha256(bytes), 0))), sha256(bytes));
    const tail = await collect(await peer.readObject(sha256(bytes), 60 * MIB));
    t.true(tail.equals(bytes.subarray(60 * MIB)));
    t.is((await collect(await peer.readObject(sha256(bytes), 64 * MIB))).length, 0);
  });
});

test('an upload that is reset midway keeps what came and goes on behind it', async (t) => {
  await withStorageServer(async ({ replica }) => {
    const peer = await replica();
    const bytes = randomBytes(3 * MIB);
    const first = await peer.openUpload('upload-resumed', 0);
    first.write(bytes.subarray(0, MIB));
    await untilStaged(peer, 'upload-resumed', MIB);
    first.abort('the test wants it');
    await t.throwsAsync(first.failed, { name: 'ReplicaUnreachable', message: /the test wants it/ });
    await t.throwsAsync(first.end(), { name: 'ReplicaUnreachable' });
    t.false(first.write(bytes));
    const second = await untilOpen(() => peer.openUpload('upload-resumed', MIB));
    await send(second, bytes.subarray(MIB));
    await second.end();
    await commit(peer, '/resumed', bytes, 'upload-resumed');
    t.is((await peer.record({ path: '/resumed' })).entry?.size, bytes.length);
  });
});

/** The server may need a moment to notice the reset: until then the upload is `busy`. */
async function untilOpen(open: () => Promise<ReplicaUpload>): Promise<ReplicaUpload> {
  for (;;) {
    try {
      return await open();
    } catch (error) {
      if (!(error instanceof Error && 'kind' in error && error.kind === 'busy')) throw error;
      await delay(10);
    }
  }
}

test('an upload cannot go on at another place than the end of what is there', async (t) => {
  await withStorageServer(async ({ replica }) => {
    const peer = await replica();
    const error = await t.throwsAsync(peer.openUpload('upload-nowhere', 77), { name: 'Refusal' });
    t.is((error as { kind?: string })?.kind, 'invalid');
  });
});

test('bytes that are not what the hash says are never committed', async (t) => {
  await withStorageServer(async ({ replica }) => {
    const peer = await replica();
    const upload = await peer.openUpload('upload-cut-off', 0);
    upload.write(Buffer.from('only half of i'));
    await upload.end();
    const error = await t.throwsAsync(
      commit(peer, '/whole', Buffer.from('only half of it'), 'upload-cut-off'),
    );
    t.is((error as { kind?: string })?.kind, 'hash-mismatch');
    t.is((await peer.record({ path: '/whole' })).entry, null);
  });
});

test('a download that is left early hangs neither side', async (t) => {
  await withStorageServer(async ({ replica, credentials }) => {
    const peer = await replica();
    const bytes = randomBytes(8 * MIB);
    const upload = await peer.openUpload('upload-for-reading', 0);
    await send(upload, bytes);
    await upload.end();
    await commit(peer, '/read', bytes, 'upload-for-reading');
    const stream = await peer.readObject(sha256(bytes), 0);
    for await (const chunk of stream) {
      t.true(chunk.length > 0);
      break;
    }
    t.true(stream.destroyed);

    const own = await credentials();
    const raw = await RawPeer.open((await replica()).endpoint, own);
    const data = await raw.data(own);
    await raw.say(`RETR /objects/${sha256(bytes)}`, '150');
    data.raw.destroy();
    await raw.expect('426');
    await raw.say('NOOP', '200');
    const again = await raw.data(own);
    again.tls.resume();
    await raw.say(`RETR /objects/${sha256(bytes)}`, '150');
    again.raw.resetAndDestroy();
    await raw.expect('426');
    raw.close();
    t.is((await collect(await peer.readObject(sha256(bytes), 0))).length, bytes.length);
  });
});

test('what is empty is read to its end as well as anything else', async (t) => {
  await withStorageServer(async ({ replica }) => {
    const peer = await replica();
    const operation = { op: 'put' as const, path: '/empty/file', size: 0, sha256: sha256(Buffer.alloc(0)) };
    await peer.commit({ id: 'op-an-empty-file', operation, content: { inline: '' } });
    await peer.commit({ id: 'op-an-empty-folder', operation: { op: 'mkdir', path: '/nothing-in-it' } });
    for (let n = 0; n < 50; n += 1) {
      for await (const entry of await peer.list('/nothing-in-it')) t.fail(entry.path);
      t.is((await collect(await peer.readObject(operation.sha256, 0))).length, 0);
      t.is((await peer.changes(1000)).header.count, 0);
    }
  });
});

test('lists and changes can be left early', async (t) => {
  await withStorageServer(async ({ replica }) => {
    const peer = await replica();
    for (let n = 0; n < 20; n += 1) {
      const operation = { op: 'mkdir' as const, path: `/d${n}` };
      await peer.commit({ id: `op-mkdir-${n}-01234567`, operation });
    }
    for await (const entry of await peer.list('/')) {
      t.is(entry.kind, 'directory');
      break;
    }
    for await (const record of (await peer.changes(0)).records) {
      t.is(record.kind, 'directory');
      break;
    }
    t.is((await peer.changes(15)).header.count, 5);
  });
});

test('ABOR ends a transfer at once and keeps what came', async (t) => {
  await withStorageServer(async ({ server, credentials, replica }) => {
    const own = await credentials();
    const raw = await RawPeer.open(server.endpoint, own);
    const data = await raw.data(own);
    await raw.say('STOR /staging/upload-aborted', '150');
    data.tls.write(Buffer.alloc(5000));
    await untilStaged(await replica(), 'upload-aborted', 5000);
    await raw.say('ABOR', '426');
    await raw.expect('226');
    t.is(await raw.say('SIZE /staging/upload-aborted', '213'), '5000');
    await raw.say('DELE /staging/upload-aborted', '250');
    await raw.say('SIZE /staging/upload-aborted', '550');
    raw.close();
  });
});

test('an upload ends with its control connection', async (t) => {
  await withStorageServer(async ({ server, credentials, replica }) => {
    const own = await credentials();
    const raw = await RawPeer.open(server.endpoint, own);
    const data = await raw.data(own);
    const closed = once(data.raw, 'close');
    await raw.say('STOR /staging/upload-orphaned', '150');
    data.tls.write(Buffer.alloc(1000));
    const peer = await replica();
    await untilStaged(peer, 'upload-orphaned', 1000);
    raw.close();
    await closed;
    await (await untilOpen(() => peer.openUpload('upload-orphaned', 1000))).end();
    t.is(await peer.stagedSize('upload-orphaned'), 1000);
  });
});

test('a server that stops during a transfer ends it, and the upload fails', async (t) => {
  await withStorageServer(async ({ server, replica }) => {
    const peer = await replica();
    const upload = await peer.openUpload('upload-interrupted', 0);
    upload.write(Buffer.alloc(1000));
    await untilStaged(await replica(), 'upload-interrupted', 1000);
    await server.close();
    await t.throwsAsync(upload.failed, { name: 'ReplicaUnreachable' });
    await t.throwsAsync(peer.hello(), { name: 'ReplicaUnreachable' });
  });
});

test('two hundred EPSV that nobody follows leave one listener, and none after the end', async (t) => {
  // Not ports of the ephemeral range: these twenty are nobody else's.
  const from = 20_000 + (process.pid % 500) * 20;
  await withStorageServer(
    async ({ server, credentials }) => {
      const own = await credentials();
      const raw = await RawPeer.open(server.endpoint, own);
      for (let n = 0; n < 200; n += 1) await raw.say('EPSV', '229');
      const data = await raw.data(own);
      await raw.say('STOR /staging/upload-after-many', '150');
      data.tls.end('x');
      await raw.expect('226');
      const others = await Promise.all(Array.from({ length: 15 }, () => RawPeer.open(server.endpoint, own)));
      for (const other of others) await other.say('EPSV', '229');
      for (const other of [raw, ...others]) other.close();
      const later = await Promise.all(Array.from({ length: 15 }, () => RawPeer.open(server.endpoint, own)));
      for (const other of later) t.regex(await other.say('EPSV', '229'), /\|\|\|2\d{4}\|/);
      for (const other of later) other.close();
    },
    { passivePorts: { from, to: from + 19 } },
  );
});

test('a data connection of another member or without a certificate is dropped, and the port goes on waiting', async (t) => {
  await withStorageServer(async ({ server, credentials }) => {
    const own = await credentials();
    const raw = await RawPeer.open(server.endpoint, own);
    const port = Number(/\|\|\|(\d+)\|/.exec(await raw.say('EPSV', '229'))?.[1]);
    const stranger = await connectPlain(port);
    stranger.write('not a TLS handshake\r\n');
    await once(stranger, 'close');
    const other = await RawPeer.dataOn(port, await credentials('odroid-c-0000'));
    await once(other.raw, 'close');
    const mine = await RawPeer.dataOn(port, own);
    await raw.say('STOR /staging/upload-by-me', '150');
    mine.tls.end('mine');
    const reply: unknown = JSON.parse(await raw.expect('226'));
    t.deepEqual(reply, { size: 4, sha256: sha256(Buffer.from('mine')) });
    raw.close();
  });
});

async function connectPlain(port: number) {
  const { connect } = await import('node:net');
  const socket = connect({ host: '127.0.0.1', port });
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  return socket;
}

test('data connections resume the TLS session of the control connection', async (t) => {
  await withStorageServer(async ({ server, credentials }) => {
    const own = await credentials();
    const raw = await RawPeer.open(server.endpoint, own);
    const [session] = (await Promise.all([raw.sessions(), raw.say('NOOP', '200')]))[0];
    const data = await raw.data(own, session);
    t.true(data.tls.isSessionReused());
    await raw.say('STOR /staging/upload-resuming', '150');
    data.tls.end('x');
    await raw.expect('226');
    t.is(server.endpoint.host, '127.0.0.1');
    t.is(own.member, MEMBER);
    raw.close();
  });
});
