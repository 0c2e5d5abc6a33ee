import { type ChildProcess, spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { openReplica } from '../../src/peers/ftp-replica.ts';
import { credentialsFor, loadOrMakeNetworkKey } from '../../src/peers/trust.ts';
import { PEER } from './with-storage-server.ts';

async function startServer(folder: string, port = 0): Promise<{ child: ChildProcess; port: number }> {
  const script = join(import.meta.dirname, 'server-process.ts');
  const child = spawn(process.execPath, ['--no-warnings', script, folder, String(port)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [said] = await once(child.stdout, 'data');
  return { child, port: Number(said) };
}

async function kill(child: ChildProcess): Promise<void> {
  const gone = once(child, 'exit');
  child.kill('SIGKILL');
  await gone;
}

test('calls and transfers under way when the server is killed are ReplicaUnreachable; after its restart all goes on', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'cloudroid-killed-'));
  const { child, port } = await startServer(folder);
  const key = await loadOrMakeNetworkKey(join(folder, 'network.key'));
  const replica = openReplica({
    endpoint: { host: '127.0.0.1', port },
    credentials: await credentialsFor(key, PEER),
  });
  const children = [child];
  try {
    const bytes = randomBytes(4 * 1024 * 1024);
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    const operation = { op: 'put' as const, path: '/kept', size: bytes.length, sha256 };
    const whole = await replica.openUpload('upload-before-kill', 0);
    whole.write(bytes);
    await whole.end();
    await replica.commit({ id: 'op-before-the-kill', operation, content: { staged: 'upload-before-kill' } });
    const { boot } = await replica.hello();

    const waiting = t.throwsAsync(replica.wait({ after: 0, seconds: 60 }), { name: 'ReplicaUnreachable' });
    const upload = await replica.openUpload('upload-during-kill', 0);
    upload.write(bytes);
    const failed = t.throwsAsync(upload.failed, { name: 'ReplicaUnreachable' });
    const download = await replica.readObject(sha256, 0);
    const read = t.throwsAsync(
      async () => {
        for await (const _chunk of download) if (child.exitCode === null) await kill(child);
      },
      { name: 'ReplicaUnreachable' },
    );
    await Promise.all([waiting, failed, read]);
    await t.throwsAsync(upload.end(), { name: 'ReplicaUnreachable' });
    await t.throwsAsync(replica.hello(), { name: 'ReplicaUnreachable' });

    children.push((await startServer(folder, port)).child);
    const again = await replica.hello();
    t.not(again.boot, boot);
    const chunks: Buffer[] = [];
    for await (const chunk of await replica.readObject(sha256, 0)) chunks.push(chunk);
    t.true(Buffer.concat(chunks).equals(bytes));
  } finally {
    replica.close();
    for (const each of children) if (each.exitCode === null && each.signalCode === null) await kill(each);
    await rm(folder, { recursive: true, force: true });
  }
});
