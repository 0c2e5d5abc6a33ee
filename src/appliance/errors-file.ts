/** cloudroid-errors.txt: for somebody who has the card in a PC, in plain words and with the line ends of Windows. */
import { existsSync, readFileSync } from 'node:fs';
import type { Problem } from './boot-file.ts';
import { removeFile, replaceFile } from './replace-file.ts';

export function errorsText(problems: readonly Problem[]): string {
  const lines = [
    'What Cloudroid could not use. Everything else in cloudroid.txt counts.',
    'Mend it in cloudroid.txt and start the board again; this file vanishes when all is well.',
  ];
  for (const { line, text, expected } of problems) {
    lines.push('', line === null ? text : `Line ${line}: ${text}`, `    Expected: ${expected}.`);
  }
  return `${lines.join('\r\n')}\r\n`;
}

/** Written only when it says something else than before: the card is spared. */
export function tellProblems(file: string, problems: readonly Problem[]): void {
  if (problems.length === 0) {
    removeFile(file);
    return;
  }
  const text = errorsText(problems);
  if (existsSync(file) && readFileSync(file, 'utf8') === text) return;
  replaceFile(file, text, { mode: null });
}
