/** A gateway of its own for one test: port 0, a temp folder, everything gone afterwards. */
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { type Account, formatAccount } from '../../src/accounts/account.ts';
import { hashPassword } from '../../src/accounts/password-hash.ts';
import { gatewayDefaults } from '../../src/config/settings-table.ts';
import type { ProxyLimits, ProxyOptions } from '../../src/proxy/options.ts';
import { type Proxy as Gateway, startProxy } from '../../src/proxy/proxy-server.ts';
import type { Logger } from '../../src/system/logger-api.ts';
import { DirectoryReplicas } from './directory-replicas.ts';
import { RawClient } from './raw-client.ts';

export interface LogLine {
  readonly level: string;
  readonly message: string;
  readonly details: { readonly [key: string]: unknown };
}

export interface Bench {
  readonly proxy: Gateway;
  readonly port: number;
  readonly replicas: DirectoryReplicas;
  readonly log: readonly LogLine[];
  login(user?: string, password?: string): Promise<RawClient>;
  /** Makes an account, or changes it. */
  addUser(name: string, password: string | null, more?: Partial<Account>): Promise<void>;
  connect(options?: { readonly localAddress?: string }): Promise<RawClient>;
  /** Content on the disk; null when there is no such file. */
  stored(name: string): Promise<string | null>;
  put(name: string, content: string | Uint8Array): Promise<void>;
  names(): Promise<string[]>;
}

export type BenchOptions = Partial<Omit<ProxyOptions, 'limits'>> & { readonly limits?: Partial<ProxyLimits> };

export async function withProxy(t: ExecutionContext, options: BenchOptions = {}): Promise<Bench> {
  const folder = await mkdtemp(join(tmpdir(), 'cloudroid-proxy-'));
  const replicas = await DirectoryReplicas.create(folder);
  const log: LogLine[] = [];
  const clients: RawClient[] = [];
  const proxy = await startProxy({
    ...gatewayDefaults,
    listen: { host: '127.0.0.1', port: 0 },
    passivePorts: { from: 0, to: 0 },
    replicas,
    logger: collector(log, {}),
    name: 'odroid-a',
    maxSessions: 50,
    maxSessionsPerAddress: 50,
    idleTimeoutSeconds: 300,
    ...options,
    limits: { loginDelayMs: 1, ...options.limits },
  });
  t.teardown(async () => {
    for (const client of clients) client.destroy();
    await proxy.close(0);
    await rm(folder, { recursive: true });
  });
  const { port } = proxy.endpoint;
  const kept = async (client: Promise<RawClient>) => {
    clients.push(await client);
    return await client;
  };
  return {
    proxy,
    port,
    replicas,
    log,
    login: (user = 'guest', password = 'guest') => kept(RawClient.loggedIn(port, { user, password })),
    addUser: async (name, password, more = {}) => {
      const account: Account = {
        name,
        password: password === null ? null : await hashPassword(password),
        home: '/',
        rights: 'full',
        quotaBytes: null,
        changedAt: 0,
        ...more,
      };
      await replicas.setAccount(name, formatAccount(account));
    },
    connect: (more) => kept(RawClient.connect(port, more)),
    stored: (name) => readFile(join(replicas.files, name), 'utf8').catch(() => null),
    put: (name, content) => writeFile(join(replicas.files, name), content),
    names: async () => (await readdir(replicas.files)).sort(),
  };
}

export function collector(log: LogLine[], more: object): Logger {
  const at =
    (level: string) =>
    (message: string, details: object = {}) => {
      log.push({ level, message, details: { ...more, ...details } });
    };
  return {
    error: at('error'),
    warn: at('warn'),
    info: at('info'),
    debug: at('debug'),
    with: (details) => collector(log, { ...more, ...details }),
  };
}

/** Waits until it is so; the test's own time limit ends a wait in vain. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 5));
}
