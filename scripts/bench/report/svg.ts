/** The chart of a result: a block for each workload, a bar for each contestant. Text in it is text; colours follow light and dark. */
import type { BenchResult, Measurement } from '../result.ts';
import { median, shown } from '../statistics.ts';
import { headline } from './rows.ts';

const WIDTH = 860;
const NAME_WIDTH = 120;
const BAR_WIDTH = 520;
const BAR = 16;
const GAP = 4;
const TITLE = 24;
const BLOCK_GAP = 14;
const HEAD = 52;

const style = `
  text { font: 13px system-ui, sans-serif; fill: #1c2024 }
  .title { font-weight: 600 } .small { font-size: 11px; fill: #60646c }
  .paper { fill: #ffffff } .ours { fill: #0d74ce } .other { fill: #8b8d98 } .range { stroke: #1c2024; stroke-width: 1.5 }
  @media (prefers-color-scheme: dark) {
    text { fill: #edeef0 } .small { fill: #b0b4ba }
    .paper { fill: #111113 } .ours { fill: #70b8ff } .other { fill: #777b84 } .range { stroke: #edeef0 }
  }`;

export function escapeXml(text: string): string {
  // Control characters are no XML at all; a machine's name could hold one.
  const printable = [...text].filter((letter) => letter >= ' ').join('');
  return printable
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}

function bar(one: Measurement, most: number, top: number): string {
  const scale = most > 0 ? BAR_WIDTH / most : 0;
  const length = (value: number) => Math.max(0, value * scale).toFixed(1);
  const value = median(one.values);
  const middle = top + BAR / 2;
  const kind = one.contestant.startsWith('cloudroid') ? 'ours' : 'other';
  const [from, to] = [Math.min(...one.values), Math.max(...one.values)];
  const x = (amount: number) => (NAME_WIDTH + Number(length(amount))).toFixed(1);
  return (
    `<text x="${NAME_WIDTH - 8}" y="${middle + 4}" text-anchor="end">${escapeXml(one.contestant)}</text>` +
    `<rect class="${kind}" x="${NAME_WIDTH}" y="${top}" width="${length(value)}" height="${BAR}" rx="2"/>` +
    `<line class="range" x1="${x(from)}" y1="${middle}" x2="${x(to)}" y2="${middle}"/>` +
    `<text x="${Number(x(to)) + 8}" y="${middle + 4}">${escapeXml(`${shown(value)} ${one.unit}`)}</text>`
  );
}

export function chart(result: BenchResult): string {
  const blocks = new Map<string, Measurement[]>();
  for (const one of result.measurements) blocks.set(one.title, [...(blocks.get(one.title) ?? []), one]);
  const parts: string[] = [];
  let top = HEAD;
  for (const [title, list] of blocks) {
    const most = Math.max(0, ...list.flatMap(({ values }) => values));
    const better = list[0]?.better === 'higher' ? 'longer is better' : 'shorter is better';
    parts.push(
      `<text class="title" x="8" y="${top + 14}">${escapeXml(title)} <tspan class="small">${better}</tspan></text>`,
    );
    top += TITLE;
    for (const one of list) {
      parts.push(bar(one, most, top));
      top += BAR + GAP;
    }
    top += BLOCK_GAP;
  }
  const head = headline(result);
  const cut = head.indexOf(', commit');
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${top}" width="${WIDTH}" height="${top}" role="img">`,
    '<title>Cloudroid and its contestants</title>',
    `<style>${style}\n</style>`,
    `<rect class="paper" width="${WIDTH}" height="${top}"/>`,
    `<text class="small" x="8" y="18">${escapeXml(head.slice(0, cut))}</text>`,
    `<text class="small" x="8" y="34">${escapeXml(head.slice(cut + 2))}; the line in a bar: least to most</text>`,
    ...parts,
    '</svg>',
    '',
  ].join('\n');
}
