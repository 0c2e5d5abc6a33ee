/** Time zone, time servers, and who may log in by ssh. */
import { lstatSync, mkdirSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { dirname } from 'node:path';
import { Unfit } from '../config/setting-checks.ts';
import type { Machine } from './machine.ts';
import type { Places } from './places.ts';
import { flushFolder, removeFile, replaceFile } from './replace-file.ts';

/** Throws Unfit. A link, as tzset(3) and timedatectl have it; no bus is needed. */
export function takeTimezone(places: Places, zone: string): void {
  const target = `/usr/share/zoneinfo/${zone}`;
  const stat = lstatSync(places.at(target), { throwIfNoEntry: false });
  if (stat === undefined || stat.isDirectory()) {
    throw new Unfit('the name of a time zone that this board knows, such as Europe/Berlin or UTC');
  }
  const link = places.at('/etc/localtime');
  rmSync(`${link}.new`, { force: true });
  mkdirSync(dirname(link), { recursive: true });
  symlinkSync(`..${target}`, `${link}.new`);
  renameSync(`${link}.new`, link);
  flushFolder(dirname(link));
  if (places.has('/etc/timezone')) replaceFile(places.at('/etc/timezone'), `${zone}\n`, { mode: 0o644 });
}

export async function takeTimeServers(places: Places, machine: Machine, servers: string): Promise<void> {
  const file = places.at('/etc/systemd/timesyncd.conf.d/50-cloudroid-txt.conf');
  if (servers === '') removeFile(file);
  else replaceFile(file, `# From cloudroid.txt.\n[Time]\nNTP=${servers}\n`, { mode: 0o644 });
  // It runs already; another program may keep the time instead.
  await machine.run('systemctl', ['try-restart', '--no-block', 'systemd-timesyncd.service']);
}

const MARK = '# from cloudroid.txt';

/** Keys of root, each on a line of its own below a mark; others in the file stay. */
export function takeSshKeys(places: Places, keys: string): void {
  const file = '/root/.ssh/authorized_keys';
  const kept: string[] = [];
  let ours = false;
  for (const line of (places.read(file) ?? '').split('\n')) {
    if (line !== MARK && !ours && line !== '') kept.push(line);
    ours = line === MARK;
  }
  const added = keys.split('\n').filter((key) => key !== '');
  const lines = [...kept, ...added.flatMap((key) => [MARK, key])];
  mkdirSync(places.at('/root/.ssh'), { recursive: true, mode: 0o700 });
  replaceFile(places.at(file), lines.map((line) => `${line}\n`).join(''), { mode: 0o600 });
}
