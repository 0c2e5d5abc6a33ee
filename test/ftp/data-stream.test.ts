import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { Readable } from 'node:stream';
import { setTimeout as delay, setImmediate as nextTick } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { DataConnectionLost, receive, send } from '../../src/ftp/data-stream.ts';

const MEGABYTE = 1024 * 1024;

/** Both ends of a connection. */
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

const slowest = { bytesPerSecond: 0, windowMs: 60_000 };
const calm = () => ({ signal: new AbortController().signal, stallMs: 60_000, slowest });

test('a consumer that is always behind does not make the reader keep what was consumed', async (t) => {
  const { server, client } = await pair(t);
  const piece = Buffer.alloc(MEGABYTE, 'x');
  const writing = (async () => {
    for (let round = 0; round < 256; round += 1) {
      if (!client.write(piece)) await once(client, 'drain');
    }
    client.end();
  })();
  let received = 0;
  let most = 0;
  const before = process.memoryUsage().arrayBuffers;
  for await (const chunk of receive(server, calm())) {
    received += chunk.length;
    most = Math.max(most, process.memoryUsage().arrayBuffers - before);
    await nextTick();
  }
  await writing;
  t.is(received, 256 * MEGABYTE);
  t.true(most < 128 * MEGABYTE, `${most} bytes were kept`);
});

test('a consumer that stops is not read for: the sender has to wait', async (t) => {
  const { server, client } = await pair(t);
  const reader = receive(server, calm());
  client.write('x');
  await reader.next();
  let sent = 0;
  const piece = Buffer.alloc(MEGABYTE);
  for (;;) {
    sent += 1;
    if (client.write(piece)) continue;
    const drained = await Promise.race([
      once(client, 'drain').then(() => true),
      delay(300).then(() => false),
    ]);
    if (!drained) break;
    if (sent > 200) break;
  }
  t.true(sent < 100, `${sent} MiB were taken`);
});

test('a FIN ends the bytes, a reset or an abort is an error', async (t) => {
  const collect = async (socket: Socket, signal: AbortSignal) => {
    let text = '';
    for await (const chunk of receive(socket, { signal, stallMs: 60_000, slowest })) text += chunk.toString();
    return text;
  };
  const forever = new AbortController().signal;
  const whole = await pair(t);
  whole.client.end('whole');
  t.is(await collect(whole.server, forever), 'whole');

  const half = await pair(t);
  half.client.write('half', () => half.client.resetAndDestroy());
  await t.throwsAsync(collect(half.server, forever), { instanceOf: DataConnectionLost });

  const early = await pair(t);
  early.client.resetAndDestroy();
  await once(early.client, 'close');
  await delay(20);
  await t.throwsAsync(
    collect(early.server, forever),
    { instanceOf: DataConnectionLost },
    'reset before it was read',
  );

  const given = await pair(t);
  const controller = new AbortController();
  const waiting = collect(given.server, controller.signal);
  controller.abort(new RangeError('enough'));
  await t.throwsAsync(waiting, { instanceOf: RangeError });
});

test('what is sent arrives whole with a FIN; a source that fails or ends early arrives as a reset', async (t) => {
  const outcome = async (client: Socket) => {
    let bytes = 0;
    client.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
    });
    return await new Promise<string>((resolve) => {
      client.once('end', () => resolve(`FIN after ${bytes}`));
      client.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? 'error'));
    });
  };
  const good = await pair(t);
  const heard = outcome(good.client);
  await send(Readable.from([Buffer.alloc(3 * MEGABYTE)]), good.server, calm());
  t.is(await heard, `FIN after ${3 * MEGABYTE}`);

  for (const ending of ['error', 'destroyed'] as const) {
    const bad = await pair(t);
    const reset = outcome(bad.client);
    const source = new Readable({ read: () => undefined });
    source.push(Buffer.alloc(MEGABYTE));
    const sending = send(source, bad.server, calm());
    await once(bad.client, 'readable').catch(() => undefined);
    source.destroy(ending === 'error' ? new RangeError('wrong bytes') : undefined);
    await t.throwsAsync(sending, { instanceOf: ending === 'error' ? RangeError : Error });
    t.is(await reset, 'ECONNRESET', ending);
  }
});

test('memory of a piece is given back after the client was sent it, and not when that failed', async (t) => {
  const { server, client } = await pair(t);
  let free: Buffer[] = [Buffer.alloc(MEGABYTE), Buffer.alloc(MEGABYTE), Buffer.alloc(MEGABYTE)];
  const given: number[] = [];
  const source = {
    async *[Symbol.asyncIterator]() {
      for (let round = 0; round < 40; round += 1) {
        while (free.length === 0) await nextTick();
        const piece = free.pop() as Buffer;
        yield piece.fill(round);
      }
    },
    destroy: () => undefined,
    giveBack(piece: Buffer) {
      given.push(piece[0] ?? -1);
      free.push(piece);
    },
  };
  let at = 0;
  let wrong = 0;
  client.on('data', (chunk: Buffer) => {
    for (let index = 0; index < chunk.length; index += 4096) {
      if (chunk[index] !== Math.floor((at + index) / MEGABYTE)) wrong += 1;
    }
    at += chunk.length;
  });
  await send(source, server, calm());
  await once(client, 'end');
  t.is(at, 40 * MEGABYTE);
  t.is(wrong, 0, 'nothing was overwritten on its way');
  t.deepEqual(given, [...Array(40).keys()]);

  const cut = await pair(t);
  given.length = 0;
  free = [Buffer.alloc(MEGABYTE), Buffer.alloc(MEGABYTE), Buffer.alloc(MEGABYTE)];
  cut.client.resetAndDestroy();
  await delay(20);
  await t.throwsAsync(send(source, cut.server, calm()), { instanceOf: DataConnectionLost });
  t.deepEqual(given, []);
});

test('a client that leaves ends the sending although the source never has another piece', async (t) => {
  const { server, client } = await pair(t);
  let destroyed = 0;
  const source = {
    async *[Symbol.asyncIterator]() {
      yield Buffer.from('x');
      await new Promise(() => undefined);
    },
    destroy: () => {
      destroyed += 1;
    },
  };
  const sending = send(source, server, calm());
  await once(client, 'readable');
  client.resetAndDestroy();
  server.resume();
  await t.throwsAsync(sending, { instanceOf: DataConnectionLost });
  t.is(destroyed, 1);
});
