/** Is the member well? The processes run, port 6000 greets, and a file goes in and comes out through it. */
import { randomBytes } from 'node:crypto';
import { PassThrough, Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'basic-ftp';
import { formatAccount } from '../../accounts/account.ts';
import { hashPassword } from '../../accounts/password-hash.ts';
import type { Settings } from '../../config/settings-api.ts';
import { greetingOf } from '../../proxy/greets.ts';
import { changeAccount, readAccounts } from '../change-account.ts';
import { reachable } from '../running-member.ts';
import { machineSays } from './machine-says.ts';

export const UNITS = ['cloudroid-ftp.service', 'cloudroid-proxy.service', 'cloudroid-sweep.service'];
const STEP_MS = 2000;

/** Resolves when all is well within `withinMs`; else rejects with the last thing that was wrong. */
export async function becomesWell(settings: Settings, withinMs: number): Promise<void> {
  const until = performance.now() + withinMs;
  for (;;) {
    try {
      await isWell(settings);
      return;
    } catch (error) {
      if (performance.now() > until) throw error;
      await sleep(STEP_MS);
    }
  }
}

async function isWell(settings: Settings): Promise<void> {
  await machineSays('systemctl', ['is-active', ...UNITS]).catch(() => {
    throw new Error('not all of the three services run (systemctl status "cloudroid-*")');
  });
  const line = await greetingOf(reachable(settings.listen));
  if (!line.startsWith('220')) throw new Error(`port ${settings.listen.port} answers: ${line}`);
  await fileGoesInAndOut(settings);
}

/**
 * Without accounts as guest; the first account would end that everywhere. Else as a user made for this and removed afterwards.
 * In a folder of its own, which goes whatever happens.
 */
async function fileGoesInAndOut(settings: Settings): Promise<void> {
  const { digest } = await readAccounts(settings);
  const name = `update-check-${randomBytes(6).toString('hex')}`;
  if (digest === '') {
    await transfer(settings, 'guest', 'guest', `/${name}`);
    return;
  }
  const password = randomBytes(18).toString('base64url');
  const account = {
    name,
    password: await hashPassword(password),
    home: '/',
    rights: 'full' as const,
    quotaBytes: null,
    changedAt: Date.now(),
  };
  await changeAccount(settings, name, formatAccount(account), null);
  try {
    await transfer(settings, name, password, `/${name}`);
  } finally {
    await changeAccount(settings, name, null);
  }
}

/** Over TLS, which every gateway speaks; its certificate is its own. */
async function transfer(settings: Settings, user: string, password: string, folder: string): Promise<void> {
  const { host, port } = reachable(settings.listen);
  const client = new Client(15_000);
  const path = `${folder}/check.bin`;
  try {
    await client.access({
      host,
      port,
      user,
      password,
      secure: true,
      secureOptions: { rejectUnauthorized: false },
    });
    const sent = randomBytes(65_536);
    await client.send(`MKD ${folder}`);
    try {
      await client.uploadFrom(Readable.from([sent]), path);
      const back = new PassThrough();
      const [received] = await Promise.all([buffer(back), client.downloadTo(back, path)]);
      if (!received.equals(sent)) throw new Error('a file came back changed');
    } finally {
      await client.send(`DELE ${path}`).catch(() => undefined);
      await client.send(`RMD ${folder}`).catch(() => undefined);
    }
  } finally {
    client.close();
  }
}
