/** One row of the command table: it drives the checks, HELP, FEAT and docs/ftp-commands.md. */
import type { Reply } from '../ftp/reply.ts';
import type { Right } from './rights.ts';
import type { Session } from './session.ts';

/** Everything that is not newer. */
export const FIRST_VERSION = '0.1.0';

export interface CommandDefinition {
  /** `RETR`, or `SITE NETS` for a verb behind SITE. */
  readonly name: string;
  readonly aliases?: readonly string[];
  /** none: an argument is an error (501). required: its absence is (501). */
  readonly argument: 'none' | 'optional' | 'required';
  /** How the argument looks, for HELP: `<path>`. */
  readonly syntax?: string;
  /** What an account must be allowed to (rights.ts), else 550; absent: nothing. */
  readonly right?: Right;
  /** Refused with 530 before login unless false. */
  readonly needsLogin?: false;
  /**
   * Answered at once while a transfer runs; all other commands wait for its end. `bare`: only without argument.
   * `urgent`: ahead of commands that wait already.
   */
  readonly duringTransfer?: 'always' | 'bare' | 'urgent';
  /** Uses a data connection; its failures are told in the log by run-transfer.ts, with bytes and seconds. */
  readonly transfers?: true;
  /** Its line of FEAT; null: not here. */
  readonly feature?: string | ((session: Session) => string | null);
  /** What it does here, one sentence: HELP, and the remark of docs/ftp-commands.md. */
  readonly help: string;
  /** Where it is defined: the RFC or draft with its section. */
  readonly reference: string;
  /** The version of Cloudroid that answered it first; FIRST_VERSION when not said. */
  readonly since?: string;
  run(session: Session, argument: string): Reply | Promise<Reply>;
}
