import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { connect as connectTls, TLSSocket } from 'node:tls';
import test, { type ExecutionContext } from 'ava';
import { connectActive } from '../../src/ftp/data-connection.ts';
import { receive } from '../../src/ftp/data-stream.ts';
import { readIntoSlabs, SlabPool } from '../../src/ftp/slabs.ts';
import { makeCertificate } from '../../src/tls/own-certificate.ts';

const MEGABYTE = 1024 * 1024;

const calm = { signal: new AbortController().signal, stallMs: 60_000 };
const slowest = { bytesPerSecond: 0, windowMs: 60_000 };

/** An accepted socket, as a passive data connection has it, and the client's end. */
async function pair(t: ExecutionContext): Promise<{ readonly server: Socket; readonly client: Socket }> {
  const listener = createServer({ allowHalfOpen: true, pauseOnConnect: true }).listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const address = listener.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const client = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  client.on('error', () => undefined);
  const [server] = (await once(listener, 'connection')) as [Socket];
  server.on('error', () => undefined);
  t.teardown(() => {
    client.destroy();
    server.destroy();
    listener.close();
  });
  return { server, client };
}

async function sendAll(client: Socket, bytes: Buffer): Promise<void> {
  for (let at = 0; at < bytes.length; ) {
    const piece = bytes.subarray(at, at + 1 + Math.floor(Math.random() * 300_000));
    at += piece.length;
    if (!client.write(piece)) await once(client, 'drain');
    if (Math.random() < 0.2) await delay(1);
  }
  client.end();
}

test('a piece keeps its bytes until it is given back, however late that is, and all bytes come in order', async (t) => {
  const { server, client } = await pair(t);
  const slabs = new SlabPool(512 * 1024);
  const bytes = randomBytes(24 * MEGABYTE);
  const sending = sendAll(client, bytes);
  const held: { readonly piece: Buffer; readonly at: number }[] = [];
  let at = 0;
  const check = ({ piece, at: from }: { piece: Buffer; at: number }) => {
    if (!piece.equals(bytes.subarray(from, from + piece.length)))
      t.fail(`the piece at ${from} was overwritten`);
    slabs.giveBack(piece);
  };
  for await (const piece of receive(server, { ...calm, slowest, slabs })) {
    held.push({ piece, at });
    at += piece.length;
    if (Math.random() < 0.3) await delay(2);
    // Not in the order in which they came.
    while (held.length > 5)
      check(held.splice(Math.floor(Math.random() * held.length), 1)[0] as (typeof held)[0]);
  }
  for (const each of held) check(each);
  await sending;
  t.is(at, bytes.length);
});

test('memory that is given back is read into again, by the next connection too', async (t) => {
  const slabs = new SlabPool(512 * 1024);
  const seen = new Set<ArrayBufferLike>();
  let pieces = 0;
  for (let round = 0; round < 3; round += 1) {
    const { server, client } = await pair(t);
    const sending = sendAll(client, Buffer.alloc(16 * MEGABYTE));
    for await (const piece of receive(server, { ...calm, slowest, slabs })) {
      seen.add(piece.buffer);
      pieces += 1;
      slabs.giveBack(piece);
    }
    await sending;
  }
  t.true(pieces > 20);
  t.true(seen.size <= 8, `${seen.size} slabs for 48 MiB`);
});

test('who gives nothing back gets memory that nobody else writes to', async (t) => {
  const { server, client } = await pair(t);
  const bytes = randomBytes(8 * MEGABYTE);
  const sending = sendAll(client, bytes);
  const pieces: Buffer[] = [];
  for await (const piece of receive(server, { ...calm, slowest, slabs: new SlabPool(512 * 1024) }))
    pieces.push(piece);
  await sending;
  const hash = (all: Buffer) => createHash('sha256').update(all).digest('hex');
  t.is(hash(Buffer.concat(pieces)), hash(bytes));
});

test('this Node lets a socket be read into slabs, accepted or connected (if not, uploads are slow again)', async (t) => {
  const { server } = await pair(t);
  t.true(readIntoSlabs(server, new SlabPool(512 * 1024), () => undefined));
  const listener = createServer((socket) => socket.end('from the client')).listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const address = listener.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const where = { localAddress: '127.0.0.1', host: '127.0.0.1', port, timeoutMs: 5000 };
  const active = await connectActive(where, calm.signal);
  t.teardown(() => {
    active.destroy();
    listener.close();
  });
  let text = '';
  t.true(
    readIntoSlabs(active, new SlabPool(512 * 1024), (piece) => {
      text += piece.toString();
    }),
  );
  active.resume();
  await once(active, 'end');
  t.is(text, 'from the client');
});

test('a socket of which something was read already is left as it is', async (t) => {
  const { server, client } = await pair(t);
  client.write('x');
  server.resume();
  await once(server, 'data');
  t.false(readIntoSlabs(server, new SlabPool(512 * 1024), () => undefined));
});

test('with TLS too: what comes is in slabs, whole, in order, with its end, however it is paused', async (t) => {
  const { server: raw, client: rawClient } = await pair(t);
  const { cert, key } = await makeCertificate('odroid-a');
  const server = new TLSSocket(raw, { isServer: true, cert, key });
  server.on('error', () => undefined);
  const client = connectTls({ socket: rawClient, rejectUnauthorized: false });
  client.on('error', () => undefined);
  await Promise.all([once(server, 'secure'), once(client, 'secureConnect')]);
  const slabs = new SlabPool(512 * 1024);
  const bytes = randomBytes(20 * MEGABYTE);
  const pieces: Buffer[] = [];
  const memories = new Set<ArrayBufferLike>();
  t.true(
    readIntoSlabs(server, slabs, (piece) => {
      memories.add(piece.buffer);
      pieces.push(Buffer.from(piece));
      slabs.giveBack(piece);
      if (Math.random() > 0.05) return;
      server.pause();
      setTimeout(() => server.resume(), 1);
    }),
    'this Node reads TLS into slabs (if not, uploads to peers are slow again)',
  );
  const ended = once(server, 'end');
  server.resume();
  await sendAll(client, bytes);
  await ended;
  t.true(Buffer.concat(pieces).equals(bytes));
  t.true(memories.size <= 3, `${memories.size} slabs for what is given back at once`);
});

test('what TLS has read before anybody asked is not lost: then it stays as it is', async (t) => {
  const { server: raw, client: rawClient } = await pair(t);
  const { cert, key } = await makeCertificate('odroid-a');
  const server = new TLSSocket(raw, { isServer: true, cert, key });
  server.on('error', () => undefined);
  const client = connectTls({ socket: rawClient, rejectUnauthorized: false });
  client.on('error', () => undefined);
  await once(client, 'secureConnect');
  client.end('early');
  while (server.readableLength === 0) await delay(5);
  t.false(readIntoSlabs(server, new SlabPool(512 * 1024), () => undefined));
  t.is(String(await server.toArray()), 'early');
});
