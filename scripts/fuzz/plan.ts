/** What a fuzzed session will do, worked out from its seed alone: the same for the same seed, however the members behave. */
import { Random } from '../../test/simulation/random.ts';
import { goodLine, path, TRANSFERS, words } from './lines.ts';

export type DataBehaviour =
  | 'prompt'
  | 'early'
  | 'late'
  | 'never'
  | 'reset'
  | 'half'
  | 'slow'
  | 'twice'
  | 'stranger'
  | 'abort'
  | 'active'
  | 'active-refuses'
  | 'active-resets';

export type Step =
  | { readonly kind: 'log in' }
  /** In pieces that end at `cuts`. */
  | { readonly kind: 'say'; readonly bytes: Buffer; readonly cuts: readonly number[]; readonly lines: number }
  | {
      readonly kind: 'transfer';
      readonly before: string;
      readonly line: string;
      readonly bytes: Buffer;
      readonly behaviour: DataBehaviour;
    }
  /** AUTH TLS and then `bytes` instead of a handshake; none: a real handshake, cut off after `after` bytes of it if not 0. */
  | { readonly kind: 'tls'; readonly bytes: Buffer | null; readonly after: number }
  | { readonly kind: 'wait'; readonly ms: number }
  /** Stops hearing for so long. */
  | { readonly kind: 'deaf'; readonly ms: number };

export type Leaving = 'quit' | 'end' | 'reset' | 'destroy';

/** How the session begins: in plain text, with AUTH TLS and PROT P, or on the port for implicit TLS. */
export type Way = 'plain' | 'explicit' | 'implicit';

export interface Plan {
  readonly index: number;
  readonly way: Way;
  readonly steps: readonly Step[];
  readonly leaving: Leaving;
}

const BEHAVIOURS = {
  prompt: 8,
  early: 4,
  late: 3,
  never: 1,
  reset: 3,
  half: 2,
  slow: 2,
  twice: 2,
  stranger: 2,
  abort: 3,
  active: 3,
  'active-refuses': 1,
  'active-resets': 1,
} as const;

export function planOf(seed: number, index: number): Plan {
  const random = new Random(0);
  random.begin(seed, index);
  const way = random.weighted({ plain: 7, explicit: 2, implicit: 1 });
  const steps: Step[] = way === 'explicit' ? [{ kind: 'tls', bytes: null, after: 0 }] : [];
  if (random.chance(0.9)) steps.push({ kind: 'log in' });
  if (way === 'explicit' && random.chance(0.9)) steps.push(say(Buffer.from('PBSZ 0\r\nPROT P\r\n'), [], 2));
  if (random.chance(0.5)) steps.push(say(Buffer.from('MKD /fz\r\nMKD /fz/d\r\nCWD /fz\r\n'), [], 3));
  for (let count = 3 + random.below(12); count > 0; count -= 1) steps.push(step(random));
  return { index, way, steps, leaving: random.weighted({ quit: 3, end: 2, reset: 2, destroy: 3 }) };
}

function say(bytes: Buffer, cuts: readonly number[], lines: number): Step {
  return { kind: 'say', bytes, cuts, lines };
}

function step(random: Random): Step {
  switch (random.weighted({ say: 60, transfer: 28, login: 3, tls: 3, wait: 3, deaf: 3 })) {
    case 'say': {
      const { bytes, lines } = words(random);
      const cuts = random.chance(0.3)
        ? Array.from({ length: 1 + random.below(6) }, () => random.below(bytes.length + 1)).sort(
            (a, b) => a - b,
          )
        : [];
      return say(bytes, cuts, lines);
    }
    case 'transfer': {
      const name = random.pick(TRANSFERS);
      const size = random.weighted({ none: 1, little: 6, much: 2 });
      const length = size === 'none' ? 0 : random.below(size === 'little' ? 2000 : 400_000);
      return {
        kind: 'transfer',
        before: random.chance(0.2)
          ? goodLine(random, random.pick(['REST', 'ALLO', 'TYPE', 'EPSV', 'RNFR']))
          : '',
        line: random.chance(0.9) ? `${name} ${path(random)}` : goodLine(random, name),
        bytes: Buffer.alloc(length, random.below(256)),
        behaviour: random.weighted(BEHAVIOURS),
      };
    }
    case 'login':
      return { kind: 'log in' };
    case 'tls': {
      const noise = Buffer.from(Array.from({ length: random.below(600) }, () => random.below(256)));
      const hello = Buffer.concat([Buffer.from([22, 3, 1, 0, random.below(256)]), noise]);
      return {
        kind: 'tls',
        bytes: random.pick([null, noise, hello, Buffer.from('USER guest\r\nPASS guest\r\n')]),
        after: random.below(400),
      };
    }
    case 'wait':
      return { kind: 'wait', ms: random.below(200) };
    case 'deaf':
      return { kind: 'deaf', ms: random.below(300) };
  }
}
