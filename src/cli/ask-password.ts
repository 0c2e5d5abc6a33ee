/** A password from a person, unseen, or from a program that writes it to standard input. */
import { text } from 'node:stream/consumers';
import { LONGEST_PASSWORD_BYTES } from '../accounts/password-hash.ts';
import { CommandError, exitStatus } from '../system/exit-status.ts';
import type { CommandInput } from './command.ts';

const SHORTEST = 8;
const ENTER = ['\r', '\n'];
const INTERRUPT = '\u0003';
const END = '\u0004';
const ERASE = ['\u007f', '\b'];

/** Asked for twice. Throws CommandError: two different ones, too short, nobody to ask. */
export async function newPassword({ switches }: CommandInput, user: string): Promise<string> {
  if (switches.has('password-stdin')) {
    const [first = ''] = (await text(process.stdin)).split(/\r?\n/);
    return fitting(first, user);
  }
  if (process.stdin.isTTY !== true || process.stderr.isTTY !== true) {
    throw new CommandError(
      exitStatus.usage,
      'Nobody can be asked for a password here: write it to standard input and say --password-stdin.',
    );
  }
  const password = fitting(await unseen(`Password for ${user}: `), user);
  if ((await unseen('Once more: ')) !== password) {
    throw new CommandError(exitStatus.failed, 'The two passwords are not the same; nothing was changed.');
  }
  return password;
}

function fitting(password: string, user: string): string {
  // The only one that is allowed to be known to everybody.
  if (user === 'guest' && password === 'guest') return password;
  if (password.length < SHORTEST) {
    throw new CommandError(exitStatus.failed, `A password has at least ${SHORTEST} characters.`);
  }
  if (Buffer.byteLength(password) > LONGEST_PASSWORD_BYTES) {
    throw new CommandError(exitStatus.failed, `A password has at most ${LONGEST_PASSWORD_BYTES} bytes.`);
  }
  // biome-ignore lint/suspicious/noControlCharactersInRegex: FTP clients cannot send them
  if (/[\u0000-\u001f\u007f-\u009f]/.test(password)) {
    throw new CommandError(exitStatus.failed, 'A password has no control characters: FTP cannot send them.');
  }
  return password;
}

function unseen(question: string): Promise<string> {
  const { stdin } = process;
  // First: what is typed at once must not be seen either.
  stdin.setRawMode(true);
  process.stderr.write(question);
  stdin.setEncoding('utf8');
  stdin.resume();
  return new Promise((resolve, reject) => {
    let typed = '';
    const finish = (settle: () => void) => {
      stdin.off('data', read);
      stdin.setRawMode(false);
      stdin.pause();
      process.stderr.write('\n');
      settle();
    };
    const read = (chunk: string) => {
      for (const letter of chunk) {
        if (ENTER.includes(letter)) return finish(() => resolve(typed));
        if (letter === INTERRUPT || letter === END) {
          return finish(() => reject(new CommandError(exitStatus.failed, 'Nothing was changed.')));
        }
        typed = ERASE.includes(letter) ? [...typed].slice(0, -1).join('') : typed + letter;
      }
    };
    stdin.on('data', read);
  });
}
