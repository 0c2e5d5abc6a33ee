/** One run: a network, clients at work, the fault, healing, the checks. Everything is stopped and removed at the end. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { Member } from '../../test/network/member.ts';
import { Network } from '../../test/network/with-network.ts';
import { Random } from '../../test/simulation/random.ts';
import { Causality } from './causality.ts';
import type { Fault, Scale, Scene } from './fault.ts';
import { Journal } from './journal.ts';
import { Links } from './links.ts';
import { LoopVolume } from './loop-volume.ts';
import { Namespaces } from './namespaces.ts';
import { becomeTheSame, filesOf, recordsBehind, sweepAgain, sweepAll } from './settled.ts';
import { judge } from './verdict.ts';
import { Client, prepare } from './workload.ts';

export interface RunResult {
  readonly fault: string;
  readonly seed: number;
  /** kept: no promise broken. lacking: none broken, but the program does not do yet what this is about. */
  readonly outcome: 'kept' | 'broken' | 'lacking' | 'skipped';
  readonly operations: number;
  readonly acknowledged: number;
  readonly reads: number;
  readonly refused: number;
  readonly unknown: number;
  /** Acknowledged by one member alone. */
  readonly onlyHere: number;
  readonly violations: readonly string[];
  /** What is lacking, or why it was skipped. */
  readonly reasons: readonly string[];
  readonly notes: readonly string[];
  readonly links: 'namespaces' | 'relays' | 'none';
  readonly seconds: number;
  /** From the end of the load to identical members. */
  readonly identicalAfterSeconds: number | null;
}

const CONTENDED = 5;
const PAUSE_MS = 25;
const LOG_SHOWN = 200_000;

export interface RunOptions {
  readonly scale: Scale;
  readonly say: (line: string) => void;
  /** Called with the members' logs when a promise was broken. */
  readonly keepLogs?: (logs: string) => void;
  /** The compiled program, which starts quicker; default: the sources. */
  readonly main?: string | undefined;
}

class Clearing {
  readonly #steps: (() => Promise<void> | void)[] = [];
  defer(step: () => Promise<void> | void): void {
    this.#steps.push(step);
  }
  async run(say: (line: string) => void): Promise<void> {
    for (const step of this.#steps.reverse()) {
      try {
        await step();
      } catch (error) {
        say(`clearing up: ${error instanceof Error ? error.message : String(error)}`);
      }
    }
  }
}

export async function runFault(fault: Fault, seed: number, options: RunOptions): Promise<RunResult> {
  const from = performance.now();
  const journal = new Journal();
  const found = { violations: [] as string[], reasons: [] as string[], notes: [] as string[] };
  const clearing = new Clearing();
  let identicalAfterSeconds: number | null = null;
  let links: RunResult['links'] = 'none';
  let skipped = fault.missing?.() ?? null;
  if (skipped === null) {
    try {
      const stage = await setUp(fault, journal, clearing, options.main);
      if (typeof stage === 'string') skipped = stage;
      else {
        links = stage.links;
        identicalAfterSeconds = await play(fault, seed, options, journal, stage, found);
        if (found.violations.length > 0) options.keepLogs?.(stage.network.log().slice(-LOG_SHOWN));
      }
    } catch (error) {
      found.violations.push(`the run broke off: ${error instanceof Error ? error.stack : String(error)}`);
    }
    await clearing.run(options.say);
  }
  if (skipped !== null) found.reasons.push(skipped);
  const { violations, reasons, notes } = found;
  const calmOutcome = reasons.length > 0 ? 'lacking' : 'kept';
  return {
    fault: fault.name,
    seed,
    outcome: skipped !== null ? 'skipped' : violations.length > 0 ? 'broken' : calmOutcome,
    operations: journal.changes.length + journal.reads,
    acknowledged: journal.acknowledged().length,
    reads: journal.reads,
    refused: journal.changes.filter((change) => change.outcome === 'refused').length,
    unknown: journal.changes.filter((change) => change.outcome === 'unknown').length,
    onlyHere: journal.acknowledged().filter(({ holders }) => holders === 1).length,
    ...{ violations, reasons, notes, links },
    seconds: Math.round((performance.now() - from) / 100) / 10,
    identicalAfterSeconds,
  };
}

interface Stage {
  readonly network: Network;
  readonly namespaces: Namespaces | null;
  readonly links: RunResult['links'];
  readonly volume: LoopVolume | null;
}

