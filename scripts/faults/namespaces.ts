/**
 * Each member in a network namespace of its own: a cable to the clients, and a cable to each other member. A direction is cut
 * by sending its packets to a hardware address that nobody has: they vanish without a word, as in a broken cable, and the other
 * direction stays as it was.
 */
import { spawnSync } from 'node:child_process';
import { randomInt } from 'node:crypto';
import type { Place } from '../../test/network/with-network.ts';

const FIRST_PORT = 20_000;
const NOWHERE = '02:de:ad:00:00:00';

interface End {
  readonly namespace: string;
  readonly device: string;
  /** The other end. */
  readonly neighbour: string;
  readonly hardware: string;
}

function ip(...args: readonly string[]): void {
  const { status, stderr } = spawnSync('ip', args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`ip ${args.join(' ')}: ${stderr.trim()}`);
}

export class Namespaces {
  readonly places: readonly Place[];
  readonly #names: readonly string[];
  readonly #ends = new Map<string, End>();

  private constructor(names: readonly string[], places: readonly Place[]) {
    this.#names = names;
    this.places = places;
  }

  /** Throws where namespaces cannot be made (no root, no `ip`). */
  static open(members: readonly string[]): Namespaces {
    const id = randomInt(0x1000, 0xffff).toString(16);
    const net = `10.${randomInt(64, 250)}`;
    const names = members.map((member) => `cr${id}${member}`);
    const host = (index: number): string => `${net}.${index + 1}.2`;
    const places = names.map((name, index) => ({
      host: host(index),
      firstPort: FIRST_PORT,
      prefix: ['nsenter', `--net=/run/netns/${name}`],
    }));
    const opened = new Namespaces(names, places);
    try {
      for (const [index, name] of names.entries()) {
        ip('netns', 'add', name);
        ip('-n', name, 'link', 'set', 'lo', 'up');
        const [near, far] = [`${name}-x`, 'clients'];
        ip('link', 'add', near, 'type', 'veth', 'peer', 'name', far, 'netns', name);
        ip('addr', 'add', `${net}.${index + 1}.1/30`, 'dev', near);
        ip('link', 'set', near, 'up');
        ip('-n', name, 'addr', 'add', `${host(index)}/30`, 'dev', far);
        ip('-n', name, 'link', 'set', far, 'up');
      }
      for (const [i, one] of members.entries()) {
        for (const [j, other] of members.entries()) if (i < j) opened.#lay(net, [i, one], [j, other], host);
      }
    } catch (error) {
      opened.close();
      throw error;
    }
    return opened;
  }

  cut(from: string, to: string): void {
    this.#point(from, to, NOWHERE);
  }

  mend(from: string, to: string): void {
    this.#point(from, to, this.#end(from, to).hardware);
  }

  /** What is left in them must have ended before. */
  close(): void {
    for (const name of this.#names) {
      spawnSync('ip', ['link', 'del', `${name}-x`]);
      spawnSync('ip', ['netns', 'del', name]);
    }
  }

  #lay(
    net: string,
    [i, one]: readonly [number, string],
    [j, other]: readonly [number, string],
    host: (index: number) => string,
  ): void {
    const cable = `${net}.${100 + i * 10 + j}`;
    const sides = [
      { member: one, index: i, address: `${cable}.1`, hardware: `02:00:00:00:${i}0:${j}1` },
      { member: other, index: j, address: `${cable}.2`, hardware: `02:00:00:00:${i}0:${j}2` },
    ] as const;
    const [a, b] = sides;
    const [nameA = '', nameB = ''] = [this.#names[i], this.#names[j]];
    ip(
      '-n',
      nameA,
      'link',
      'add',
      `to-${other}`,
      'type',
      'veth',
      'peer',
      'name',
      `to-${one}`,
      'netns',
      nameB,
    );
    for (const [near, far, name] of [
      [a, b, nameA],
      [b, a, nameB],
    ] as const) {
      const device = `to-${far.member}`;
      ip('-n', name, 'link', 'set', device, 'address', near.hardware);
      ip('-n', name, 'addr', 'add', `${near.address}/30`, 'dev', device);
      ip('-n', name, 'link', 'set', device, 'up');
      ip(
        '-n',
        name,
        'route',
        'add',
        host(far.index),
        'via',
        far.address,
        'dev',
        device,
        'src',
        host(near.index),
      );
      const end = { namespace: name, device, neighbour: far.address, hardware: far.hardware };
      this.#ends.set(`${near.member}>${far.member}`, end);
      this.mend(near.member, far.member);
    }
  }

  #end(from: string, to: string): End {
    const end = this.#ends.get(`${from}>${to}`);
    if (end === undefined) throw new Error(`no cable from ${from} to ${to}`);
    return end;
  }

  #point(from: string, to: string, hardware: string): void {
    const { namespace, device, neighbour } = this.#end(from, to);
    const entry = [neighbour, 'lladdr', hardware, 'dev', device, 'nud', 'permanent'];
    ip('-n', namespace, 'neigh', 'replace', ...entry);
  }
}
