/**
 * Who this member is, for good: `<state>/member.json`, made at the first start. Three processes may start at the same
 * moment: each writes a proposal of its own and links it to the name; the link of one succeeds, all read the winner.
 */
import { randomInt } from 'node:crypto';
import {
  closeSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { CommandError, exitStatus, exitStatusOf, systemCodeOf } from '../system/exit-status.ts';
import type { Identity, Settings } from './settings-api.ts';

const LETTERS = 'abcdefghijklmnopqrstuvwxyz0123456789';
const MEMBER_ID = /^[a-z0-9][a-z0-9-]{0,39}$/;

/** `Odroid N2 (left)` -> `odroid-n2-left`, at most 35 characters so that the random tail fits. */
export function slug(name: string): string {
  const plain = name
    .normalize('NFKD')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-');
  return plain.replace(/^-+/, '').slice(0, 35).replace(/-+$/, '') || 'member';
}

function newMemberId(name: string): string {
  const tail = Array.from({ length: 4 }, () => LETTERS[randomInt(LETTERS.length)]);
  return `${slug(name)}-${tail.join('')}`;
}

function flushed(path: string, flags: string, text?: string): void {
  const file = openSync(path, flags, 0o644);
  try {
    if (text !== undefined) writeSync(file, text);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

/** Null: none yet. Throws CommandError when the file is there and not what we wrote: guessing an id could lose data. */
export function readMemberId(stateDir: string): string | null {
  const file = join(stateDir, 'member.json');
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if (systemCodeOf(error) === 'ENOENT') return null;
    throw cannot('read', file, error);
  }
  try {
    const content: unknown = JSON.parse(text);
    if (typeof content === 'object' && content !== null && 'member' in content) {
      const { member } = content;
      if (typeof member === 'string' && MEMBER_ID.test(member)) return member;
    }
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  throw new CommandError(
    exitStatus.configuration,
    `${file} is damaged: expected {"member": "<id>"}. Put it back; the id is also in files/.cloudroid/store.json of the data folder.`,
  );
}

function cannot(verb: string, what: string, error: unknown): CommandError {
  const why = error instanceof Error ? error.message : String(error);
  const status = exitStatusOf(error);
  const code = status === exitStatus.internal ? exitStatus.cannotCreate : status;
  return new CommandError(
    code,
    `Cannot ${verb} ${what}: ${why}. Choose another folder with --data, or mend its rights.`,
    {
      cause: error,
    },
  );
}

/** Makes the folder of the state and the identity in it at the first start. */
export function loadOrMakeIdentity(settings: Pick<Settings, 'stateDir' | 'name'>): Identity {
  const { stateDir, name } = settings;
  try {
    mkdirSync(stateDir, { recursive: true, mode: 0o750 });
  } catch (error) {
    throw cannot('make the folder', stateDir, error);
  }
  const present = readMemberId(stateDir);
  if (present !== null) return { member: present, name };
  const proposal = join(stateDir, `member.json.${process.pid}`);
  try {
    flushed(proposal, 'w', `${JSON.stringify({ member: newMemberId(name) })}\n`);
    linkSync(proposal, join(stateDir, 'member.json'));
    flushed(stateDir, 'r');
  } catch (error) {
    if (systemCodeOf(error) !== 'EEXIST') throw cannot('write', join(stateDir, 'member.json'), error);
  } finally {
    rmSync(proposal, { force: true });
  }
  const made = readMemberId(stateDir);
  if (made === null)
    throw new CommandError(exitStatus.inputOutput, `${stateDir}/member.json vanished while it was made`);
  return { member: made, name };
}