async function setUp(
  fault: Fault,
  journal: Journal,
  clearing: Clearing,
  main: string | undefined,
): Promise<Stage | string> {
  const folder = mkdtempSync(join(tmpdir(), 'cloudroid-fault-'));
  clearing.defer(() => rmSync(folder, { recursive: true, force: true }));
  const names = [...'abcdefghi'.slice(0, fault.members ?? 3)];
  const namespaces = fault.links === true ? tryNamespaces(names, journal) : null;
  if (namespaces !== null) clearing.defer(() => namespaces.close());
  let volume: LoopVolume | null = null;
  if (fault.volumeMegabytes !== undefined) {
    const made = LoopVolume.make(join(folder, 'c.img'), join(folder, 'c', 'data'), fault.volumeMegabytes);
    if (typeof made === 'string') return made;
    volume = made;
    clearing.defer(() => made.unmount());
  }
  const relays = fault.relays === true || (fault.links === true && namespaces === null);
  const network = await Network.make(folder, {
    members: names.length,
    wires: relays,
    apart: fault.apart === true,
    places: namespaces?.places,
    options: fault.options ?? [],
    ...(main === undefined ? {} : { main }),
  });
  clearing.defer(() => network.close());
  await network.startAll();
  return {
    network,
    namespaces,
    links: namespaces !== null ? 'namespaces' : relays ? 'relays' : 'none',
    volume,
  };
}

/** Null where only relays can be had. */
function tryNamespaces(names: readonly string[], journal: Journal): Namespaces | null {
  if (process.getuid?.() !== 0 || process.env['CLOUDROID_FAULTS_RELAYS'] === '1') return null;
  try {
    return Namespaces.open(names);
  } catch (error) {
    journal.notes.push(`no namespaces: ${error instanceof Error ? error.message : String(error)}`);
    return null;
  }
}

async function play(
  fault: Fault,
  seed: number,
  { scale, say }: RunOptions,
  journal: Journal,
  stage: Stage,
  found: { violations: string[]; reasons: string[]; notes: string[] },
): Promise<number | null> {
  const { network, namespaces, volume } = stage;
  const random = new Random(seed);
  const clients = hire(network, seed, scale, journal);
  const [first] = network.members;
  if (first === undefined) throw new Error('no members');
  await prepare(first, clients);
  const stop = new AbortController();
  const working = Promise.all(clients.map((client) => client.work(stop.signal)));
  const scene: Scene = {
    ...{ network, journal, random, scale, volume },
    links: new Links(network, journal, namespaces),
    present: new Set(network.members),
    violation: (what) => found.violations.push(what),
    lacking: (what) => found.reasons.push(what),
    say: (what) => say(`  ${what}`),
    note: (what) => found.notes.push(what),
    load: (seconds = scale.seconds) => pause(seconds * 1000),
    calm: async () => {
      stop.abort();
      await working;
    },
  };
  try {
    await scene.load();
    await fault.strike(scene);
    await scene.load();
  } finally {
    await scene.calm();
  }
  const seconds = await check(scene, found.violations);
  await fault.inspect?.(scene);
  found.notes.push(...journal.notes);
  return seconds;
}

/** As many as asked for at each member, and one that goes to the next member whenever it is thrown out. */
function hire(network: Network, seed: number, scale: Scale, journal: Journal): Client[] {
  const places: (() => Member)[] = network.members.flatMap((member) =>
    Array.from({ length: scale.clientsPerMember }, () => () => member),
  );
  let next = seed;
  places.push(() => {
    next += 1;
    return network.members[next % network.members.length] as Member;
  });
  const names = Math.max(5, Math.round(scale.free / places.length));
  const load = { clients: places.length, contended: CONTENDED, free: scale.free, pauseMs: PAUSE_MS };
  return places.map(
    (member, index) => new Client(`w${index}`, seed * 1000 + index, names, load, journal, member),
  );
}

async function unlike(members: readonly Member[], error: unknown): Promise<string> {
  const records = recordsBehind(members).join('\n    ');
  const rest = await sweepAll(members);
  const then =
    rest === null ? 'one more sweep of each makes them the same' : 'nor does one more sweep of each';
  const why = error instanceof Error ? error.message : String(error);
  return `the members do not become the same, ${then}: ${why}\n    ${records}`;
}

async function check(scene: Scene, violations: string[]): Promise<number | null> {
  const { journal, network } = scene;
  const members = [...scene.present];
  let seconds: number | null = null;
  try {
    seconds = Math.round((await becomeTheSame(members)) * 10) / 10;
  } catch (error) {
    violations.push(await unlike(members, error));
  }
  violations.push(...journal.seen);
  const [first] = members;
  if (first === undefined) return seconds;
  const causality = new Causality(
    journal,
    network.members.map(({ name }) => name),
  );
  violations.push(...judge(journal, causality, await filesOf(first)));
  if (seconds !== null)
    violations.push(...(await sweepAgain(members, members.length === network.members.length)));
  return seconds;
}
