/** Plays one plan against a member, whatever that answers; over within SESSION_MS. */
import { setTimeout as pause } from 'node:timers/promises';
import { FuzzClient, type TranscriptLine } from './client.ts';
import { transfer } from './data.ts';
import type { Plan, Step } from './plan.ts';

const SESSION_MS = 15_000;
const FAREWELL_MS = 1_000;

export interface Played {
  readonly index: number;
  readonly lines: number;
  readonly bytes: number;
  readonly transcript: readonly TranscriptLine[];
}

export interface FuzzDoor {
  readonly host: string;
  readonly port: number;
  /** For implicit TLS. */
  readonly tlsPort: number;
}

export async function play(plan: Plan, door: FuzzDoor): Promise<Played> {
  const client = await FuzzClient.open(door, plan.way === 'implicit', addressOf(plan.index));
  if (client === null) return { index: plan.index, lines: 0, bytes: 0, transcript: [] };
  const end = performance.now() + SESSION_MS;
  for (const step of plan.steps) {
    if (client.gone || performance.now() > end) break;
    await take(client, step);
  }
  client.leave(plan.leaving);
  await client.over(FAREWELL_MS);
  return {
    index: plan.index,
    lines: client.linesSent,
    bytes: client.bytesSent,
    transcript: client.transcript,
  };
}

function addressOf(index: number): string {
  return `127.1.${(index >> 8) & 255}.${index & 255}`;
}

async function take(client: FuzzClient, step: Step): Promise<void> {
  switch (step.kind) {
    case 'log in':
      client.say(Buffer.from('USER guest\r\n'));
      await client.answered();
      client.say(Buffer.from('PASS guest\r\n'));
      await client.answered(1000);
      return;
    case 'say': {
      let from = 0;
      for (const cut of step.cuts) {
        client.say(step.bytes.subarray(from, cut), 0);
        from = cut;
        await pause(1);
      }
      client.say(step.bytes.subarray(from), step.lines);
      await client.answered(step.lines > 10 ? 1000 : undefined);
      return;
    }
    case 'transfer':
      await transfer(client, step);
      return;
    case 'tls':
      client.say(Buffer.from('AUTH TLS\r\n'));
      if (!(await client.answered()).startsWith('234')) return;
      if (step.bytes === null) await client.secure(step.after % 2 === 0 ? 0 : step.after);
      else {
        client.say(step.bytes);
        await client.answered();
      }
      return;
    case 'wait':
      await pause(step.ms);
      return;
    case 'deaf':
      client.deaf(true);
      await pause(step.ms);
      client.deaf(false);
      return;
  }
}
