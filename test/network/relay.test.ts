/** The wire that other tests cut must itself do what they believe. */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import test, { type ExecutionContext } from 'ava';
import { freePorts, Loopback } from './loopback.ts';
import { Relay } from './relay.ts';
import { waitUntil } from './wait-until.ts';

/** An echo behind a wire. */
async function wired(t: ExecutionContext): Promise<{ relay: Relay; dial: () => Socket }> {
  const loopback = new Loopback();
  const [target, listen] = [loopback.address(1), loopback.address(2)];
  const port = await freePorts(target, 1);
  const echo = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => undefined);
    socket.pipe(socket);
  });
  await new Promise<void>((resolve) => echo.listen(port, target, resolve));
  const relay = await Relay.open({ listen, target, ports: [port] });
  const dialled: Socket[] = [];
  t.teardown(async () => {
    for (const socket of dialled) socket.destroy();
    await relay.close();
    await new Promise((resolve) => echo.close(resolve));
  });
  const dial = (): Socket => {
    const socket = connect({ host: listen, port, allowHalfOpen: true });
    socket.on('error', () => undefined);
    dialled.push(socket);
    return socket;
  };
  return { relay, dial };
}

async function echoOf(socket: Socket, bytes: Buffer): Promise<Buffer> {
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  socket.end(bytes);
  await once(socket, 'end');
  return Buffer.concat(chunks);
}

test('an open wire passes every byte and the end of the stream', async (t) => {
  const { relay, dial } = await wired(t);
  const bytes = randomBytes(2_000_000);
  t.true((await echoOf(dial(), bytes)).equals(bytes));
  t.is(relay.passed, bytes.length);
});

test('a slow wire has passed only a part when a fast one would be done, and all in the end', async (t) => {
  const { relay, dial } = await wired(t);
  relay.limit(100_000);
  const bytes = randomBytes(400_000);
  const echoed = echoOf(dial(), bytes);
  await new Promise((resolve) => setTimeout(resolve, 500));
  t.true(relay.passed < 200_000, `${relay.passed}`);
  relay.limit(Number.POSITIVE_INFINITY);
  t.true((await echoed).equals(bytes));
});

test('a cut wire is silent for old and new connections, and breaks the old ones when it is mended', async (t) => {
  const { relay, dial } = await wired(t);
  const old = dial();
  old.write('before');
  await once(old, 'data');
  relay.set('cut');
  let heard = '';
  old.on('data', (chunk: Buffer) => {
    heard += chunk.toString();
  });
  const closed = new Promise((resolve) => old.once('close', resolve));
  old.write('into the void');
  const young = dial();
  young.on('data', () => t.fail('heard something'));
  young.write('hello?');
  await new Promise((resolve) => setTimeout(resolve, 300));
  t.is(heard, '');
  relay.set('open');
  await closed;
  t.is((await echoOf(dial(), Buffer.from('back'))).toString(), 'back');
});

test('a refused wire resets whatever there is', async (t) => {
  const { relay, dial } = await wired(t);
  const old = dial();
  old.write('before');
  await once(old, 'data');
  relay.set('refused');
  await waitUntil('the old one is closed', () => (old.destroyed ? null : 'open'));
  const young = dial();
  await waitUntil('the new one is closed', () => (young.destroyed ? null : 'open'));
  t.is(young.bytesRead, 0);
});
