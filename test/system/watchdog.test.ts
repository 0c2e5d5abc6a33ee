import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { greetingOf } from '../../src/proxy/greets.ts';

const HEARD = `
import os, socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
print('listening', flush=True)
while True:
    message, ancillary, _, _ = s.recvmsg(4096, 1024)
    for _, _, fd in [(l, k, int.from_bytes(d[:4], 'little')) for l, k, d in ancillary if k == socket.SCM_RIGHTS]:
        os.close(fd)
    print(message.decode().replace(chr(10), ' '), flush=True)
`;

/** Stands where systemd stands; null, said aloud, without python3 or systemd-notify. Collects what it is told. */
async function serviceManager(
  t: ExecutionContext,
  folder: string,
): Promise<{ socket: string; heard: string[] } | null> {
  const socket = join(folder, 'notify');
  const child = spawn(
    'sh',
    ['-c', 'command -v systemd-notify >/dev/null && exec python3 -c "$0" "$1"', HEARD, socket],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  t.teardown(() => child.kill('SIGKILL'));
  const heard: string[] = [];
  const ready = Promise.withResolvers<boolean>();
  child.stdout.on('data', (chunk) => {
    heard.push(...String(chunk).trim().split('\n'));
    ready.resolve(true);
  });
  child.once('close', () => ready.resolve(false));
  if (await ready.promise) return { socket, heard };
  t.log('skipped: python3 or systemd-notify is missing here');
  return null;
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await sleep(20);
}

const PORTS = ['--listen', '127.0.0.1:16010', '--storage-listen', '127.0.0.1:16011'];

test('each role tells systemd that it is ready, then pings as long as it serves, and says when it stops', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'cloudroid-watchdog-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  const manager = await serviceManager(t, folder);
  if (manager === null) {
    t.pass();
    return;
  }
  const { socket, heard } = manager;
  const main = join(import.meta.dirname, '../../src/main.ts');
  for (const role of ['ftp', 'proxy', 'sweep']) {
    heard.length = 0;
    const child = spawn(process.execPath, [main, role, '--data', folder, ...PORTS], {
      stdio: ['ignore', 'ignore', 'ignore'],
      env: { ...process.env, NOTIFY_SOCKET: socket, WATCHDOG_USEC: '600000' },
    });
    t.teardown(() => child.kill('SIGKILL'));
    const said = (what: string) => heard.filter((line) => line.includes(what)).length;
    await until(() => said('READY=1') === 1 && said('WATCHDOG=1') >= 3);
    if (role === 'ftp') continue; // the others need it
    child.kill('SIGTERM');
    await once(child, 'close');
    await until(() => said('STOPPING=1') === 1);
  }
  t.pass();
});

test('a gateway that takes connections and says nothing does not serve', async (t) => {
  const silent = createServer().listen(0, '127.0.0.1');
  t.teardown(() => silent.close());
  await once(silent, 'listening');
  const address = silent.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  await t.throwsAsync(greetingOf({ host: '127.0.0.1', port }, 200), { message: /no greeting within/ });
});

test('a full house serves, a program that is no gateway does not', async (t) => {
  const greet = async (line: string): Promise<string> => {
    const server = createServer((socket) => socket.end(line)).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    return await greetingOf({ host: '127.0.0.1', port }, 2000).finally(() => server.close());
  };
  t.is(await greet('421 Too many clients; try again later.\r\n'), '421 Too many clients; try again later.');
  await t.throwsAsync(greet('HTTP/1.1 400 Bad Request\r\n'), { message: /the greeting is "HTTP/ });
  await t.throwsAsync(greet(''), { message: /closed before a greeting/ });
});
