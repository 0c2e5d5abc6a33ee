import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import test, { type ExecutionContext } from 'ava';
import { NoDataConnection, PassiveListener, type PassiveOptions } from '../../src/ftp/data-connection.ts';

async function open(t: ExecutionContext, more: Partial<PassiveOptions> = {}) {
  const strangers: string[] = [];
  const listener = await PassiveListener.open({
    localAddress: '127.0.0.1',
    clientAddress: '127.0.0.1',
    ports: { from: 0, to: 0 },
    lifetimeMs: 60_000,
    onStranger: (address) => strangers.push(address),
    ...more,
  });
  t.teardown(() => listener.close());
  return { listener, strangers };
}

const forever = new AbortController().signal;

test('a stranger is dropped and the client is still awaited', async (t) => {
  const { listener, strangers } = await open(t);
  const stranger = connect({ host: '127.0.0.1', port: listener.port, localAddress: '127.0.0.7' });
  stranger.on('error', () => undefined);
  await once(stranger, 'close');
  const accepted = listener.accept(forever, 60_000);
  const client = connect(listener.port, '127.0.0.1');
  const socket = await accepted;
  t.is(socket.remotePort, client.localPort);
  t.deepEqual(strangers, ['127.0.0.7']);
  client.destroy();
  socket.destroy();
});

test('only one connection is taken, whoever comes second is refused', async (t) => {
  const { listener } = await open(t);
  const first = connect(listener.port, '127.0.0.1');
  await once(first, 'connect');
  const socket = await listener.accept(forever, 60_000);
  const second = connect(listener.port, '127.0.0.1');
  await t.throwsAsync(once(second, 'connect'), { code: 'ECONNREFUSED' });
  first.destroy();
  socket.destroy();
});

test('a connection that never comes is told, and the port is free again', async (t) => {
  const { listener } = await open(t);
  await t.throwsAsync(listener.accept(forever, 10), { instanceOf: NoDataConnection });
  await t.throwsAsync(once(connect(listener.port, '127.0.0.1'), 'connect'), { code: 'ECONNREFUSED' });
});

test('an abort ends the wait with its reason', async (t) => {
  const { listener } = await open(t);
  const controller = new AbortController();
  const waiting = listener.accept(controller.signal, 60_000);
  controller.abort(new RangeError('enough'));
  await t.throwsAsync(waiting, { instanceOf: RangeError });
});

test('a range whose ports are all taken is told, one free port is found', async (t) => {
  const blocker = createServer().listen(0, '127.0.0.1');
  await once(blocker, 'listening');
  t.teardown(() => blocker.close());
  const address = blocker.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  await t.throwsAsync(open(t, { ports: { from: port, to: port } }), { instanceOf: NoDataConnection });
  const { listener } = await open(t, { ports: { from: port, to: port + 3 } });
  t.true(listener.port > port && listener.port <= port + 3);
});

test('a port serves the next transfer while the connection of the last one is still open', async (t) => {
  const { listener: finder } = await open(t);
  const ports = { from: finder.port, to: finder.port };
  finder.close();
  const sockets = [];
  for (let round = 0; round < 3; round += 1) {
    const { listener } = await open(t, { ports });
    const client = connect(listener.port, '127.0.0.1');
    sockets.push(client, await listener.accept(forever, 60_000));
  }
  for (const socket of sockets) {
    t.false(socket.destroyed);
    socket.destroy();
  }
});

test('a listener that nobody uses closes by itself', async (t) => {
  const { listener } = await open(t, { lifetimeMs: 10 });
  // Timers of one process fire in order: the listener's comes before this one.
  await new Promise((resolve) => setTimeout(resolve, 30));
  await t.throwsAsync(listener.accept(forever, 60_000), { instanceOf: NoDataConnection });
  await t.throwsAsync(once(connect(listener.port, '127.0.0.1'), 'connect'), { code: 'ECONNREFUSED' });
});
