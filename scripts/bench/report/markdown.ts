/** The measured part of docs/performance.md; what people write around it stays as it is. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { judge, limitOf } from '../goals.ts';
import type { BenchResult } from '../result.ts';
import { explanation, headline, rowsOf } from './rows.ts';
import { chart } from './svg.ts';
import { verdictWord } from './table.ts';

const BEGIN = '<!-- measured: begin (written by npm run bench -- --write-docs FILE) -->';
const END = '<!-- measured: end -->';

function tableOf(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(header), `|${' --- |'.repeat(header.length)}`, ...rows.map(line)].join('\n');
}

/** Everything between the two marks. */
export function measuredPart(result: BenchResult): string {
  const goals = judge(result).map((verdict) => [
    verdict.goal.text,
    verdict.measured,
    limitOf(verdict.goal),
    verdictWord(verdict),
  ]);
  const rows = rowsOf(result).map((row) => [
    row.workload,
    row.contestant,
    row.value,
    row.spread,
    row.ratio,
    row.cpu,
    row.memory,
  ]);
  return [
    BEGIN,
    `${headline(result)}.`,
    '',
    '![The same as bars](performance.svg)',
    '',
    '### Goals of issue 6',
    '',
    tableOf(['goal', 'measured', 'limit', ''], goals),
    '',
    '### All figures',
    '',
    tableOf(['workload', 'who', 'median', 'least - most', 'x vsftpd', 'CPU', 'memory'], rows),
    '',
    explanation,
    ...(result.skipped.length === 0
      ? []
      : ['', 'Not measured:', '', ...result.skipped.map((why) => `- ${why}`)]),
    END,
  ].join('\n');
}

/** The page with its measured part made anew. Throws where the marks are missing. */
export function withMeasured(page: string, result: BenchResult): string {
  const [from, to] = [page.indexOf(BEGIN), page.indexOf(END)];
  if (from < 0 || to < from) throw new TypeError('docs/performance.md lacks the marks of the measured part');
  return page.slice(0, from) + measuredPart(result) + page.slice(to + END.length);
}

const emptyPage = `# Speed\n\n${BEGIN}\n${END}\n`;

/** docs/performance.md, its chart, and the raw figures beside it. */
export function writeDocs(result: BenchResult, docs: string): void {
  const page = join(docs, 'performance.md');
  writeFileSync(page, withMeasured(existsSync(page) ? readFileSync(page, 'utf8') : emptyPage, result));
  writeFileSync(join(docs, 'performance.svg'), chart(result));
  writeFileSync(join(docs, 'performance.json'), `${JSON.stringify(result, null, 1)}\n`);
  console.log('docs/performance.md, docs/performance.svg and docs/performance.json are written');
}
