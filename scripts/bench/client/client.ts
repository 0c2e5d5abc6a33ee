/** The one client program of the benchmark: `node client.ts JOB`. Its own start is not in the time it tells. */
import { closeSync, fsyncSync, mkdirSync, openSync, readSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { Done, Job, Target } from './job.ts';
import { block, FtpSession } from './session.ts';

const open = (target: Target, binary = true): Promise<FtpSession> => {
  if (!('ftp' in target)) throw new Error('only FTP has sessions');
  return FtpSession.open(target.ftp.host, target.ftp.port, target.ftp.login, binary);
};

const smallName = (index: number): string => `f${String(index).padStart(6, '0')}`;

async function clocked(work: () => Promise<void> | void): Promise<Done> {
  const begin = process.hrtime.bigint();
  await work();
  return { begin: String(begin), end: String(process.hrtime.bigint()) };
}

function expectBytes(got: number, wanted: number, what: string): void {
  if (got !== wanted) throw new Error(`${what}: ${got} bytes instead of ${wanted}`);
}

function storeInFolder(file: string, bytes: number, flush: boolean): void {
  const descriptor = openSync(file, 'w');
  for (let left = bytes; left > 0; ) left -= writeSync(descriptor, block, 0, Math.min(left, block.length));
  if (flush) fsyncSync(descriptor);
  closeSync(descriptor);
}

function retrieveFromFolder(file: string): number {
  const [descriptor, buffer] = [openSync(file, 'r'), Buffer.alloc(1 << 20)];
  let bytes = 0;
  for (let read = -1; read !== 0; bytes += read) read = readSync(descriptor, buffer);
  closeSync(descriptor);
  return bytes;
}

async function big(job: Extract<Job, { do: 'store big' | 'retrieve big' }>): Promise<Done> {
  const { target, path, bytes } = job;
  const stores = job.do === 'store big';
  if ('folder' in target) {
    const file = join(target.folder, path);
    return await clocked(() =>
      stores ? storeInFolder(file, bytes, true) : expectBytes(retrieveFromFolder(file), bytes, file),
    );
  }
  const session = await open(target);
  const done = await clocked(async () => {
    if (stores) await session.storeBig(path, bytes);
    else expectBytes(await session.retrieveBig(`RETR ${path}`), bytes, path);
  });
  await session.close();
  return done;
}

async function small(job: Extract<Job, { do: 'store small' | 'retrieve small' }>): Promise<Done> {
  const { target, folder, count, bytes, sessions } = job;
  const names = Array.from({ length: count }, (_, index) => folder + smallName(index));
  const stores = job.do === 'store small';
  const content = block.subarray(0, bytes);
  if ('folder' in target) {
    return await clocked(() => {
      for (const name of names) {
        const file = join(target.folder, name);
        if (stores) storeInFolder(file, bytes, false);
        else expectBytes(retrieveFromFolder(file), bytes, file);
      }
    });
  }
  const opened = await Promise.all(Array.from({ length: sessions }, () => open(target)));
  const queue = names.values();
  const done = await clocked(async () => {
    await Promise.all(
      opened.map(async (session) => {
        for (const name of queue) {
          if (stores) await session.store(name, content);
          else expectBytes(await session.retrieve(name), bytes, name);
        }
      }),
    );
  });
  for (const session of opened) await session.close();
  return done;
}

async function perform(job: Job): Promise<Done> {
  switch (job.do) {
    case 'store big':
    case 'retrieve big':
      return await big(job);
    case 'store small':
    case 'retrieve small':
      return await small(job);
    case 'make folder': {
      if ('folder' in job.target) mkdirSync(join(job.target.folder, job.folder));
      else {
        const session = await open(job.target);
        await session.ask(`MKD ${job.folder}`, 257);
        await session.close();
      }
      return await clocked(() => undefined);
    }
    case 'list': {
      const session = await open(job.target);
      const done = await clocked(async () => {
        const bytes = await session.retrieveBig(job.command);
        if (bytes < job.atLeast) throw new Error(`${job.command}: only ${bytes} bytes`);
      });
      await session.close();
      return done;
    }
    case 'log in':
      return await clocked(async () => {
        for (let n = 0; n < job.count; n += 1) {
          const session = await open(job.target, false);
          await session.ask('PWD', 257);
          await session.close();
        }
      });
    case 'noop': {
      const session = await open(job.target);
      const done = await clocked(async () => {
        for (let n = 0; n < job.count; n += 1) await session.ask('NOOP', 200);
      });
      await session.close();
      return done;
    }
  }
}

console.log(JSON.stringify(await perform(JSON.parse(process.argv[2] ?? '') as Job)));
