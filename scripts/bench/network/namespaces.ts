/**
 * A small house: each member in a network namespace of its own on one switch (a bridge, in a namespace too, so that nothing of
 * this machine's own network is touched), its cable as slow as asked for in both directions; the client's
 * cable is free unless asked otherwise.
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import type { Place } from '../contestants/cloudroid.ts';
import { Skipped } from '../contestants/contestant.ts';

const PREFIX = 'clb';
/** What a cheap switch or a board's card holds back before it drops. */
const QUEUE = '512kb';

export function ip(...args: readonly string[]): void {
  const { status, stderr, error } = spawnSync('ip', args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`ip ${args.join(' ')}: ${(error?.message ?? stderr).trim()}`);
}

function tc(namespace: string, ...args: readonly string[]): void {
  const { status, stderr } = spawnSync('tc', ['-n', namespace, ...args], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`tc ${args.join(' ')}: ${stderr.trim()}`);
}

/** All that leaves `device` leaves at this pace. */
function slow(namespace: string, device: string, megabits: number): void {
  const rate = `${megabits}mbit`;
  tc(namespace, 'qdisc', 'add', 'dev', device, 'root', 'handle', '1:', 'htb', 'default', '1');
  const pace = ['rate', rate, 'ceil', rate, 'burst', '64k', 'cburst', '64k', 'quantum', '60000'];
  tc(namespace, 'class', 'add', 'dev', device, 'parent', '1:', 'classid', '1:1', 'htb', ...pace);
  tc(namespace, 'qdisc', 'add', 'dev', device, 'parent', '1:1', 'handle', '10:', 'bfifo', 'limit', QUEUE);
}

export interface House {
  readonly members: readonly Place[];
  readonly clientPrefix: readonly string[];
  readonly close: () => void;
}

export function whyNoNamespaces(): string | null {
  if (process.getuid?.() !== 0) return 'needs root';
  for (const program of ['ip', 'tc', 'nsenter', 'unshare'])
    if (spawnSync('sh', ['-c', `command -v ${program}`]).status !== 0) return `needs ${program}`;
  return null;
}

/** Throws Skipped where namespaces or their queues cannot be made. */
export function openHouse(count: number, megabits: number, clientMegabits: number): House {
  const own = `${PREFIX}${process.pid}`;
  const hub = `${own}hub`;
  const made: string[] = [];
  const close = () => {
    for (const name of made.splice(0)) spawnSync('ip', ['netns', 'del', name]);
  };
  const add = (name: string) => {
    ip('netns', 'add', name);
    made.push(name);
    ip('-n', name, 'link', 'set', 'lo', 'up');
  };
  const enter = (name: string) => ['nsenter', `--net=/run/netns/${name}`];
  const plugIn = (name: string, port: string, address: string): void => {
    add(name);
    ip('-n', hub, 'link', 'add', port, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', name);
    ip('-n', hub, 'link', 'set', port, 'master', 'switch', 'up');
    ip('-n', name, 'addr', 'add', `${address}/24`, 'dev', 'eth0');
    ip('-n', name, 'link', 'set', 'eth0', 'up');
  };
  try {
    add(hub);
    ip('-n', hub, 'link', 'add', 'switch', 'type', 'bridge');
    ip('-n', hub, 'link', 'set', 'switch', 'up');
    const members = Array.from({ length: count }, (_, index): Place => {
      const [name, port, host] = [`${own}m${index + 1}`, `m${index + 1}`, `10.77.0.${index + 1}`];
      plugIn(name, port, host);
      slow(name, 'eth0', megabits);
      slow(hub, port, megabits);
      return { host, prefix: enter(name) };
    });
    plugIn(`${own}client`, 'client', '10.77.0.250');
    slow(`${own}client`, 'eth0', clientMegabits);
    slow(hub, 'client', clientMegabits);
    return { members, clientPrefix: enter(`${own}client`), close };
  } catch (error) {
    close();
    throw new Skipped(error instanceof Error ? error.message : String(error));
  }
}

/** Those of a benchmark that was killed: its number is in the name. */
export function removeDeadNamespaces(): void {
  const { stdout } = spawnSync('ip', ['netns', 'list'], { encoding: 'utf8' });
  for (const [, name = '', owner] of (stdout ?? '').matchAll(
    new RegExp(`^(${PREFIX}(\\d+)(?:hub|client|m\\d+))\\b`, 'gm'),
  ))
    if (!existsSync(`/proc/${owner}`)) spawnSync('ip', ['netns', 'del', name]);
}
