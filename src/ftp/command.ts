/** A command line as name and argument (RFC 959 section 5.3, RFC 2640 for the UTF-8 in it). */

export type ParsedCommand =
  | { readonly kind: 'command'; readonly name: string; readonly argument: string }
  /** No line that could be a command: 500. */
  | { readonly kind: 'unintelligible'; readonly why: string }
  /** A command with an argument that must never get any further: 501. */
  | { readonly kind: 'bad-argument'; readonly name: string; readonly why: string };

const SPACE = 32;
const NAME = /^[A-Z][A-Z0-9]{0,15}$/;
/** C0, DEL and C1: no name needs them, and each of them breaks somebody's protocol or terminal. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: finding them is the purpose
const CONTROL = /[\u0000-\u001f\u007f-\u009f]/;

/**
 * The name comes in upper case; the argument is everything behind the first space, unchanged: a file name may begin
 * or end with spaces. `decode` gives null for bytes that are no text.
 */
export function parseCommand(line: Buffer, decode: (bytes: Buffer) => string | null): ParsedCommand {
  let start = 0;
  while (line[start] === SPACE) start += 1;
  const space = line.indexOf(SPACE, start);
  const nameEnd = space < 0 ? line.length : space;
  const name = line.toString('latin1', start, Math.min(nameEnd, start + 32)).toUpperCase();
  if (name === '') return { kind: 'unintelligible', why: 'An empty line is not a command.' };
  if (!NAME.test(name)) return { kind: 'unintelligible', why: 'That is not an FTP command.' };
  if (space < 0) return { kind: 'command', name, argument: '' };
  const argument = decode(line.subarray(space + 1));
  if (argument === null) return { kind: 'bad-argument', name, why: 'Names must be UTF-8.' };
  if (CONTROL.test(argument))
    return { kind: 'bad-argument', name, why: 'Control characters are not allowed.' };
  return { kind: 'command', name, argument };
}
