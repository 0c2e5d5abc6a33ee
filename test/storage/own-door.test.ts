/** A member's own processes ask their storage server through a Unix socket, and through TLS where there is none. */
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { ReplicaUnreachable } from '../../src/peers/replica-client-api.ts';
import { sha256Of } from './content-hash.ts';
import { operationId } from './opened-store.ts';
import { withStorageServer } from './with-storage-server.ts';

/** Nobody listens there: whatever gets an answer got it through the socket. */
const NOBODY = { host: '127.0.0.1', port: 1 };

function folderOf(t: ExecutionContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'cloudroid-door-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** What a raw client is answered, a line each, until the server closes or `lines` have come. */
async function dialogue(path: string, said: string, lines: number): Promise<string[]> {
  const socket = connect({ path });
  let heard = '';
  const over = Promise.withResolvers<void>();
  socket.setEncoding('utf8').on('data', (text: string) => {
    heard += text;
    if (heard.split('\n').length > lines) over.resolve();
  });
  socket.on('close', () => over.resolve()).on('error', () => over.resolve());
  socket.write(said);
  await over.promise;
  socket.destroy();
  return heard.split('\r\n').slice(0, lines);
}

test('commands go through the socket, which only its own user may open', async (t) => {
  const socketPath = join(folderOf(t), 'storage.sock');
  await withStorageServer(
    async (lab) => {
      t.is(statSync(socketPath).mode & 0o777, 0o600);
      const own = await lab.replica({ endpoint: NOBODY, socketPath });
      t.is((await own.hello()).member, 'odroid-a-x1y2');
      const content = { inline: Buffer.from('hello').toString('base64') };
      const operation = { op: 'put', path: '/f', size: 5, sha256: sha256Of('hello') } as const;
      await Promise.all(
        Array.from({ length: 20 }, (_, n) =>
          own.commit({ id: operationId(), operation: { ...operation, path: `/f${n}` }, content }),
        ),
      );
      const { entry, disk } = await own.record({ path: '/f7', local: true });
      t.is(entry?.size, 5);
      t.truthy(disk, 'it counts as one of the own processes');
      const gone = { id: operationId(), operation: { op: 'delete', path: '/nothing' } } as const;
      const error = await t.throwsAsync(own.commit(gone));
      t.is(error?.name, 'Refusal', 'refusals come as refusals, and the connection lives on');
      t.is((await own.record({ path: '/f8' })).entry?.size, 5);
    },
    { socketPath },
  );
});

test('what needs a data connection, and what is no command, is refused there', async (t) => {
  const socketPath = join(folderOf(t), 'storage.sock');
  await withStorageServer(
    async () => {
      const said =
        'EPSV\r\nRETR /changes/0\r\nSTOR /staging/12345678\r\nUSER guest\r\nSITE NONSENSE\r\nconstructor\r\n';
      const codes = (await dialogue(socketPath, said, 6)).map((line) => line.slice(0, 3));
      t.deepEqual(codes, ['502', '502', '502', '502', '502', '502']);
      const [long] = await dialogue(socketPath, `SITE RECORD ${'x'.repeat(200_000)}\r\n`, 1);
      t.is(long?.slice(0, 3), '500');
    },
    { socketPath },
  );
});

test('without a socket, and with one that nobody serves, the commands go through TLS', async (t) => {
  const folder = folderOf(t);
  const socketPath = join(folder, 'storage.sock');
  await withStorageServer(async (lab) => {
    const own = await lab.replica({ socketPath });
    t.is((await own.hello()).member, 'odroid-a-x1y2');
    // What a storage server that was killed leaves behind refuses connections just so.
    writeFileSync(socketPath, '');
    t.is((await own.hello()).member, 'odroid-a-x1y2');
  });
  await withStorageServer(
    async (lab) => {
      const own = await lab.replica({ endpoint: NOBODY, socketPath });
      t.is((await own.hello()).member, 'odroid-a-x1y2', 'what was left there is replaced at the start');
    },
    { socketPath },
  );
});

test('a folder that cannot hold a socket is no reason not to start', async (t) => {
  const socketPath = join(folderOf(t), 'x'.repeat(120));
  await withStorageServer(
    async (lab) => {
      const own = await lab.replica({ socketPath });
      t.is((await own.hello()).member, 'odroid-a-x1y2');
    },
    { socketPath },
  );
});

test('a server that stops, says garbage or nothing at all ends what is asked', async (t) => {
  const socketPath = join(folderOf(t), 'storage.sock');
  let serve: (socket: Socket) => void = (socket) => socket.destroy();
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.once('data', () => serve(socket));
  }).listen({ path: socketPath });
  await new Promise((resolve) => server.once('listening', resolve));
  await withStorageServer(async (lab) => {
    const ask = async (): Promise<void> => {
      const own = await lab.replica({ endpoint: NOBODY, socketPath, silenceMs: 200 });
      await t.throwsAsync(own.hello(), { instanceOf: ReplicaUnreachable });
    };
    await ask();
    serve = (socket) => socket.end();
    await ask();
    serve = (socket) => socket.write('hello\r\n');
    await ask();
    serve = (socket) => socket.write('200 {}\r\n');
    await ask();
    serve = (socket) => socket.write('x'.repeat(2_000_000));
    await ask();
    serve = () => undefined;
    await ask();
  });
  server.close();
});
