import { createServer } from 'node:net';
import test from 'ava';
import { CommandError } from '../../src/system/exit-status.ts';
import { assertCanListen, formatEndpoint } from '../../src/system/port-in-use.ts';

async function busyPort(host: string) {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return { port, close: () => server.close() };
}

test('a busy port is refused with another one to choose', async (t) => {
  const { port, close } = await busyPort('127.0.0.31');
  t.teardown(close);
  const error = await t.throwsAsync(assertCanListen({ host: '127.0.0.31', port }, 'listen'), {
    instanceOf: CommandError,
  });
  t.is(error?.status, 69);
  t.regex(
    error?.message ?? '',
    new RegExp(`^Port ${port} is in use\\. .* --listen 127\\.0\\.0\\.31:${port + 10}$`),
  );
});

test('a port that another program has on one address is busy for every address', async (t) => {
  const { port, close } = await busyPort('127.0.0.31');
  t.teardown(close);
  await t.throwsAsync(assertCanListen({ host: '0.0.0.0', port }, 'listen'), { message: /is in use/ });
});

test('an address of another machine is refused by name, a free port is not', async (t) => {
  const { port, close } = await busyPort('127.0.0.31');
  close();
  const error = await t.throwsAsync(assertCanListen({ host: '192.0.2.1', port }, 'storage-listen'), {
    instanceOf: CommandError,
    message: /192\.0\.2\.1 is not an address of this machine.*--storage-listen/,
  });
  t.is(error?.status, 78);
  await t.notThrowsAsync(assertCanListen({ host: '127.0.0.31', port }, 'listen'));
});

test('IPv6 addresses are written in brackets', (t) => {
  t.is(formatEndpoint({ host: '::1', port: 6000 }), '[::1]:6000');
  t.is(formatEndpoint({ host: 'odroid-b', port: 6000 }), 'odroid-b:6000');
});
